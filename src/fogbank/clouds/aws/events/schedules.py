"""Schedules of rules: `rate(…)` and `cron(…)`, and the events that they send.

Amazon EventBridge User Guide, "Creating a scheduled rule (legacy)", "Setting a schedule pattern".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.events.rendering import Event, Selection, make_fields
from fogbank.clouds.aws.events.service import DEFAULT, DIALECT, FOLDER, rule_arn
from fogbank.engines.messaging.delivery_model import TOPIC, Delivery, endpoint_of
from fogbank.engines.schedules.model import AT, AWS, EVERY, CronError, ScheduleConfig, When, read_calendar
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.schedules.model import Schedule

SCHEDULED: Final = "events.scheduled"
RULE: Final = "rule"
_RATE: Final = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\((.+)\)")
_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_SECONDS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}


def read_rate(text: str) -> int | None:
    """Return the interval of `rate(…)` in microseconds; None if it can't be."""
    match = _RATE.fullmatch(text)
    if match is None or not int(match[1]) or (int(match[1]) == 1) == bool(match[3]):
        return None
    return int(match[1]) * _SECONDS[match[2]] * SECOND_US


def read_cron(text: str) -> str | None:
    """Return the fields of `cron(…)`; None if they can't be."""
    match = _CRON.fullmatch(text)
    if match is None:
        return None
    try:
        read_calendar(AWS, match[1])
    except CronError:
        return None
    return match[1]


def read_at(text: str) -> str | None:
    """Return the local time of `at(…)`, in ISO 8601; None if it can't be."""
    match = _AT.fullmatch(text)
    return None if match is None else match[1]


def config_of(text: str, now_us: int, *, enabled: bool, account: str) -> ScheduleConfig | None:
    """Return the schedule of a rule; None if its expression can't be."""
    rate_us, fields = read_rate(text), read_cron(text)
    if rate_us is not None:
        when = When(EVERY, str(rate_us), anchor_us=now_us)
    elif fields is not None:
        when = When(AWS, fields)
    else:
        return None
    return ScheduleConfig(when, DIALECT, enabled=enabled, labels={"account": account})


def send(schedule: Schedule, occurrence_us: int, drawn: Drawn) -> Delivery:
    """Return what a rule's schedule sends to its bus: the event, for the rule's own targets."""
    rule = schedule.name.removeprefix("rule/")
    arn = rule_arn(schedule.scope, DEFAULT, rule)
    fields = make_fields(drawn.id, schedule.scope, "aws.events", "Scheduled Event", occurrence_us, [arn], {})
    return Delivery(
        TOPIC,
        endpoint_of(schedule.scope, f"{FOLDER}/{DEFAULT}"),
        msgspec.json.encode(fields),
        courier=SCHEDULED,
        first_us=drawn.now_us,
        facts={RULE: rule},
    )


def scheduled_event(delivery: Delivery, fields: dict[str, Any], now_us: int) -> Event:
    """Return the event of such a delivery."""
    return Event(fields, now_us, selection=Selection(frozenset({delivery.facts[RULE]}), scheduled=True))


__all__ = ["AT", "SCHEDULED", "config_of", "read_at", "read_cron", "read_rate", "scheduled_event", "send"]
