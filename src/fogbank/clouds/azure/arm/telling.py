"""A store whose first write, of those that one request makes, is told of in the same transaction.

So what Azure Resource Manager tells of what it has done is neither lost nor told without having been done, whichever
service has done it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from fogbank.storage import Store, Tx
    from fogbank.storage.images.model import Facts
    from fogbank.storage.signals import Signals

P = ParamSpec("P")
T = TypeVar("T")


class Tell(Protocol):
    """A store operation that tells of a request; `wrote`: it has changed something."""

    async def __call__(self, tx: Tx, now_us: int, *, wrote: bool) -> None:
        """Tell."""


class TellingStore:
    """A store for one request.

    With `before`, it is told before the write, so that who subscribes with it doesn't hear of that. An operation that
    returns False has done nothing, or hasn't come to its end.
    """

    def __init__(self, store: Store, tell: Tell, *, before: bool) -> None:
        self._store = store
        self._tell = tell
        self._before = before
        self.told = False

    async def run(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an operation, and tell of it if it is the first that did something."""
        if self.told:
            return await self._store.run(op, *args, **kwargs)

        async def both(tx: Tx, now_us: int) -> T:
            if self._before:
                await self._tell(tx, now_us, wrote=True)
            result = await op(tx, now_us, *args, **kwargs)
            if not self._before and result is not False:
                await self._tell(tx, now_us, wrote=True)
            return result

        result = await self._store.run(both)
        self.told = self._before or result is not False
        return result

    async def tell_now(self) -> None:
        """Tell of a request that has done something without changing anything."""
        if not self.told:
            await self._store.run(self._tell, wrote=False)
            self.told = True

    def read(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run an operation that only reads."""
        return self._store.read(op, *args, **kwargs)

    def scan(
        self, op: Callable[Concatenate[Tx, int, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run an operation that only reads but may take long."""
        return self._store.scan(op, *args, **kwargs)

    @property
    def signals(self) -> Signals:
        """Where commits are announced."""
        return self._store.signals

    @property
    def description(self) -> str:
        """Where the data is."""
        return self._store.description

    @property
    def exclusive(self) -> bool:
        """Whether no other process has it open."""
        return self._store.exclusive

    @property
    def idle(self) -> bool:
        """Whether no operation is waiting for its commit."""
        return self._store.idle

    async def drain(self) -> None:
        """Wait until nothing that was started is still uncommitted."""
        await self._store.drain()

    async def reset(self) -> None:
        """Delete every row of every table."""
        await self._store.reset()

    @property
    def generation(self) -> int:
        """Grows when everything is replaced by something else."""
        return self._store.generation

    async def save_image(self, path: Path) -> Facts:
        """Write all that is committed into a new file."""
        return await self._store.save_image(path)

    async def load_image(self, path: Path, then: Callable[[Tx, int], Coroutine[Any, Any, None]]) -> None:
        """Replace everything by what is in an image."""
        await self._store.load_image(path, then)

    async def close(self) -> None:
        """Let go of the database."""
        await self._store.close()
