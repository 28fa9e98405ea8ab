"""Paced queues on every database: nothing early, nothing beyond the pace, nothing lost, names that stay taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.messaging import paced
from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError
from fogbank.engines.messaging.paced import Due, Pace, PacedQueue, Task, TaskExistedError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.timers import TimerService

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.timers import Timer

QUEUE = ("test/account/here", "work")


class Worker:
    """Sends what is due, and notes what was sent and when."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store, self.clock, self.ids = store, clock, ids
        self.begin_us = clock.now()
        self.sent: list[tuple[str, float]] = []
        self._dues: dict[str, Due] = {}
        self._timers = TimerService(store, clock, ids, {"test": self._fire, paced.FORGET: self._forget})

    async def _fire(self, tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        due = await paced.come_due(tx, now_us, timer, sequence)
        if not isinstance(due, Due):
            return due
        self.sent.append((due.name, (now_us - self.begin_us) / SECOND_US))
        self._dues[due.name] = due
        return None

    async def _forget(self, tx: Tx, now_us: int, timer: Timer, _sequence: int) -> None:
        await paced.forget(tx, now_us, timer)

    async def queue(self, per_second: float = 100, burst: int = 100, at_once: int = 100) -> None:
        settings = PacedQueue(Pace(per_second, burst, at_once), "test")
        await self.store.run(paced.create_queue, QUEUE, self.ids.sequence(), settings)

    async def add(self, name: str, after: float = 0) -> None:
        due_us = self.clock.now() + int(after * SECOND_US)
        await self.store.run(paced.add_task, QUEUE, name, Task(self.ids.sequence(), due_us, b""))

    async def until(self, seconds: float) -> list[tuple[str, float]]:
        """Move the clock on to so many seconds after the beginning; returns what was sent meanwhile."""
        self.sent.clear()
        while True:
            while await self._timers._fire():
                pass
            if self.clock.now() >= self.begin_us + seconds * SECOND_US:
                return list(self.sent)
            await self.clock.advance(SECOND_US // 4, self.store.drain)

    async def settle(self, name: str, again_after: float | None = None, remember: float = 0) -> None:
        now_us = self.clock.now()

        def again(task: Task) -> Task | None:
            if again_after is None:
                return None
            return msgspec.structs.replace(task, due_us=now_us + int(again_after * SECOND_US))

        number = self._dues[name].task.number
        await self.store.run(paced.settle, QUEUE, name, number, again, remember)


@pytest.fixture
def worker(store: Store, clock: Clock, ids: Ids) -> Worker:
    return Worker(store, clock, ids)


async def test_tasks_are_sent_in_their_time_and_at_the_pace(worker: Worker) -> None:
    await worker.queue(per_second=1, burst=2)
    for name in "abcd":
        await worker.add(name, 1)
    await worker.add("later", 10)
    sent = await worker.until(9.75)
    assert sorted(name for name, _ in sent) == ["a", "b", "c", "d"]
    assert [at for _, at in sent] == [1, 1, 2, 3]
    assert await worker.until(11) == [("later", 10)]


async def test_what_is_too_many_at_once_waits_in_line(worker: Worker) -> None:
    await worker.queue(at_once=2)
    for name in "abcd":
        await worker.add(name)
    assert [name for name, _ in await worker.until(1)] == ["a", "b"]
    await worker.settle("a", again_after=5)
    assert [name for name, _ in await worker.until(2)] == ["c"]
    await worker.settle("b")
    await worker.settle("c")
    assert [name for name, _ in await worker.until(3)] == ["d"]
    assert await worker.until(7) == [("a", 6)]
    await worker.settle("a")
    await worker.settle("d")
    assert await worker.store.read(paced.list_tasks, QUEUE, "", 10) == []


async def test_a_paused_queue_sends_what_is_forced_only(worker: Worker) -> None:
    await worker.queue()
    await worker.store.run(paced.change_queue, QUEUE, lambda queue: msgspec.structs.replace(queue, paused=True))
    for name in "abc":
        await worker.add(name)
    assert await worker.until(1) == []
    await worker.store.run(paced.run_task, QUEUE, "c")
    assert [name for name, _ in await worker.until(2)] == ["c"]
    await worker.store.run(paced.change_queue, QUEUE, lambda queue: msgspec.structs.replace(queue, paused=False))
    assert [name for name, _ in await worker.until(3)] == ["a", "b"]


async def test_names_stay_taken_for_a_while(worker: Worker) -> None:
    await worker.queue()
    await worker.add("a")
    with pytest.raises(RecordExistsError):
        await worker.add("a")
    await worker.until(1)
    await worker.settle("a", remember=5)
    with pytest.raises(TaskExistedError):
        await worker.add("a")
    await worker.until(7)
    await worker.add("a", 60)
    await worker.store.run(paced.delete_task, QUEUE, "a", 5)
    with pytest.raises(TaskExistedError):
        await worker.add("a")
    with pytest.raises(RecordNotFoundError):
        await worker.store.run(paced.delete_task, QUEUE, "a", 5)


async def test_what_is_deleted_is_sent_no_more_and_settles_nothing(worker: Worker) -> None:
    await worker.queue(at_once=1)
    for name in "abc":
        await worker.add(name)
    assert [name for name, _ in await worker.until(1)] == ["a"]
    await worker.store.run(paced.delete_task, QUEUE, "b", 0)
    await worker.store.run(paced.delete_task, QUEUE, "a", 0)
    await worker.settle("a", again_after=1)
    assert [name for name, _ in await worker.until(5)] == ["c"]
    await worker.store.run(paced.purge, QUEUE)
    await worker.add("d")
    assert [name for name, _ in await worker.until(6)] == ["d"]
    await worker.store.run(paced.delete_queue, QUEUE)
    await worker.settle("d")
    with pytest.raises(RecordNotFoundError):
        await worker.add("e")
