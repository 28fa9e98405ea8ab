"""Scheduled invocations: in order, one at a time in a lane, left out when the one before ran into their time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.connectors.schedules import Schedules
from fogbank.engines.functions import scheduled
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.scheduled import ScheduledInvocation
from fogbank.runtimes.model import Ended, Outcome
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Invocation
    from fogbank.storage import Store, Tx


class Runs:
    """Stands for the invoker: notes what it is asked for, and answers when it is told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.running = 0
        self.most = 0
        self.go = asyncio.Event()
        self.go.set()
        self.errors: list[Exception] = []

    async def invoke(self, _name: tuple[str, str], invocation: Invocation, *, source: str) -> Outcome:
        assert source == "schedule"
        if self.errors:
            raise self.errors.pop()
        self.seen.append(invocation.context["name"])
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        return Outcome(Ended.OK, b"")


def queued(name: str, lane: str, due_us: int, **more: Any) -> ScheduledInvocation:
    return ScheduledInvocation("scope", "f", lane, b"", {"name": name}, due_us, **more)


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
async def schedules(store: Store, clock: Clock, ids: Ids, runs: Runs) -> AsyncIterator[Schedules]:
    made = Schedules(store, clock, ids, runs)  # type: ignore[arg-type]
    made.start()
    yield made
    await made.close()


def invocations_of(ids: Ids, clock: Clock) -> Any:
    """Return an operation that queues two invocations of one lane at once."""

    async def operation(tx: Tx, now_us: int) -> None:
        for name in ("one", "two"):
            due_us = clock.now() + (60_000_000 if name == "two" else 0)
            await scheduled.enqueue(tx, now_us, ids.sequence(), queued(name, "a", due_us))

    return operation


async def until(what: Any) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


async def empty(store: Store, ids: Ids) -> bool:
    due, next_us = await store.run(scheduled.QUEUE.take, 10, 0, ids.sequence())
    return not due and next_us is None


async def test_a_lane_runs_in_order_and_lanes_beside_each_other(
    store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules
) -> None:
    now = clock.now()
    runs.go.clear()
    for number in range(3):
        await store.run(scheduled.enqueue, ids.sequence(), queued(f"a{number}", "a", now + number * 60_000_000))
    await store.run(scheduled.enqueue, ids.sequence(), queued("b0", "b", now))
    await until(lambda: len(runs.seen) == 2)
    assert sorted(runs.seen) == ["a0", "b0"]
    runs.go.set()
    await until(lambda: len(runs.seen) == 4)
    assert [name for name in runs.seen if name[0] == "a"] == ["a0", "a1", "a2"]
    assert runs.most == 2
    await until(lambda: runs.running == 0)
    await asyncio.sleep(0.05)
    assert await empty(store, ids)


async def test_what_came_due_meanwhile_is_left_out(
    store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules
) -> None:
    now = clock.now()
    runs.go.clear()
    await store.run(scheduled.enqueue, ids.sequence(), queued("first", "a", now))
    await until(lambda: runs.seen == ["first"])
    await store.run(scheduled.enqueue, ids.sequence(), queued("within", "a", now + 1_000))
    await store.run(scheduled.enqueue, ids.sequence(), queued("asked for", "a", now + 2_000, always=True))
    await store.run(scheduled.enqueue, ids.sequence(), queued("later", "a", now + 60_000_000))
    await asyncio.sleep(0.05)
    runs.go.set()
    await until(lambda: len(runs.seen) == 3)
    await asyncio.sleep(0.05)
    assert runs.seen == ["first", "asked for", "later"]
    assert await empty(store, ids)


async def test_a_function_that_is_gone(store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules) -> None:
    runs.errors.append(FunctionNotFoundError("f"))
    await store.run(scheduled.enqueue, ids.sequence(), queued("one", "a", clock.now()))
    await store.run(scheduled.enqueue, ids.sequence(), queued("two", "b", clock.now()))
    await until(lambda: len(runs.seen) == 1)
    async with asyncio.timeout(5):
        while not await empty(store, ids):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_a_busy_server_is_asked_again(
    store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules
) -> None:
    runs.errors.append(BusyError())
    await store.run(scheduled.enqueue, ids.sequence(), queued("one", "a", clock.now()))
    await until(lambda: not runs.errors)
    await asyncio.sleep(0.02)
    assert runs.seen == []

    async def settle() -> None:
        await asyncio.sleep(0.02)

    await clock.advance(1_100_000, settle)
    await until(lambda: runs.seen == ["one"])


async def test_what_was_interrupted_is_run_again(
    store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules
) -> None:
    runs.go.clear()
    await store.run(scheduled.enqueue, ids.sequence(), queued("one", "a", clock.now()))
    await until(lambda: runs.seen == ["one"])
    await schedules.close()
    again = Runs()
    second = Schedules(store, clock, ids, again)  # type: ignore[arg-type]
    second.start()
    if not store.exclusive:
        # Another server may still be at it: its lease has to end first.

        async def settle() -> None:
            await asyncio.sleep(0.02)

        await clock.advance(31_000_000, settle)
    await until(lambda: again.seen == ["one"])
    await second.close()


async def test_a_failure_of_the_server_s_own_loses_nothing(
    store: Store, clock: Clock, ids: Ids, runs: Runs, schedules: Schedules, caplog: pytest.LogCaptureFixture
) -> None:
    runs.errors.append(RuntimeError("broken"))
    async with asyncio.timeout(10):
        await store.run(invocations_of(ids, clock))
    await until(lambda: not runs.errors)
    await asyncio.sleep(0.05)

    async def settle() -> None:
        await asyncio.sleep(0.02)

    await clock.advance(31_000_000, settle)
    await until(lambda: len(runs.seen) == 2)
    assert runs.seen == ["one", "two"]
    assert "broken" in caplog.text
