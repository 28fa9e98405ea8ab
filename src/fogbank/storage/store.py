"""The store as everyone above it sees it: operations run in transactions, replies come after the commit.

An operation is `async def op(tx, now_us, …)`: it awaits nothing but `tx`, reads no clock, draws nothing at
random, and may be run more than once with the same arguments (a database may ask for a retry). It returns its
result; what it raises undoes all that it wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
    from pathlib import Path

    from fogbank.storage.images.model import Facts
    from fogbank.storage.signals import Signals

Value: TypeAlias = "int | float | str | bytes | None"
Row: TypeAlias = "Sequence[Any]"
P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class StoreUnavailableError(Exception):
    """The database did not commit (disk full, connection lost): nothing of the operation was kept."""


class Tx(Protocol):
    """One operation's view of the database."""

    async def one(self, sql: str, *args: Value) -> Row | None:
        """Return the first row, or None."""

    async def all(self, sql: str, *args: Value) -> list[Row]:
        """Return every row."""

    async def known(self, sql: str, *args: Value) -> Sequence[Row]:
        """Return every row, of a table whose rows seldom change (`sqlite.known.TABLES`).

        A store that nobody else writes to remembers them until it writes to the table. The rows mustn't be changed.
        """

    async def run(self, sql: str, *args: Value) -> int:
        """Execute a statement and return how many rows it touched."""

    async def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Execute a statement once for each row of arguments."""

    @property
    def witnessed(self) -> bool:
        """Whether anybody wants to hear of `Happening`s, which are signalled as topics are."""

    def signal(self, topic: Hashable, count: int = 1) -> None:
        """Wake up to `count` listeners of the topic once the transaction is committed."""


class Store(Protocol):
    """A database that runs operations."""

    @property
    def signals(self) -> Signals:
        """Where commits are announced."""

    @property
    def description(self) -> str:
        """Where the data is and what a reply promises, for the banner."""

    def run(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run an operation that may write; the result arrives once what it wrote is durable."""

    def read(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run an operation that only reads, briefly, on the last committed state."""

    def scan(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run an operation that only reads but may take long, without holding up the others."""

    @property
    def exclusive(self) -> bool:
        """Whether no other process has it open, so that what was under way before this one started is over."""

    @property
    def idle(self) -> bool:
        """Whether no operation is waiting for its commit."""

    async def drain(self) -> None:
        """Wait until nothing that was started is still uncommitted."""

    @property
    def generation(self) -> int:
        """Grows when everything is replaced by something else (`reset`, `load_image`).

        Who remembers what he has read compares it.
        """

    async def reset(self) -> None:
        """Delete every row of every table."""

    async def save_image(self, path: Path) -> Facts:
        """Write all that is committed into a new file, an image (`storage.images`); returns the facts about it.

        Operations go on meanwhile, unless the store is in memory. The file isn't synced.
        """

    async def load_image(self, path: Path, then: Callable[[Tx, int], Coroutine[Any, Any, None]]) -> None:
        """Replace everything by what is in an image of this version, and run an operation, in one transaction.

        Whoever listens to anything is told to look again. Raises `StoreUnavailableError`, and nothing has changed.
        """

    async def close(self) -> None:
        """Commit what is under way and let go of the database."""
