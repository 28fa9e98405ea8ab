"""Schedules in English, as App Engine's cron and Cloud Scheduler have them ("Scheduling Tasks with cron.yaml").

`every 5 minutes`, `every 2 hours from 10:00 to 14:00`, `every 30 minutes synchronized`, `every day 00:00`,
`every mon,fri 09:00`, `2nd,third mon of month 09:00`, `1 of jan,apr 12:00`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.languages.cron.calendar import Calendar
from fogbank.languages.cron.errors import CronError
from fogbank.languages.cron.fields import MONTHS, WEEKDAYS

if TYPE_CHECKING:
    from datetime import date

_MINUTE_US: Final = 60_000_000
_DAY_MINUTES: Final = 24 * 60
_INTERVAL: Final = re.compile(
    r"every (?P<count>\d{1,5}) (?P<unit>minutes?|mins?|hours?)"
    r"(?: (?:from (?P<first>\d\d:\d\d) to (?P<last>\d\d:\d\d)|(?P<even>synchronized)))?"
)
_TIMES: Final = re.compile(r"(?P<days>.+?)(?: of (?P<months>[a-z,]+))? (?P<hour>\d{1,2}):(?P<minute>\d\d)")
_ORDINALS: Final = {
    **{f"{number}{ending}": number for number, ending in enumerate(("st", "nd", "rd", "th", "th"), 1)},
    **{word: number for number, word in enumerate(("first", "second", "third", "fourth", "fifth"), 1)},
}


def parse_groc(text: str) -> Calendar | int:
    """Return the calendar of a schedule, or its interval in microseconds; raises `CronError`."""
    words = " ".join(text.lower().split()).replace(", ", ",")
    match = _INTERVAL.fullmatch(words)
    if match is not None:
        return _interval(match)
    match = _TIMES.fullmatch(words)
    if match is None or int(match["hour"]) > 23 or int(match["minute"]) > 59:
        msg = f"'{text}' is neither a crontab nor a schedule in English."
        raise CronError(msg)
    months = match["months"] or "month"
    days, weekdays, ordinals = _days(match["days"])
    return Calendar(
        (0,),
        (int(match["minute"]),),
        (int(match["hour"]),),
        days,
        tuple(range(1, 13)) if months == "month" else _named(months, MONTHS, 1),
        weekdays,
        day_rule=None if ordinals is None else lambda day: _is_nth(day, weekdays, ordinals),
    )


def _interval(match: re.Match[str]) -> Calendar | int:
    minutes = int(match["count"]) * (60 if match["unit"].startswith("h") else 1)
    if not 0 < minutes <= _DAY_MINUTES:
        msg = f"An interval must be 1 minute to 24 hours, not {minutes} minutes."
        raise CronError(msg)
    if match["first"] is None and match["even"] is None:
        return minutes * _MINUTE_US
    first, last = _clock(match["first"] or "00:00"), _clock(match["last"] or "23:59")
    last += _DAY_MINUTES if last < first else 0
    chosen = {each % _DAY_MINUTES for each in range(first, last + 1, minutes)}
    hours = sorted({each // 60 for each in chosen})
    offsets = sorted({each % 60 for each in chosen})
    if len(hours) * len(offsets) != len(chosen):
        msg = f"Fogbank has no calendar for times of the day {minutes} minutes apart that differ from hour to hour."
        raise CronError(msg)
    everything = tuple(range(1, 32))
    return Calendar((0,), offsets, hours, everything, tuple(range(1, 13)), tuple(range(7)))


def _clock(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if hour > 23 or minute > 59:
        msg = f"'{text}' is no time of the day."
        raise CronError(msg)
    return hour * 60 + minute


def _days(text: str) -> tuple[tuple[int, ...], tuple[int, ...], frozenset[int] | None]:
    """Return days of the month, days of the week, and which of the month's weekdays they are."""
    all_days, all_weekdays = tuple(range(1, 32)), tuple(range(7))
    words = text.split()
    if words[0] == "every" and len(words) == 2:
        return all_days, all_weekdays if words[1] == "day" else _named(words[1], WEEKDAYS, 0), None
    if len(words) == 1 and all(part.isdecimal() and 1 <= int(part) <= 31 for part in words[0].split(",")):
        return tuple(sorted({int(part) for part in words[0].split(",")})), all_weekdays, None
    if len(words) == 2 and all(part in _ORDINALS for part in words[0].split(",")):
        ordinals = frozenset(_ORDINALS[part] for part in words[0].split(","))
        return all_days, all_weekdays if words[1] == "day" else _named(words[1], WEEKDAYS, 0), ordinals
    msg = f"'{text}' names no days."
    raise CronError(msg)


def _named(text: str, names: tuple[str, ...], first: int) -> tuple[int, ...]:
    chosen = set()
    for part in text.split(","):
        if part[:3].upper() not in names:
            msg = f"'{part}' is no name of a day or month."
            raise CronError(msg)
        chosen.add(names.index(part[:3].upper()) + first)
    return tuple(sorted(chosen))


def _is_nth(day: date, weekdays: tuple[int, ...], ordinals: frozenset[int]) -> bool:
    return day.isoweekday() % 7 in weekdays and (day.day - 1) // 7 + 1 in ordinals
