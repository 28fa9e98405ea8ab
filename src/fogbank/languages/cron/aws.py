"""The cron of Amazon EventBridge: six fields, of which one of the two for days is a question mark.

Amazon EventBridge User Guide, "Setting a schedule pattern for scheduled rules (legacy)"; EventBridge Scheduler User
Guide, "Schedule types in EventBridge Scheduler": minutes, hours, day of the month, month, day of the week (1 is
Sunday), year; `L` is the last day, `15W` the weekday that is nearest to the 15th, `3#2` the second Tuesday.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from fogbank.languages.cron.calendar import Calendar
from fogbank.languages.cron.errors import CronError
from fogbank.languages.cron.fields import MONTHS, WEEKDAYS, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    DayRule = Callable[[date], bool]

_MINUTES: Final = Field("Minutes", 0, 59)
_HOURS: Final = Field("Hours", 0, 23)
_DAYS: Final = Field("Day-of-month", 1, 31)
_MONTHS: Final = Field("Month", 1, 12, MONTHS, wraps=True)
_WEEKDAYS: Final = Field("Day-of-week", 1, 7, WEEKDAYS, wraps=True)
_YEARS: Final = Field("Year", 1970, 2199)
_NEAREST: Final = re.compile(r"([0-9]{1,2})W", re.ASCII | re.IGNORECASE)
_ANY: Final = ("*", "?")
_SATURDAY: Final = 6


def parse_aws(text: str) -> Calendar:
    """Return the calendar of what stands in the brackets of `cron(…)`, or raise `CronError`."""
    tokens = text.split()
    if len(tokens) != 6:
        msg = f"A cron expression has six fields, not {len(tokens)}."
        raise CronError(msg)
    minutes, hours, day, month, weekday, year = tokens
    if (day == "?") == (weekday == "?"):
        msg = "One of Day-of-month and Day-of-week must be a question mark, and the other must not."
        raise CronError(msg)
    rules = [_day_rule(part) for part in day.split(",")] if weekday == "?" else _weekday_rules(weekday)
    return Calendar(
        (0,),
        _MINUTES.parse(minutes),
        _HOURS.parse(hours),
        (),
        _MONTHS.parse(month),
        (),
        day_rule=lambda moment: any(rule(moment) for rule in rules),
        years=() if year == "*" else _YEARS.parse(year),
    )


def _day_rule(part: str) -> DayRule:
    """Return what tells days by their place in the month."""
    if part.upper() == "L":
        return lambda day: day.day == _days_of(day)
    if part.upper() == "LW":
        return lambda day: day == _nearest_weekday(day, _days_of(day))
    match = _NEAREST.fullmatch(part)
    if match is not None:
        wanted = _DAYS.value(match[1])
        return lambda day: wanted <= _days_of(day) and day == _nearest_weekday(day, wanted)
    days = frozenset(_DAYS.parse(part))
    return lambda day: day.day in days


def _weekday_rules(token: str) -> list[DayRule]:
    return [_weekday_rule(part) for part in token.split(",")]


def _weekday_rule(part: str) -> DayRule:
    """Return what tells days by their place in the week."""
    if "#" in part:
        name, _, count = part.partition("#")
        weekday = _WEEKDAYS.value(name)
        if count not in ("1", "2", "3", "4", "5"):
            msg = f"'{count}' must be 1 to 5: which of its weekdays in a month it is."
            raise CronError(msg)
        return lambda day: _number(day) == weekday and (day.day - 1) // 7 + 1 == int(count)
    if part.upper() == "L":
        return lambda day: _number(day) == len(WEEKDAYS)
    if part[-1:].upper() == "L":
        weekday = _WEEKDAYS.value(part[:-1])
        return lambda day: _number(day) == weekday and day.day > _days_of(day) - 7
    weekdays = frozenset(_WEEKDAYS.parse(part))
    return lambda day: _number(day) in weekdays


def _number(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _days_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> date:
    """Return the day from Monday to Friday that is nearest to a day of the month, within the month."""
    found = day.replace(day=wanted)
    if found.isoweekday() == _SATURDAY:
        return found + timedelta(days=2 if wanted == 1 else -1)
    if found.isoweekday() > _SATURDAY:
        return found + timedelta(days=-2 if wanted == _days_of(day) else 1)
    return found
