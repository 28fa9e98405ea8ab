"""Expressions of schedules: `at(…)`, `rate(…)`, `cron(…)`, in a time zone, between two dates.

Amazon EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler": a rate without a start date begins
at once; start and end don't concern schedules that come round once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fogbank.clouds.aws.events.schedules import read_at, read_cron, read_rate
from fogbank.clouds.aws.scheduler.errors import invalid
from fogbank.engines.schedules.model import AT, AWS, EVERY, LAST_US, When, check_zone
from fogbank.kernel.clock import SECOND_US

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PRECISE_US: Final = 60 * SECOND_US
START_LATE_US: Final = 300 * SECOND_US


def read_when(
    text: str, zone: str | None, start_seconds: float | None, end_seconds: float | None, anchor_us: int
) -> When:
    """Return when a schedule comes round, or raise the error; `anchor_us` is when it was created."""
    zone = zone or "UTC"
    if not check_zone(zone):
        raise invalid(f"Invalid Schedule Expression Timezone {zone}.")
    moment = read_at(text)
    if moment is not None:
        try:
            at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))
            at_us = (at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, OverflowError):
            raise invalid(f"Invalid Schedule Expression {text}.") from None
        return When(AT, str(at_us))
    for name, given in (("StartDate", start_seconds), ("EndDate", end_seconds)):
        if given is not None and not 0 <= given <= LAST_US / SECOND_US:
            raise invalid(f"Invalid {name}.")
    start_us = 0 if start_seconds is None else int(start_seconds * SECOND_US)
    end_us = 0 if end_seconds is None else int(end_seconds * SECOND_US)
    if start_us and end_us and start_us >= end_us:
        raise invalid("The StartDate must come before the EndDate.")
    rate_us, fields = read_rate(text), read_cron(text)
    if rate_us is not None:
        return When(EVERY, str(rate_us), zone, start_us or anchor_us, start_us, end_us)
    if fields is not None:
        return When(AWS, fields, zone, 0, start_us, end_us)
    raise invalid(f"Invalid Schedule Expression {text}.")


def check_moment(when: When, text: str, now_us: int) -> None:
    """Raise the error for a moment that is over; schedules are precise to a minute."""
    if when.kind == AT and int(when.text) < now_us - PRECISE_US:
        raise invalid(f"Invalid Schedule Expression {text}: it is in the past.")


def check_start(start_seconds: float | None, now_us: int) -> None:
    """Raise the error for a start date that is over."""
    if start_seconds is not None and start_seconds * SECOND_US < now_us - START_LATE_US:
        raise invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
