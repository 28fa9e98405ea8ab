"""Durable timers: rows that say what is to be done and when, fired from the clock.

What a timer does is a store operation, run in the same transaction that removes the timer or sets it anew, so it
happens exactly once as far as the store is concerned, on whichever node finds it first. One that fails is tried
again later, and says so in the log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage.store import Store, Tx

TOPIC: Final = ("timers", "")
RETRY_US: Final = 5 * SECOND_US
RETRY_US_MAX: Final = 600 * SECOND_US
_log = logging.getLogger(__name__)


class Timer(NamedTuple):
    """A timer: `name` is unique, `kind` says who fires it, `due_us` when."""

    name: str
    due_us: int
    kind: str
    payload: bytes


Action: TypeAlias = "Callable[[Tx, int, Timer, int], Coroutine[object, object, int | None]]"
"""What a kind of timer does: an operation that returns when to fire again, None for never.

It is given a number of `Ids.sequence` besides the timer, for what it makes.
"""


async def arm(tx: Tx, _now_us: int, timer: Timer) -> None:
    """Set a timer, or set the one of that name anew."""
    await tx.run(
        "INSERT INTO timer (name, due_us, kind, payload, failures) VALUES ($1, $2, $3, $4, 0)"
        " ON CONFLICT (name) DO UPDATE SET due_us = $2, kind = $3, payload = $4, failures = 0",
        *timer,
    )
    tx.signal(TOPIC)


async def disarm(tx: Tx, _now_us: int, name: str) -> bool:
    """Take a timer back; False if there is none of that name."""
    return bool(await tx.run("DELETE FROM timer WHERE name = $1", name))


async def next_due(tx: Tx, _now_us: int) -> int | None:
    """Return when the earliest timer is due, None if there is none."""
    row = await tx.one("SELECT due_us FROM timer ORDER BY due_us LIMIT 1")
    return None if row is None else int(row[0])


async def fire_one(tx: Tx, now_us: int, actions: Mapping[str, Action], sequence: int) -> bool:
    """Fire the earliest timer that is due; False if none is."""
    row = await tx.one(
        "SELECT name, due_us, kind, payload FROM timer WHERE due_us <= $1 ORDER BY due_us LIMIT 1"
        " FOR UPDATE SKIP LOCKED",
        now_us,
    )
    if row is None:
        return False
    timer = Timer(row[0], row[1], row[2], bytes(row[3]))
    again_us = await actions[timer.kind](tx, now_us, timer, sequence)
    if again_us is None:
        await disarm(tx, now_us, timer.name)
    else:
        await tx.run("UPDATE timer SET due_us = $1, failures = 0 WHERE name = $2", again_us, timer.name)
    return True


async def _postpone(tx: Tx, now_us: int) -> str:
    """Put off the earliest timer that is due, longer each time; returns its name."""
    row = await tx.one("SELECT name, failures FROM timer WHERE due_us <= $1 ORDER BY due_us LIMIT 1", now_us)
    if row is None:
        return ""
    name, failures = row
    delay_us = min(RETRY_US << min(failures, 20), RETRY_US_MAX)
    await tx.run("UPDATE timer SET due_us = $1, failures = failures + 1 WHERE name = $2", now_us + delay_us, name)
    return str(name)


class TimerService:
    """Fires timers; `actions` has one for each kind."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, actions: Mapping[str, Action]) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._actions = actions

    async def run(self) -> None:
        """Fire what is due, for ever."""
        with self._store.signals.listen(TOPIC) as listener:
            while True:
                while await self._fire():
                    pass
                due_us = await self._store.read(next_due)
                await listener.wait(due_us)

    async def _fire(self) -> bool:
        try:
            return await self._store.run(fire_one, self._actions, self._ids.sequence())
        except Exception:  # noqa: BLE001 - one timer's failure must not stop the others
            name = await self._store.run(_postpone)
            _log.exception("the timer %s failed; it is tried again later", name)
            return True
