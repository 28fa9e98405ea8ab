"""Signals: nobody sleeps through news, nobody is woken without need."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fogbank.kernel.clock import SECOND_US
from fogbank.storage.signals import Signals

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock

FAR_US = 10**18


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_signal_wakes_one_listener_at_a_time_in_turn(clock: Clock) -> None:
    signals = Signals(clock)
    woken: list[str] = []

    async def wait(name: str) -> None:
        with signals.listen("t") as listener:
            await listener.wait(FAR_US)
            woken.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in "abc"]
    await turns()
    signals.send("t")
    await turns()
    assert woken == ["a"]
    signals.send("t", 2)
    await asyncio.gather(*tasks)
    assert woken == ["a", "b", "c"]
    assert signals.listening("t") == 0


async def test_news_that_comes_before_the_wait_is_not_missed(clock: Clock) -> None:
    signals = Signals(clock)
    with signals.listen("t") as listener:
        signals.send("t")
        await asyncio.wait_for(listener.wait(FAR_US), 1)
        assert not listener.told


async def test_other_topics_and_nobody_are_left_alone(clock: Clock) -> None:
    signals = Signals(clock)
    signals.send("nobody")
    with signals.listen("t") as listener:
        signals.send("other")
        assert not listener.told


async def test_a_wait_ends_by_the_clock(clock: Clock) -> None:
    signals = Signals(clock)
    with signals.listen("t") as listener:
        waiting = asyncio.create_task(listener.wait(clock.now() + SECOND_US))
        await turns()
        await clock.advance(SECOND_US - 1, turns)
        assert not waiting.done()
        await clock.advance(1, turns)
        assert waiting.done()


async def test_a_listener_that_is_interrupted_passes_its_news_on(clock: Clock) -> None:
    signals = Signals(clock)
    woken = asyncio.Event()

    async def first() -> None:
        with signals.listen("t") as listener:
            await listener.wait(FAR_US)
            await asyncio.Event().wait()

    async def second() -> None:
        with signals.listen("t") as listener:
            await listener.wait(FAR_US)
            woken.set()

    one = asyncio.create_task(first())
    await turns()
    two = asyncio.create_task(second())
    await turns()
    signals.send("t")
    await turns()
    one.cancel()
    await asyncio.wait_for(woken.wait(), 1)
    await asyncio.gather(one, two, return_exceptions=True)


async def test_where_commits_of_others_send_no_signal_listeners_look_again(clock: Clock) -> None:
    signals = Signals(clock, poll_seconds=0.2)
    with signals.listen("t") as listener:
        waiting = asyncio.create_task(listener.wait(FAR_US))
        await turns()
        await clock.advance(200_000, turns)
        assert waiting.done()
