"""NCRONTAB, the cron of Azure Functions: five fields, or six that begin with seconds.

Behaves as the library NCrontab, which Azure uses: ranges may be given backwards, `5/15` goes on to the field's end,
names may be shortened, and a day must fit both its fields ("Timer trigger for Azure Functions", "NCRONTAB
expressions").
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fogbank.languages.cron.calendar import Calendar
from fogbank.languages.cron.errors import CronError

TEXT_LENGTH_MAX: Final = 1_024
_NUMBER: Final = re.compile(r"\s*([+-]?[0-9]{1,9})\s*", re.ASCII)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


class _Field(NamedTuple):
    """A field's name, its range, and the names that its values have."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("Second", 0, 59),
    _Field("Minute", 0, 59),
    _Field("Hour", 0, 23),
    _Field("Day", 1, 31),
    _Field("Month", 1, 12, _MONTHS),
    _Field("DayOfWeek", 0, 6, _WEEKDAYS),
)


def parse_ncrontab(text: str) -> Calendar:
    """Return the calendar of an expression, or raise `CronError`."""
    if len(text) > TEXT_LENGTH_MAX:
        msg = f"A crontab expression has at most {TEXT_LENGTH_MAX} characters."
        raise CronError(msg)
    tokens = text.split()
    if len(tokens) not in (5, 6):
        msg = (
            f"'{text}' is an invalid crontab expression. It must contain 5 components of a schedule, or 6 that begin"
            " with seconds."
        )
        raise CronError(msg)
    if len(tokens) == len(_FIELDS) - 1:
        tokens.insert(0, "0")
    fields = [_parse_field(token, field) for token, field in zip(tokens, _FIELDS, strict=True)]
    seconds, minutes, hours, days, months, weekdays = fields
    return Calendar(seconds, minutes, hours, days, months, weekdays)


def _parse_field(token: str, field: _Field) -> tuple[int, ...]:
    chosen: set[int] = set()
    parts = token.split(",") if token.find(",") > 0 else [token]
    try:
        for part in parts:
            chosen.update(_parse_part(part, field))
    except CronError as error:
        msg = f"'{token}' is not a valid [{field.name}] crontab field expression. {error}"
        raise CronError(msg) from None
    return tuple(sorted(chosen))


def _parse_part(part: str, field: _Field) -> range:
    """Return the values of a range, a step or a single value."""
    body, slash, step_text = part.partition("/")
    if slash and not body:
        body, slash = part, ""
    step = _number(step_text) if slash else 1
    if body == "*":
        return range(field.low, field.high + 1, max(1, step))
    dash = body.find("-")
    if dash > 0:
        first, last = _value(body[:dash], field), _value(body[dash + 1 :], field)
    else:
        first = _value(body, field)
        last = field.high if slash else first
    first, last = min(first, last), max(first, last)
    for value in (first, last):
        if not field.low <= value <= field.high:
            msg = (
                f"{value} is outside the allowable values of the [{field.name}] field:"
                f" it must be between {field.low} and {field.high} (all inclusive)."
            )
            raise CronError(msg)
    return range(first, last + 1, max(1, step))


def _value(text: str, field: _Field) -> int:
    if not text:
        msg = "A crontab field value cannot be empty."
        raise CronError(msg)
    if text[0] in "0123456789":
        return _number(text)
    if not field.names:
        msg = (
            f"'{text}' is not a valid [{field.name}] crontab field value. It must be a numeric value between"
            f" {field.low} and {field.high} (all inclusive)."
        )
        raise CronError(msg)
    for number, name in enumerate(field.names, field.low):
        if name.lower().startswith(text.lower()):
            return number
    msg = f"'{text}' is not a known value name. Use one of the following: {', '.join(field.names)}."
    raise CronError(msg)


def _number(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        msg = f"'{text}' is not a number."
        raise CronError(msg)
    return int(match[1])
