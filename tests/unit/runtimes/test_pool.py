"""The pool: who gets which instance, when instances start and when they go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.runtimes.model import Ended, Invocation, Outcome
from fogbank.runtimes.pool import IDLE_SECONDS_MAX, INSTANCE_SECONDS_MAX, Pool, PoolFullError

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeInstance:
    """An instance whose invocations end when the test says so."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.usable = True
        self.initialised = True
        self.unsettled: asyncio.Task[None] | None = None
        self.stopped = False
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.running: list[tuple[Invocation, asyncio.Future[Outcome]]] = []

    async def start(self) -> None: ...

    async def invoke(self, invocation: Invocation) -> Outcome:
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.running.append((invocation, done))
        return await done

    async def stop(self) -> None:
        self.usable = False
        self.stopped = True
        for _, done in self.running:
            if not done.done():
                done.set_result(Outcome(Ended.EXIT, b""))

    def finish(self, *, die: bool = False) -> None:
        self.usable = not die
        self.running.pop()[1].set_result(Outcome(Ended.EXIT if die else Ended.OK, b"%d" % self.number))


class House:
    """A pool of fake instances."""

    def __init__(
        self, clock: Clock, instances_max: int = 3, start: Callable[[], None] | None = None, **settings: Any
    ) -> None:
        self.made: list[FakeInstance] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.before_start = start
        starting = asyncio.Semaphore(2)
        self.pool = Pool(self.start, clock, instances_max=instances_max, starting=starting, **settings)

    async def start(self) -> FakeInstance:
        await self.gate.wait()
        if self.before_start is not None:
            self.before_start()
        instance = FakeInstance(len(self.made))
        self.made.append(instance)
        return instance

    def invoke(self, name: str = "i") -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.pool.invoke(Invocation(name, b"", {})))

    def names(self) -> list[list[str]]:
        return [[invocation.id for invocation, _ in instance.running] for instance in self.made]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_idle_instance_is_used_before_a_new_one_starts(clock: Clock) -> None:
    house = House(clock)
    first = house.invoke()
    await turns()
    house.made[0].finish()
    assert (await first).payload == b"0"
    second = house.invoke()
    await turns()
    assert len(house.made) == 1
    house.made[0].finish()
    await second
    await house.pool.close()


async def test_one_instance_runs_one_invocation_and_more_start_up_to_the_limit(clock: Clock) -> None:
    house = House(clock, instances_max=2)
    tasks = [house.invoke(name) for name in "abc"]
    await turns()
    assert house.names() == [["a"], ["b"]]
    assert house.pool.size == 2
    house.made[1].finish()
    await turns()
    assert house.names() == [["a"], ["c"]]
    house.made[0].finish()
    house.made[1].finish()
    assert [(await task).ended for task in tasks] == [Ended.OK] * 3
    await house.pool.close()


async def test_an_instance_that_becomes_free_serves_who_waits_for_a_start(clock: Clock) -> None:
    house = House(clock)
    first = house.invoke("a")
    await turns()
    house.gate.clear()
    second = house.invoke("b")
    await turns()
    house.made[0].finish()
    await turns()
    assert house.names() == [["b"]]
    house.gate.set()
    await turns()
    assert len(house.made) == 2, "the one that was started meanwhile waits for work"
    house.made[0].finish()
    await asyncio.gather(first, second)
    await house.pool.close()


async def test_an_instance_that_died_is_replaced_for_those_who_wait(clock: Clock) -> None:
    house = House(clock, instances_max=1)
    first, second = house.invoke("a"), house.invoke("b")
    await turns()
    house.made[0].finish(die=True)
    await turns()
    assert house.made[0].stopped
    assert house.names()[1] == ["b"]
    house.made[1].finish()
    assert [(await first).ended, (await second).ended] == [Ended.EXIT, Ended.OK]
    await house.pool.close()


async def test_a_start_that_fails_fails_one_invocation(clock: Clock) -> None:
    failures = [OSError("no memory")]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    house = House(clock, start=fail_once)
    first = house.invoke("a")
    with pytest.raises(OSError, match="no memory"):
        await first
    second = house.invoke("b")
    await turns()
    house.made[0].finish()
    assert (await second).ended is Ended.OK
    await house.pool.close()


async def test_idle_instances_go_after_a_while_and_when_their_process_ends(clock: Clock) -> None:
    house = House(clock)
    tasks = [house.invoke(), house.invoke()]
    await turns()
    for instance in house.made:
        instance.finish()
    await asyncio.gather(*tasks)
    house.made[0].usable = False
    house.made[0].exited.set_result(1)
    await turns()
    assert [instance.stopped for instance in house.made] == [True, False]
    await clock.advance(IDLE_SECONDS_MAX * SECOND_US, turns)
    assert [instance.stopped for instance in house.made] == [True, True]
    assert house.pool.size == 0


async def test_an_old_instance_is_replaced_however_busy(clock: Clock) -> None:
    house = House(clock)
    for _ in range(2 * INSTANCE_SECONDS_MAX // IDLE_SECONDS_MAX):
        task = house.invoke()
        await turns()
        house.made[-1].finish()
        await task
        await clock.advance(IDLE_SECONDS_MAX * SECOND_US - 1, turns)
    assert [instance.stopped for instance in house.made] == [True, False]


async def test_a_retired_pool_finishes_its_work_and_then_has_no_instance(clock: Clock) -> None:
    house = House(clock)
    task = house.invoke()
    await turns()
    house.pool.retire()
    house.made[0].finish()
    assert (await task).ended is Ended.OK
    await house.pool.drained()
    assert house.made[0].stopped
    assert clock.next_due_us is None, "no alarm is left"


async def test_an_invocation_whose_caller_goes_away_runs_on_and_keeps_its_instance(clock: Clock) -> None:
    house = House(clock, instances_max=1)
    first = house.invoke("a")
    await turns()
    first.cancel()
    await turns()
    assert house.names() == [["a"]]
    second = house.invoke("b")
    await turns()
    assert house.names() == [["a"]], "the instance is still busy"
    house.made[0].finish()
    await turns()
    assert house.names() == [["b"]]
    house.made[0].finish()
    assert (await second).ended is Ended.OK
    await house.pool.close()


async def test_a_caller_that_goes_away_while_waiting_takes_no_instance(clock: Clock) -> None:
    house = House(clock, instances_max=1)
    first, second, third = (house.invoke(name) for name in "abc")
    await turns()
    second.cancel()
    await turns()
    house.made[0].finish()
    await turns()
    assert house.names() == [["c"]]
    house.made[0].finish()
    await asyncio.gather(first, third)
    await house.pool.close()


async def test_closing_ends_what_runs(clock: Clock) -> None:
    house = House(clock)
    task = house.invoke()
    await turns()
    await house.pool.close()
    assert (await task).ended is Ended.EXIT
    assert house.made[0].stopped


async def test_an_instance_runs_as_many_as_it_may_before_another_starts(clock: Clock) -> None:
    house = House(clock, instances_max=2, concurrency=2)
    tasks = [house.invoke(name) for name in "abcde"]
    await turns()
    assert sorted(len(names) for names in house.names()) == [2, 2]
    assert house.pool.size == 2
    for instance in house.made:
        while instance.running:
            instance.finish()
        await turns()
    while any(instance.running for instance in house.made):
        for instance in house.made:
            if instance.running:
                instance.finish()
        await turns()
    assert len(await asyncio.gather(*tasks)) == 5
    assert len(house.made) == 2
    await house.pool.close()


async def test_what_may_not_wait_is_refused(clock: Clock) -> None:
    house = House(clock, instances_max=1, queued=False)
    first = house.invoke("a")
    await turns()
    with pytest.raises(PoolFullError):
        await house.invoke("b")
    house.made[0].finish()
    await first
    again = house.invoke("c")
    await turns()
    house.made[0].finish()
    assert (await again).ended is Ended.OK
    await house.pool.close()


async def test_instances_that_are_kept_ready_stay_however_idle_and_are_replaced(clock: Clock) -> None:
    house = House(clock, instances_min=2)
    house.pool.prepare()
    await turns()
    assert len(house.made) == 2
    await clock.advance((IDLE_SECONDS_MAX + 1) * SECOND_US, turns)
    assert not any(instance.stopped for instance in house.made)
    house.made[0].usable = False
    house.made[0].exited.set_result(1)
    await turns()
    assert [instance.stopped for instance in house.made] == [True, False, False]
    assert house.pool.prepared == (2, False)
    # One that an invocation has ended is replaced, too.
    task = house.invoke()
    await turns()
    next(instance for instance in house.made if instance.running).finish(die=True)
    await task
    await turns()
    assert len(house.made) == 4
    assert house.pool.prepared == (2, False)
    await house.pool.close()


async def test_instances_that_fail_to_initialise_are_not_started_for_ever(clock: Clock) -> None:
    house = House(clock, instances_min=2)
    house.pool.prepare()
    await turns()
    for instance in house.made:
        instance.initialised = False
    assert house.pool.prepared == (0, False)
    house.made[0].usable = False
    house.made[0].exited.set_result(1)
    await turns()
    assert len(house.made) == 2
    assert house.pool.prepared == (0, True)
    house.made[1].initialised = True
    task = house.invoke()
    await turns()
    house.made[1].finish()
    await task
    await turns()
    # What was in the way has passed, as one that runs shows.
    assert len(house.made) == 3
    assert house.pool.prepared == (2, False)
    await house.pool.close()


async def test_an_instance_that_can_t_be_started_is_tried_once(clock: Clock) -> None:
    def refuse() -> None:
        raise OSError("no")

    house = House(clock, start=refuse, instances_min=1)
    house.pool.prepare()
    await turns()
    assert house.pool.prepared == (0, True)
    house.before_start = None
    house.pool.prepare()
    await turns()
    assert house.pool.prepared == (1, False)
    await house.pool.close()


async def test_who_waits_when_a_pool_is_closed_waits_in_vain(clock: Clock) -> None:
    house = House(clock, instances_max=1)
    tasks = [house.invoke(name) for name in "ab"]
    await turns()
    await house.pool.close()
    assert (await tasks[0]).ended is Ended.EXIT
    with pytest.raises(PoolFullError):
        await tasks[1]
    assert len(house.made) == 1


async def test_an_instance_that_lasts_is_kept_however_idle_and_old(clock: Clock) -> None:
    house = House(clock, instances_max=1, lasting=True)
    task = house.invoke()
    await turns()
    house.made[0].finish()
    await task
    await clock.advance((INSTANCE_SECONDS_MAX + IDLE_SECONDS_MAX) * SECOND_US, turns)
    task = house.invoke()
    await turns()
    assert house.names() == [["i"]]
    house.made[0].finish()
    await task
    await house.pool.close()
