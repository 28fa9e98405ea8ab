"""Takes work from a queue of the server's own and has it done: what every connector that works a queue off stands on.

Woken by the commit that queues something. Nothing is lost: a piece stays under a short lease, renewed while it is
held, so that what a crash interrupts is soon taken up again, and it may be done twice.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.kernel.clock import Alarm, Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.storage.leasing.work_queue import Due, WorkQueue

T = TypeVar("T", bound=msgspec.Struct)
LEASE_US: Final = 30 * SECOND_US
RENEW_US: Final = 10 * SECOND_US


class After(Enum):
    """What becomes of a piece of work that was looked after."""

    # It is taken from the queue: it was done, or given up.
    DONE = "done"
    # An operation of the work's own took it from the queue, together with what else it changed.
    SETTLED = "settled"
    # It is taken again when its lease ends.
    LEFT = "left"


class Again(NamedTuple, Generic[T]):
    """A piece of work is to be tried again, as `item`, after a delay."""

    item: T
    delay_seconds: float


if TYPE_CHECKING:
    Work: TypeAlias = Callable[[Due[T]], Coroutine[object, object, After | Again[T]]]
    """Does a piece; one that raises is left."""


class Taker(Generic[T]):
    """Has the pieces of a queue done, `at_once_max` of them at a time; `describe` names one in the server's log.

    Those that are taken together, up to `together_max`, are begun in their order: as they were queued, or by `order`.
    """

    def __init__(
        self,
        name: str,
        parts: tuple[Store, Clock, Ids],
        queue: WorkQueue[T],
        work: Work[T],
        describe: Callable[[T], str],
        *,
        at_once_max: int,
        together_max: int = 10,
        order: Callable[[T], int] | None = None,
    ) -> None:
        self._store, self._clock, self._ids = parts
        self._queue = queue
        self._work = work
        self._describe = describe
        self._together_max = together_max
        self._order = order
        self._tasks = Supervisor(name)
        self._recovered: int | None = None
        self._slots = asyncio.Semaphore(at_once_max)
        self._held: dict[int, Due[T]] = {}
        self._alarm: Alarm | None = None
        self._due_again = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("take", self._take)
        self._tasks.keep("renew", self._renew)

    async def close(self) -> None:
        """Stop; what is held is taken up again by the next start, or by another server when its lease ends."""
        await self._tasks.close()

    async def _take(self) -> None:
        with self._store.signals.listen(self._queue.topic) as listener:
            while True:
                await self._slots.acquire()
                self._slots.release()
                if self._recovered != self._store.generation:
                    await self._recover()
                token = self._ids.sequence()
                dues, next_us = await self._store.run(self._queue.take, self._together_max, LEASE_US, token)
                new = self._sorted([due for due in dues if due.message not in self._held])
                # What is held already had lost its lease; it has a new one now, and isn't begun a second time.
                self._held.update((due.message, due) for due in dues)
                if self._held and (self._alarm is None or self._alarm.cancelled):
                    self._arm()
                for due in new:
                    await self._slots.acquire()
                    self._tasks.spawn(self._describe(due.item), self._do(due))
                if not dues:
                    await listener.wait(next_us)

    async def _recover(self) -> None:
        """Give back what is leased to nobody any more: at the start, and where a former state has come back."""
        generation = self._store.generation
        if self._store.exclusive:
            await self._store.run(self._queue.release_all)
        self._recovered = generation

    def _sorted(self, dues: list[Due[T]]) -> list[Due[T]]:
        order = self._order
        return dues if order is None else sorted(dues, key=lambda due: (order(due.item), due.message))

    async def _do(self, due: Due[T]) -> None:
        try:
            after = await self._work(due)
            if after is After.DONE or isinstance(after, Again):
                await self._end(due.message, after)
        finally:
            del self._held[due.message]
            if not self._held and self._alarm is not None:
                self._alarm.cancel()
            self._slots.release()

    async def _end(self, message: int, after: After | Again[T]) -> None:
        """Take a piece from the queue, or queue it anew."""
        while True:
            due = self._held[message]
            if isinstance(after, Again):
                delay_us = int(after.delay_seconds * SECOND_US)
                ended = await self._store.run(self._queue.replace, due, self._ids.sequence(), after.item, delay_us)
            else:
                ended = await self._store.run(self._queue.finish, due)
            # Its lease may have run out and been taken anew, by this taker, in between.
            if ended or self._held[message] is due:
                return

    async def _renew(self) -> None:
        while True:
            await self._due_again.wait()
            self._due_again.clear()
            if self._held:
                self._arm()
                await self._store.run(self._queue.extend, list(self._held.values()), LEASE_US)

    def _arm(self) -> None:
        """Have leases renewed in time; while there are none, nothing waits for the clock."""
        self._alarm = self._clock.call_at(self._clock.now() + RENEW_US, self._due_again.set)
