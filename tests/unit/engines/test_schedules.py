"""Schedules come round when they should, on both databases: never early, never lost, each occurrence once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.schedules import schedules
from fogbank.engines.schedules.errors import ScheduleExistsError, ScheduleNotFoundError
from fogbank.engines.schedules.model import AT, AWS, EVERY, LAST_US, ScheduleConfig, When
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.timers import TimerService

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.timers import Timer

NAME = ("test/account/here", "s")
HOUR_US = 3_600 * SECOND_US


class Sent:
    """What came round: the occurrence, and when it was sent."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self.store, self.clock, self.ids = store, clock, ids
        self.found: list[tuple[int, int]] = []
        self._service = TimerService(store, clock, ids, {"schedule": self._fire})

    async def _fire(self, tx: Tx, now_us: int, timer: Timer, _sequence: int) -> int | None:
        came = await schedules.come_round(tx, now_us, timer)
        if came is None:
            return None
        _schedule, occurrence_us, due_us = came
        self.found.append((occurrence_us, now_us))
        return due_us

    async def until(self, seconds: float, step: float = 1) -> list[tuple[float, float]]:
        """Move the clock on in steps; returns what came round, in seconds since the beginning."""
        begin_us = self.clock.now()
        self.found.clear()
        while self.clock.now() < begin_us + seconds * SECOND_US:
            await self.clock.advance(int(step * SECOND_US), self.store.drain)
            while await self._service._fire():
                pass
        return [((at - begin_us) / SECOND_US, (sent - begin_us) / SECOND_US) for at, sent in self.found]


@pytest.fixture
def sent(store: Store, clock: Clock, ids: Ids) -> Sent:
    return Sent(store, clock, ids)


async def make(sent: Sent, when: When, after_us: int | None = None, **settings: object) -> int:
    config = msgspec.structs.replace(ScheduleConfig(when, "test"), **settings)  # type: ignore[arg-type]
    number = sent.ids.sequence()
    after_us = sent.clock.now() if after_us is None else after_us
    await sent.store.run(schedules.create, NAME, number, config, after_us)
    return number


async def test_intervals(sent: Sent) -> None:
    now_us = sent.clock.now()
    await make(sent, When(EVERY, str(60 * SECOND_US), anchor_us=now_us), now_us - 1)
    assert await sent.until(150, 30) == [(0, 30), (60, 60), (120, 120)]
    with pytest.raises(ScheduleExistsError):
        await make(sent, When(AT, "0"))


async def test_a_moment_comes_round_once_and_may_take_the_schedule_along(sent: Sent) -> None:
    await make(sent, When(AT, str(sent.clock.now() + 10 * SECOND_US)), once=True)
    assert await sent.until(60) == [(10, 10)]
    with pytest.raises(ScheduleNotFoundError):
        await sent.store.read(schedules.find, NAME)


async def test_start_and_end(sent: Sent) -> None:
    now_us = sent.clock.now()
    when = When(AWS, "* * * * ? *", start_us=now_us + 90 * SECOND_US, end_us=now_us + 180 * SECOND_US)
    await make(sent, when)
    assert await sent.until(600, 30) == [(120, 120), (180, 180)]


async def test_a_window_delays_and_loses_nothing(sent: Sent) -> None:
    await make(sent, When(EVERY, str(100 * SECOND_US), anchor_us=sent.clock.now()), window_seconds=50)
    came = await sent.until(1_060, 5)
    assert [at for at, _ in came] == [100.0 * number for number in range(1, 11)]
    assert all(at <= at_sent <= at + 55 for at, at_sent in came)
    assert len({at_sent - at for at, at_sent in came}) > 3


async def test_what_was_missed_is_made_up_for(sent: Sent) -> None:
    now_us = sent.clock.now()
    await make(sent, When(EVERY, str(600 * SECOND_US), anchor_us=now_us))
    # The server was down for three hours: the last hour's occurrences are sent, and the newest before it.
    assert [at for at, _ in await sent.until(3 * 3_600, 3 * 3_600)] == [7_200.0 + 600 * number for number in range(7)]
    assert await sent.until(600, 600) == [(600, 600)]


async def test_changes(sent: Sent) -> None:
    number = await make(sent, When(EVERY, str(60 * SECOND_US), anchor_us=sent.clock.now()))
    await sent.store.run(schedules.update, NAME, lambda config: msgspec.structs.replace(config, enabled=False))
    assert await sent.until(120, 60) == []
    await sent.store.run(schedules.update, NAME, lambda config: msgspec.structs.replace(config, enabled=True))
    assert await sent.until(120, 60) == [(60, 60), (120, 120)]
    await sent.store.run(schedules.note, NAME, number, {"a": "1"})
    await sent.store.run(schedules.note, NAME, number, {"b": "2"})
    await sent.store.run(schedules.note, NAME, number + 1, {"c": "3"})
    assert (await sent.store.read(schedules.find, NAME)).progress == {"a": "1", "b": "2"}
    assert [each.name for each in await sent.store.read(schedules.list_schedules, NAME[0])] == ["s"]
    await sent.store.run(schedules.delete, NAME)
    assert await sent.until(120, 60) == []


def test_clocks_that_go_back_do_not_repeat_a_schedule() -> None:
    when = When(AWS, "30 1 * * ? *", "America/New_York")
    at_us = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * SECOND_US
    first = when.next_after(at_us)
    assert first is not None
    second = when.next_after(first)
    assert second is not None
    assert (second - first) == 25 * HOUR_US


def test_nothing_comes_round_after_the_end_of_time() -> None:
    assert When(EVERY, str(10**19)).next_after(1) is None
    assert When(AWS, "0 0 1 1 ? *").next_after(LAST_US) is None
    assert When(AT, str(10**19)).next_after(0) is None
