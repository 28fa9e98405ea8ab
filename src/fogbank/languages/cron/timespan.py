"""Spans of time as .NET writes them: `[d.]hh:mm[:ss[.fffffff]]`, or a number of days.

.NET API reference, "TimeSpan.Parse": where the first of three numbers is no hour, they are days, hours and minutes,
as "Timer trigger for Azure Functions" says of `24:00:00`.
"""

from __future__ import annotations

import re
from typing import Final

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_HOUR_US: Final = 60 * _MINUTE_US
_DAY_US: Final = 24 * _HOUR_US
_DAYS: Final = re.compile(r"\d{1,8}", re.ASCII)
_SPAN: Final = re.compile(
    r"(?:(?P<days>\d{1,8})[.:])??(?P<hours>\d{1,8}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2})(?:\.(?P<part>\d{1,7}))?)?",
    re.ASCII,
)


def parse_timespan(text: str) -> int | None:
    """Return a span that isn't negative in microseconds, None if the text is none."""
    text = text.strip()
    if _DAYS.fullmatch(text):
        return int(text) * _DAY_US
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes = (int(match[name] or 0) for name in ("days", "hours", "minutes"))
    seconds = int(match["seconds"] or 0)
    if hours > 23 and match["days"] is None and match["part"] is None:
        days, hours, minutes, seconds = hours, minutes, seconds, 0
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    part_us = int((match["part"] or "").ljust(7, "0")) // 10
    return days * _DAY_US + hours * _HOUR_US + minutes * _MINUTE_US + seconds * _SECOND_US + part_us
