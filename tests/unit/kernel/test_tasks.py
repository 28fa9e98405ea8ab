"""Supervised tasks: restarted when they fail, remembered, ended together."""

from __future__ import annotations

import asyncio
import logging

import pytest

from fogbank.kernel import tasks
from fogbank.kernel.tasks import Supervisor


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESTART_SECONDS_MIN", 0.001)


async def test_a_kept_task_starts_again_until_it_returns(caplog: pytest.LogCaptureFixture) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError(f"run {runs}")

    supervisor = Supervisor("part")
    with caplog.at_level(logging.ERROR):
        await supervisor.keep("work", work)
    assert runs == 3
    assert "part/work failed (2 times)" in caplog.text
    assert supervisor.idle


async def test_what_went_wrong_is_remembered() -> None:
    failed = asyncio.Event()

    async def work() -> None:
        if failed.is_set():
            await asyncio.Event().wait()
        failed.set()
        raise RuntimeError("as expected")

    supervisor = Supervisor("part")
    supervisor.keep("work", work)
    await failed.wait()
    await asyncio.sleep(0.01)
    (state,) = supervisor.states
    assert (state.name, state.restarts, state.last_error) == ("part/work", 1, "RuntimeError('as expected')")
    await supervisor.close()


async def test_a_spawned_task_that_fails_is_logged_and_done(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise RuntimeError("as expected")

    supervisor = Supervisor("part")
    with caplog.at_level(logging.ERROR):
        await supervisor.spawn("once", work())
    assert "part/once failed" in caplog.text
    assert supervisor.idle


async def test_closing_ends_every_task_and_takes_no_new_one() -> None:
    ended = []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    supervisor = Supervisor("part")
    for number in range(3):
        supervisor.spawn("wait", work(number))
    await asyncio.sleep(0)
    await supervisor.close()
    assert sorted(ended) == [0, 1, 2]
    with pytest.raises(RuntimeError, match="closing"):
        supervisor.spawn("late", work(9))
