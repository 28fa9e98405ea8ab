"""Coroutines that are driven without a task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.wire.drive import Drive

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator


class Outcome:
    """Drives a coroutine and keeps what came of it."""

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.calls: list[tuple[Any, BaseException | None]] = []
        self._ended = asyncio.Event()
        self.drive = Drive(work, work.send(None), self._done)

    def _done(self, result: Any, error: BaseException | None) -> None:
        self.calls.append((result, error))
        self._ended.set()

    async def of(self) -> tuple[Any, BaseException | None]:
        await asyncio.wait_for(self._ended.wait(), 1)
        await asyncio.sleep(0)
        (call,) = self.calls
        return call


async def test_what_can_be_awaited() -> None:
    loop = asyncio.get_running_loop()

    async def task() -> str:
        await asyncio.sleep(0.001)
        return "task"

    async def work() -> list[Any]:
        done = loop.create_future()
        done.set_result("done")
        later = loop.create_future()
        loop.call_later(0.001, later.set_result, "later")
        found = [await done, await later, await loop.create_task(task())]
        await asyncio.sleep(0)
        found += await asyncio.gather(task(), asyncio.shield(task()))
        found.append(await loop.run_in_executor(None, str, "thread"))
        event = asyncio.Event()
        loop.call_soon(event.set)
        await event.wait()
        return found

    assert await Outcome(work()).of() == (["done", "later", "task", "task", "task", "thread"], None)


async def test_errors_go_to_whoever_asked() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise ValueError("x")

    result, error = await Outcome(work()).of()
    assert result is None
    assert isinstance(error, ValueError)


async def test_an_awaited_failure_can_be_caught() -> None:
    loop = asyncio.get_running_loop()

    async def work() -> str:
        failing = loop.create_future()
        loop.call_soon(failing.set_exception, ValueError("x"))
        try:
            await failing
        except ValueError:
            await asyncio.sleep(0)
            return "caught"
        raise AssertionError

    assert await Outcome(work()).of() == ("caught", None)


@pytest.mark.parametrize("when", ["waiting", "due", "turn"])
async def test_cancelling_reaches_it_wherever_it_waits(when: str) -> None:
    loop = asyncio.get_running_loop()
    waits_for = loop.create_future()
    went_on = False

    async def work() -> None:
        nonlocal went_on
        if when == "turn":
            await asyncio.sleep(0)
        else:
            await waits_for
        went_on = True

    outcome = Outcome(work())
    if when == "due":
        # What it waits for has come, but it hasn't been told yet.
        waits_for.set_result(None)
    outcome.drive.cancel()
    outcome.drive.cancel()
    _, error = await outcome.of()
    assert isinstance(error, asyncio.CancelledError)
    assert not went_on


async def test_a_cancelled_task_of_its_own_is_cancelled_with_it() -> None:
    task = asyncio.get_running_loop().create_task(asyncio.sleep(10))

    async def work() -> None:
        await task

    outcome = Outcome(work())
    outcome.drive.cancel()
    _, error = await outcome.of()
    assert isinstance(error, asyncio.CancelledError)
    assert task.cancelled()


async def test_it_may_tidy_up_and_even_refuse_to_be_cancelled() -> None:
    async def tidy() -> None:
        try:
            await asyncio.sleep(0)
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)

    async def stubborn() -> str:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)
        return "stayed"

    outcome = Outcome(tidy())
    await asyncio.sleep(0.001)
    outcome.drive.cancel()
    assert isinstance((await outcome.of())[1], asyncio.CancelledError)
    outcome = Outcome(stubborn())
    outcome.drive.cancel()
    assert await outcome.of() == ("stayed", None)


async def test_cancelled_in_the_middle_of_a_step_it_is_cancelled_where_it_waits_next() -> None:
    went_on = False

    async def work() -> None:
        nonlocal went_on
        await asyncio.sleep(0)
        outcome.drive.cancel()
        await asyncio.get_running_loop().create_future()
        went_on = True

    outcome = Outcome(work())
    assert isinstance((await outcome.of())[1], asyncio.CancelledError)
    assert not went_on


async def test_after_its_end_there_is_nothing_to_cancel() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "x"

    outcome = Outcome(work())
    assert await outcome.of() == ("x", None)
    outcome.drive.cancel()
    await asyncio.sleep(0.001)
    assert outcome.calls == [("x", None)]


async def test_what_belongs_to_tasks_raises_in_it() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await asyncio.sleep(0.001)

    assert isinstance((await Outcome(work()).of())[1], RuntimeError)


async def test_awaiting_nonsense_raises_in_it() -> None:
    class Nonsense:
        def __await__(self) -> Generator[Any, None, None]:
            yield "nonsense"

    async def work() -> None:
        await asyncio.sleep(0)
        await Nonsense()

    assert isinstance((await Outcome(work()).of())[1], RuntimeError)
