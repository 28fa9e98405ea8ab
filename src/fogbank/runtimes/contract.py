"""What differs between the clouds' ways of running a function: how it is started, told things, and reported on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fogbank.runtimes.link import Link
    from fogbank.runtimes.model import Invocation, Launch, Line, Mounts, Outcome, Places, Workspace
    from fogbank.runtimes.nursery import Kind

IsOwn: TypeAlias = "Callable[[str, int, int], bool]"
"""Tells whether an address and port are those of an instance's own processes."""


class Beside(Protocol):
    """Programs beside a function in its sandbox."""

    @property
    def commands(self) -> Sequence[str]:
        """The programs, started before the function is."""

    @property
    def left_out(self) -> Sequence[str]:
        """The variables of the function's environment that they don't get."""

    @property
    def environment(self) -> Mapping[str, str]:
        """More variables, for them and the function."""

    def printed(self, kind: str, line: Line) -> None:
        """Take note of what the "function" or an "extension" has printed."""

    def around(self, link: Link, go: Callable[[], None], programs: Callable[[], int]) -> Link:
        """Return the link to use instead of the function's own.

        `go` lets the function start; `programs` counts what runs beside it.
        """

    async def abandon(self) -> None:
        """Let go of all, since the instance hasn't come to be."""


class Start(NamedTuple):
    """How an instance is started: the kind of stem that it grows from, and what to log of it.

    `command` returns a program that is executed in place of the worker, given where the function finds its folders;
    a stem of a kind with a `program` of its own is running that already, and needs none. It has the channel as its
    descriptor 3, unless it is reached through what `endpoint` opens, which is told whether an address and port are the
    instance's own. `folders` are what it reads of the machine's besides the system's programs. `prepare` is awaited
    before the first instance starts, and raises `OSError`. `reserve_mib` is what it may hold beside the function's
    memory. `beside` makes what is beside the function, given what was opened, where the function finds its folders, and
    the same about addresses.
    """

    kind: Kind
    lines: Sequence[str] = ()
    command: Callable[[Places], Sequence[str]] | None = None
    endpoint: Callable[[IsOwn], Awaitable[Link]] | None = None
    folders: Sequence[str] = ()
    prepare: Callable[[], Awaitable[None]] | None = None
    reserve_mib: int = 0
    beside: Callable[[Link | None, Places, IsOwn], Awaitable[Beside]] | None = None


class Contract(Protocol):
    """A cloud's way of running functions."""

    @property
    def mounts(self) -> Mounts:
        """Where a function finds its folders."""

    @property
    def result_bytes_max(self) -> int:
        """How long a result may be."""

    @property
    def init_seconds_max(self) -> float:
        """How long an initialisation may take, where the function's own limit isn't longer."""

    def start(self, launch: Launch, workspace: Workspace) -> Start:
        """Return how an instance is started; raises `OSError` with what is missing, in plain text."""

    def environment(self, launch: Launch, places: Places, stream: str, link: Link | None) -> dict[str, str]:
        """Return all environment variables of an instance; `stream` names its log, `link` is what was opened."""

    def path(self, places: Places) -> Sequence[str]:
        """Return what comes first on a Python function's module search path."""

    def context(self, launch: Launch, invocation: Invocation) -> Mapping[str, Any]:
        """Return what is told to the function with an event."""

    def report(
        self, launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int
    ) -> Sequence[Line]:
        """Return the complete log of an invocation, from what was printed."""
