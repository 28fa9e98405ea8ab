"""Schedules by name: create, find, list, change, delete, and how they come round. All are store operations.

Each schedule that is enabled has one durable timer, for its next occurrence, that carries the occurrence's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.schedules.errors import ScheduleExistsError, ScheduleNotFoundError
from fogbank.engines.schedules.model import KIND, Schedule, ScheduleConfig, decode_config, encode
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

    Name = tuple[str, str]

_COLUMNS: Final = "scope, name, id, config, progress, created_us, modified_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM schedule WHERE scope = $1 AND name = $2"
# Of occurrences that were missed by more than this (the server was down), only the newest is made up for.
LATE_US: Final = 3_600 * SECOND_US
EVERY_ONE: Final = 1_000_000


class Occurrence(msgspec.Struct, frozen=True, array_like=True):
    """What a timer says: which schedule came round, and for when."""

    scope: str
    name: str
    id: int
    at_us: int


_OCCURRENCE: Final = msgspec.msgpack.Decoder(Occurrence)


def _schedule(row: Row) -> Schedule:
    scope, name, number, config, progress, created_us, modified_us = row
    noted = msgspec.msgpack.decode(bytes(progress), type=dict[str, str])
    return Schedule(scope, name, number, decode_config(bytes(config)), noted, created_us, modified_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: ScheduleConfig, after_us: int) -> Schedule:
    """Create a schedule; its first occurrence is later than `after_us`. Raises `ScheduleExistsError`."""
    made = await tx.run(
        f"INSERT INTO schedule ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode(config),
        encode({}),
        now_us,
    )
    if not made:
        raise ScheduleExistsError(name[1])
    schedule = Schedule(*name, number, config, {}, now_us, now_us)
    await _follow(tx, now_us, schedule, after_us)
    return schedule


async def find(tx: Tx, _now_us: int, name: Name) -> Schedule:
    """Return a schedule, or raise `ScheduleNotFoundError`."""
    row = await tx.one(_FIND, *name)
    if row is None:
        raise ScheduleNotFoundError(name[1])
    return _schedule(row)


async def list_schedules(
    tx: Tx, _now_us: int, scope: str, prefix: str = "", after: str = "", limit: int = EVERY_ONE
) -> list[Schedule]:
    """Return schedules of a scope in the order of their names, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM schedule WHERE scope = $1 AND name > $2 AND name >= $3 ORDER BY name LIMIT $4",
        scope,
        after,
        prefix,
        limit,
    )
    return [schedule for schedule in map(_schedule, rows) if schedule.name.startswith(prefix)]


async def update(
    tx: Tx,
    now_us: int,
    name: Name,
    change: Callable[[ScheduleConfig], ScheduleConfig],
    after_us: int | None = None,
) -> Schedule:
    """Change a schedule; its next occurrence is later than `after_us`, or than now. `change` may refuse."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise ScheduleNotFoundError(name[1])
    before = _schedule(row)
    config = change(before.config)
    schedule = before._replace(config=config, modified_us=now_us)
    await tx.run(
        "UPDATE schedule SET config = $1, modified_us = $2 WHERE scope = $3 AND name = $4",
        encode(config),
        now_us,
        *name,
    )
    if (config.when, config.window_seconds, config.enabled) != (
        before.config.when,
        before.config.window_seconds,
        before.config.enabled,
    ):
        await _follow(tx, now_us, schedule, now_us if after_us is None else after_us)
    return schedule


async def note(tx: Tx, _now_us: int, name: Name, number: int, progress: dict[str, str]) -> None:
    """Note what became of a schedule's occurrences; nothing if the schedule is gone."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None or row[2] != number:
        return
    noted = {**_schedule(row).progress, **progress}
    await tx.run("UPDATE schedule SET progress = $1 WHERE scope = $2 AND name = $3", encode(noted), *name)


async def delete(tx: Tx, now_us: int, name: Name) -> Schedule:
    """Delete a schedule, or raise `ScheduleNotFoundError`; returns it as it was."""
    schedule = await find(tx, now_us, name)
    await tx.run("DELETE FROM schedule WHERE scope = $1 AND name = $2", *name)
    await timers.disarm(tx, now_us, _timer_name(schedule))
    return schedule


async def next_due(tx: Tx, _now_us: int, schedule: Schedule) -> int | None:
    """Return when a schedule sends next, None for never."""
    row = await tx.one("SELECT due_us FROM timer WHERE name = $1", _timer_name(schedule))
    return None if row is None else int(row[0])


async def come_round(tx: Tx, now_us: int, timer: Timer) -> tuple[Schedule, int, int | None] | None:
    """Return the schedule of a timer that is due, its occurrence, and when the timer is due again.

    None if there is nothing to send. A schedule that is over may be gone by then, if it was meant to.
    """
    occurrence = _OCCURRENCE.decode(timer.payload)
    try:
        schedule = await find(tx, now_us, (occurrence.scope, occurrence.name))
    except ScheduleNotFoundError:
        return None
    if schedule.id != occurrence.id or not schedule.config.enabled:
        return None
    when = schedule.config.when
    at_us = occurrence.at_us
    following = when.next_after(at_us)
    while following is not None and following <= now_us - LATE_US:
        at_us = following
        following = when.next_after(at_us)
    if following is None and schedule.config.once:
        await tx.run("DELETE FROM schedule WHERE scope = $1 AND name = $2", schedule.scope, schedule.name)
    return schedule, at_us, await _arm(tx, now_us, schedule, following)


async def _follow(tx: Tx, now_us: int, schedule: Schedule, after_us: int) -> None:
    """Set the timer of a schedule that was made or changed."""
    first_us = schedule.config.when.next_after(after_us) if schedule.config.enabled else None
    if await _arm(tx, now_us, schedule, first_us) is None:
        await timers.disarm(tx, now_us, _timer_name(schedule))


async def _arm(tx: Tx, now_us: int, schedule: Schedule, occurrence_us: int | None) -> int | None:
    if occurrence_us is None:
        return None
    occurrence = Occurrence(schedule.scope, schedule.name, schedule.id, occurrence_us)
    due_us = schedule.due_us(occurrence_us)
    await timers.arm(tx, now_us, Timer(_timer_name(schedule), due_us, KIND, encode(occurrence)))
    return due_us


def _timer_name(schedule: Schedule) -> str:
    return f"{KIND}/{schedule.id}"
