"""Timer triggers: durable timers that queue an invocation and set themselves anew.

"Timer trigger for Azure Functions": schedules in NCRONTAB or as a time span; a monitored schedule makes up for an
occurrence that was missed while nothing ran, with `IsPastDue`; others just go on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from fogbank.clouds.azure.functions.apps import read_app
from fogbank.engines.functions import functions, scheduled
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.scheduled import ScheduledInvocation
from fogbank.kernel.clock import SECOND_US
from fogbank.languages.cron import Calendar, CronError, next_occurrence, parse_ncrontab, parse_timespan
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.azure.functions.apps import App
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Tx

KIND: Final = "azure.functions.timer"
# A timer that fires later than this has missed its time.
LATE_US: Final = 5 * SECOND_US
MONITORED_INTERVAL_US: Final = 60 * SECOND_US
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class ScheduleError(Exception):
    """A schedule can't be followed; the message says why."""


class Plan(msgspec.Struct, frozen=True):
    """What a timer fires: a function of an app (by its name in the engine, and its id), when, and when it last did."""

    scope: str
    app: str
    app_id: int
    function: str
    schedule: str
    zone: str
    monitored: bool
    last_us: int = 0

    @property
    def timer(self) -> str:
        """The timer's name."""
        return f"{KIND}/{self.app_id}/{self.function}"

    def next_us(self, after_us: int) -> int | None:
        """Return when it comes round after a time."""
        schedule = read_schedule(self.schedule)
        if isinstance(schedule, Calendar):
            return next_occurrence(schedule, after_us, read_zone(self.zone))
        return after_us + schedule


_PLAN: Final = msgspec.json.Decoder(Plan)
_PLANS: Final = msgspec.json.Decoder(dict[str, Plan])


@lru_cache(maxsize=1_024)
def read_schedule(text: str) -> Calendar | int:
    """Return a schedule: a calendar, or an interval in microseconds; raises `ScheduleError`."""
    try:
        return parse_ncrontab(text)
    except CronError:
        span_us = parse_timespan(text)
        if not span_us or span_us < SECOND_US:
            msg = f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
            raise ScheduleError(msg) from None
        return span_us


def read_zone(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database, UTC for none; raises `ScheduleError`."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        msg = f"The time zone '{name}' (WEBSITE_TIME_ZONE) is not in the IANA time zone database."
        raise ScheduleError(msg) from None


def make_plan(app: App, function: str, binding: dict[str, Any], settings: dict[str, str], now_us: int) -> Plan:
    """Return what a timer trigger asks for; raises `ScheduleError`."""
    owner = app.function
    text, zone = str(binding.get("schedule", "")), settings.get("WEBSITE_TIME_ZONE", "")
    plan = Plan(owner.scope, owner.name, owner.id, function, text, zone, monitored=True)
    first_us = plan.next_us(now_us)
    if first_us is None:
        msg = f"The schedule expression '{text}' never comes round."
        raise ScheduleError(msg)
    monitored = binding.get("useMonitor")
    if not isinstance(monitored, bool):
        second_us = plan.next_us(first_us)
        monitored = second_us is None or second_us - first_us >= MONITORED_INTERVAL_US
    return msgspec.structs.replace(plan, monitored=monitored)


async def follow(tx: Tx, now_us: int, function: Function, plans: Iterable[Plan]) -> str:
    """Set the timers of an app to these and no others; returns the label that remembers them.

    A timer whose schedule is as it was goes on as it was.
    """
    before = _PLANS.decode(function.config.labels.get("timers", "{}"))
    after = {plan.function: plan for plan in plans}
    for name, plan in before.items():
        if after.get(name) != plan:
            await timers.disarm(tx, now_us, plan.timer)
    for name, plan in after.items():
        due_us = plan.next_us(now_us)
        if before.get(name) != plan and due_us is not None:
            await timers.arm(tx, now_us, Timer(plan.timer, due_us, KIND, msgspec.json.encode(plan)))
    return msgspec.json.encode(after).decode()


async def fire(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
    """Queue the invocation that is due; returns when the timer is due again."""
    plan = _PLAN.decode(timer.payload)
    try:
        function = await functions.find(tx, now_us, (plan.scope, plan.app))
    except FunctionNotFoundError:
        return None
    if function.id != plan.app_id or not read_app(function).running:
        return None
    due_us = plan.next_us(timer.due_us)
    if due_us is not None and due_us <= now_us:
        due_us = plan.next_us(now_us)
    late = now_us - timer.due_us >= LATE_US
    if late and not plan.monitored:
        return due_us
    await scheduled.enqueue(tx, now_us, sequence, invocation(plan, timer.due_us, due_us, now_us, past_due=late))
    if due_us is not None:
        again = msgspec.structs.replace(plan, last_us=timer.due_us)
        await timers.arm(tx, now_us, Timer(timer.name, due_us, KIND, msgspec.json.encode(again)))
    return due_us


def invocation(
    plan: Plan, due_us: int, next_us: int | None, now_us: int, *, past_due: bool = False
) -> ScheduledInvocation:
    """Return the invocation of a timer."""
    status = None
    if plan.monitored:
        status = {
            "Last": _moment(plan.last_us) if plan.last_us else "0001-01-01T00:00:00+00:00",
            "Next": _moment(next_us or due_us),
            "LastUpdated": _moment(plan.last_us) if plan.last_us else "0001-01-01T00:00:00+00:00",
        }
    info = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": past_due}
    context = {"function": plan.function, "reason": f"Timer fired at {_moment(now_us)}"}
    return ScheduledInvocation(plan.scope, plan.app, plan.timer, msgspec.json.encode(info), context, due_us)


def _moment(at_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat()
