"""What runs, and what became of it, in neutral words."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from fogbank.runtimes.streams.reply import ReplyStream

MIB: Final = 1_048_576
OPEN_FILES_MAX: Final = 1_024
# Of one user, so of all instances of a function together; one instance's own limit is its control group's.
PROCESSES_MAX: Final = 16_384
# Temporary storage, where a function doesn't say how much.
EPHEMERAL_MIB: Final = 512


def limits_of(ephemeral_mib: int) -> dict[str, int]:
    """Return what an instance may have, as it is told (see `inside/sandbox.py`)."""
    return {
        "processes_max": PROCESSES_MAX,
        "open_files_max": OPEN_FILES_MAX,
        "file_bytes_max": ephemeral_mib * MIB,
    }


class Launch(NamedTuple):
    """All that is needed to start instances of one revision of a function.

    `key` is the function's id and revision, `contract` says how it is spoken to. `environment` is what the
    function sees besides what the contract itself sets; `grant` returns more of it, made for one instance: its
    credentials. `identity` names the function in the contract's own words
    (an ARN, a path). `log` is the scope and name of the log group that its output goes to.

    `folder` is a local folder that has the code, instead of an archive with the digest `code`. `layers` are
    archives that are unpacked over each other, in their order. An instance runs `concurrency` invocations at a
    time; there are `instances_max` instances at most (None: as many as the server allows), beyond which
    invocations wait, or are refused with `BusyError` where `queued` is False; `instances_min` are kept started.
    With a `debug_port` an instance waits there for a debugger, and has all the time that takes. Where there is a
    `snapshot`, instances are forked from one that was initialised.
    """

    key: tuple[int, int]
    contract: str
    runtime: str
    handler: str
    code: bytes
    environment: Mapping[str, str]
    grant: Callable[[], Awaitable[Mapping[str, str]]]
    memory_mib: int
    timeout_seconds: float
    name: str
    version: str
    identity: str
    log: tuple[str, str]
    folder: str = ""
    layers: tuple[bytes, ...] = ()
    concurrency: int = 1
    instances_max: int | None = None
    instances_min: int = 0
    queued: bool = True
    ephemeral_mib: int = EPHEMERAL_MIB
    debug_port: int = 0
    snapshot: bool = False


class Invocation(NamedTuple):
    """One event for a function; `context` is handed on to it in the contract's own words.

    An HTTP request is an event, too: `event` is its body and `context` has `method`, `path` (undecoded, without
    the query), `query`, and `headers` as pairs of texts; with `execution`, the log calls it
    that. The result's body is the `payload` of the `Outcome`, whose `head` has `status` and `headers`.

    Where there is a `reply`, it gets the parts of a result that the function streams, as they come.
    """

    id: str
    event: bytes
    context: Mapping[str, Any]
    reply: ReplyStream | None = None


class Ended(Enum):
    """How an invocation ended."""

    OK = "ok"
    # The function, or its initialisation, reported an error: `payload` is what it reported.
    ERROR = "error"
    INIT_ERROR = "init error"
    TIMEOUT = "timeout"
    # The process ended: `status` is its exit status, negative for a signal.
    EXIT = "exit"
    # It was ended because it held more memory than it may.
    MEMORY = "memory"
    TOO_LARGE = "too large"
    # No instance could be started: `payload` says why, in plain text.
    LAUNCH = "launch"


class Line(NamedTuple):
    """A line, or several that belong together, of what a function printed; `at_us` since the epoch."""

    at_us: int
    text: str


class Outcome(NamedTuple):
    """What became of an invocation. Times are in seconds; `init_seconds` only where a new instance ran it.

    `lines` is all that was logged of it, what the contract adds included; `stream` is the log that has it.
    `head` is what belongs to the payload, in the contract's own words. `streamed` is how many bytes went to the
    invocation's `reply` before it ended, None where the function didn't stream; the payload of one that ended well has
    their beginning.
    """

    ended: Ended
    payload: bytes
    seconds: float = 0.0
    init_seconds: float | None = None
    status: int = 0
    error_type: str = ""
    peak_bytes: int = 0
    lines: Sequence[Line] = ()
    stream: str = ""
    head: Mapping[str, Any] = MappingProxyType({})
    streamed: int | None = None


class Mounts(NamedTuple):
    """Where a function finds its folders in a sandbox of its own."""

    code: str
    layers: str = ""
    temporary: str = "/tmp"  # noqa: S108 - the function's own


class Places(NamedTuple):
    """Where a function finds its folders; `mounts` brings them there: source, target, to "read", "write" or "own"."""

    code: str
    layers: str
    temporary: str
    mounts: Sequence[tuple[str, str, str]]


class Workspace(NamedTuple):
    """An instance's folders: its code and layers, read only, a private one for temporary files, what all share."""

    code: Path
    temporary: Path
    layers: Path | None = None
    shared: Path | None = None

    def places(self, mounts: Mounts, *, enclosed: bool) -> Places:
        """Return where the function finds them: in the sandbox, or as they are."""
        layers = "" if self.layers is None else str(self.layers)
        brought = [(str(self.code), mounts.code, "read"), (str(self.temporary), mounts.temporary, "own")]
        if layers:
            brought.append((layers, mounts.layers, "read"))
        if self.shared is not None:
            brought.append((str(self.shared), str(self.shared), "write"))
        if enclosed:
            return Places(mounts.code, layers and mounts.layers, mounts.temporary, brought)
        return Places(str(self.code), layers, str(self.temporary), brought)


class Printed(NamedTuple):
    """Lines that an instance printed, for its stream of a log group (scope and name).

    `invocation` is what the log calls the one that they are from, "" for none.
    """

    group: tuple[str, str]
    stream: str
    lines: Sequence[Line]
    invocation: str = ""


LogSink: TypeAlias = "Callable[[Printed], None]"
"""Takes what was printed."""


class Runs(Protocol):
    """A running copy of a function, as a pool sees it."""

    @property
    def usable(self) -> bool:
        """Whether it can run another invocation."""

    @property
    def initialised(self) -> bool:
        """Whether its function was loaded, so that an invocation needn't wait for that."""

    @property
    def exited(self) -> asyncio.Future[int]:
        """Done when its process has ended."""

    @property
    def unsettled(self) -> asyncio.Task[None] | None:
        """What has to be done before it can run another invocation, although it has answered the last."""

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation to its end."""

    async def stop(self) -> None:
        """End it and everything that it started."""
