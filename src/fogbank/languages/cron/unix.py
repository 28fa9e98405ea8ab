"""The cron of Unix: five fields; a day fits if it fits either of its fields, where both are restricted (crontab(5))."""

from __future__ import annotations

from typing import Final

from fogbank.languages.cron.calendar import Calendar
from fogbank.languages.cron.errors import CronError
from fogbank.languages.cron.fields import MONTHS, WEEKDAYS, Field

_MINUTES: Final = Field("minute", 0, 59)
_HOURS: Final = Field("hour", 0, 23)
_DAYS: Final = Field("day of the month", 1, 31)
_MONTHS: Final = Field("month", 1, 12, MONTHS)
# Sunday is 0, and 7.
_WEEKDAYS: Final = Field("day of the week", 0, 7, WEEKDAYS)
_SHORT: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def parse_unix(text: str) -> Calendar:
    """Return the calendar of a crontab's five fields, or raise `CronError`."""
    tokens = _SHORT.get(text.strip(), text).split()
    if len(tokens) != 5:
        msg = f"A crontab has five fields, not {len(tokens)}."
        raise CronError(msg)
    minutes, hours, day, month, weekday = tokens
    weekdays = _WEEKDAYS.parse("0-6" if weekday == "*" else weekday.replace("*/", "0-6/"))
    return Calendar(
        (0,),
        _MINUTES.parse(minutes),
        _HOURS.parse(hours),
        _DAYS.parse(day),
        _MONTHS.parse(month),
        tuple(sorted({each % 7 for each in weekdays})),
        either_day=not day.startswith("*") and not weekday.startswith("*"),
    )
