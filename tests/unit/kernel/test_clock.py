"""The clock: alarms fire on time, in order, and never early, however time is moved."""

from __future__ import annotations

import asyncio

import pytest

from fogbank.kernel.clock import SECOND_US, Clock

START_US = 1_000_000_000


async def nothing() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_frozen_clock_stands_until_it_is_advanced() -> None:
    clock = Clock(frozen_at_us=START_US)
    assert clock.frozen
    assert clock.now() == START_US
    await clock.advance(5 * SECOND_US, nothing)
    assert clock.now() == START_US + 5 * SECOND_US


async def test_alarms_fire_in_order_at_their_own_times() -> None:
    clock = Clock(frozen_at_us=START_US)
    fired: list[tuple[str, int]] = []
    for name, after in (("c", 3), ("a", 1), ("b", 2), ("late", 9)):
        clock.call_at(START_US + after, lambda name=name: fired.append((name, clock.now())))
    await clock.advance(5, nothing)
    assert fired == [("a", START_US + 1), ("b", START_US + 2), ("c", START_US + 3)]
    await clock.advance(4, nothing)
    assert fired[-1] == ("late", START_US + 9)


async def test_what_an_alarm_sets_fires_within_the_same_advance() -> None:
    clock = Clock(frozen_at_us=START_US)
    fired: list[int] = []

    def again() -> None:
        fired.append(clock.now())
        if len(fired) < 3:
            clock.call_at(clock.now() + 10, again)

    clock.call_at(START_US + 10, again)
    await clock.advance(100, nothing)
    assert fired == [START_US + 10, START_US + 20, START_US + 30]


async def test_a_cancelled_alarm_does_not_fire() -> None:
    clock = Clock(frozen_at_us=START_US)
    fired: list[str] = []
    alarm = clock.call_at(START_US + 1, lambda: fired.append("cancelled"))
    clock.call_at(START_US + 2, lambda: fired.append("kept"))
    alarm.cancel()
    assert clock.next_due_us == START_US + 2
    await clock.advance(5, nothing)
    assert fired == ["kept"]


async def test_sleepers_wake_when_their_time_has_come() -> None:
    clock = Clock(frozen_at_us=START_US)
    sleeper = asyncio.create_task(clock.sleep(3))
    await nothing()
    await clock.advance(2 * SECOND_US, nothing)
    assert not sleeper.done()
    await clock.advance(SECOND_US, nothing)
    assert sleeper.done()
    await clock.sleep_until(clock.now() - 1)


async def test_an_interrupted_sleeper_leaves_no_alarm() -> None:
    clock = Clock(frozen_at_us=START_US)
    sleeper = asyncio.create_task(clock.sleep(3))
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    assert clock.next_due_us is None


async def test_an_alarm_that_is_due_already_fires_soon_on_a_frozen_clock() -> None:
    clock = Clock(frozen_at_us=START_US)
    fired: list[str] = []
    clock.call_at(START_US, lambda: fired.append("now"))
    await nothing()
    assert fired == ["now"]


async def test_the_clock_only_moves_forward() -> None:
    with pytest.raises(ValueError, match="forward only"):
        await Clock(frozen_at_us=START_US).advance(-1, nothing)


async def test_a_running_clock_fires_by_itself_and_not_early() -> None:
    clock = Clock()
    fired: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    due_us = clock.now() + 20_000
    clock.call_at(due_us + 5 * SECOND_US, lambda: None).cancel()
    clock.call_at(due_us, lambda: fired.set_result(clock.now()))
    assert await asyncio.wait_for(fired, 5) >= due_us


async def test_an_earlier_alarm_on_a_running_clock_comes_first() -> None:
    clock = Clock()
    fired: list[str] = []
    done = asyncio.Event()
    clock.call_at(clock.now() + 40_000, lambda: (fired.append("second"), done.set()))  # type: ignore[arg-type, return-value]
    clock.call_at(clock.now() + 10_000, lambda: fired.append("first"))
    await asyncio.wait_for(done.wait(), 5)
    assert fired == ["first", "second"]


async def test_advancing_a_running_clock_moves_it_and_lets_it_run_on() -> None:
    clock = Clock()
    before_us = clock.now()
    fired: list[str] = []
    clock.call_at(before_us + 3600 * SECOND_US, lambda: fired.append("an hour on"))
    await clock.advance(3601 * SECOND_US, nothing)
    assert fired == ["an hour on"]
    assert not clock.frozen
    assert clock.now() >= before_us + 3601 * SECOND_US
    await asyncio.sleep(0.002)
    assert clock.now() > before_us + 3601 * SECOND_US + 1_000


async def test_freezing_and_resuming() -> None:
    clock = Clock()
    clock.freeze()
    frozen_us = clock.now()
    fired: list[str] = []
    clock.call_at(frozen_us + 1_000, lambda: fired.append("after resume"))
    await asyncio.sleep(0.005)
    assert (clock.now(), fired) == (frozen_us, [])
    clock.resume()
    assert clock.now() < frozen_us + 5_000_000
    await asyncio.sleep(0.02)
    assert fired == ["after resume"]


async def test_upkeep_is_no_stop_on_the_way_but_is_done() -> None:
    clock = Clock(frozen_at_us=START_US)
    seen: list[tuple[str, int]] = []
    stops: list[int] = []

    def keep_up() -> None:
        seen.append(("upkeep", clock.now() - START_US))
        clock.call_at(clock.now() + 10, keep_up, upkeep=True)

    async def settle() -> None:
        stops.append(clock.now() - START_US)

    clock.call_at(START_US + 10, keep_up, upkeep=True)
    clock.call_at(START_US + 35, lambda: seen.append(("due", clock.now() - START_US)))
    assert clock.next_due_us == START_US + 35
    await clock.advance(100_000_000, settle)
    assert stops == [0, 35, 100_000_000]
    assert seen == [("due", 35), ("upkeep", 35), ("upkeep", 100_000_000)]


async def test_upkeep_is_done_in_time_when_the_clock_runs() -> None:
    clock = Clock()
    done = asyncio.Event()
    clock.call_at(clock.now() + 5_000, done.set, upkeep=True)
    assert clock.next_due_us is None
    await asyncio.wait_for(done.wait(), 5)
