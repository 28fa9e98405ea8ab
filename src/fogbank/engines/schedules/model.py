"""Schedules, in neutral words: when they come round, and how they stand."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.languages.cron import Calendar, CronError, next_occurrence, parse_aws, parse_groc, parse_unix

if TYPE_CHECKING:
    from collections.abc import Callable

KIND: Final = "schedule"
"""The kind of the timers of all schedules."""
# The kinds of times, and what the text is for each: a moment in microseconds, an interval in microseconds, and a
# calendar in one of the notations of cron.
AT: Final = "at"
EVERY: Final = "every"
AWS: Final = "aws"
UNIX: Final = "unix"
GROC: Final = "groc"
LAST_US: Final = 253_086_768_000 * SECOND_US


class When(msgspec.Struct, frozen=True, array_like=True):
    """When a schedule comes round.

    Intervals count from `anchor_us`. Nothing comes round before `start_us` or after `end_us`, unless that is 0.
    `zone` is a name of the IANA database, UTC if empty.
    """

    kind: str
    text: str
    zone: str = ""
    anchor_us: int = 0
    start_us: int = 0
    end_us: int = 0

    def next_after(self, after_us: int) -> int | None:
        """Return the first occurrence that is later than a time, None if there is none before the year 9990."""
        after_us = max(after_us, self.start_us - 1)
        if after_us >= LAST_US:
            return None
        found = self._next(after_us)
        return None if found is None or found > (self.end_us or LAST_US) else found

    def _next(self, after_us: int) -> int | None:
        if self.kind == AT:
            return int(self.text) if int(self.text) > after_us else None
        if self.kind == EVERY:
            return _next_interval(int(self.text), self.anchor_us, after_us)
        calendar = read_calendar(self.kind, self.text)
        if isinstance(calendar, int):
            return _next_interval(calendar, self.anchor_us, after_us)
        return next_occurrence(calendar, after_us, ZoneInfo(self.zone or "UTC"))


class ScheduleConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a schedule does.

    An occurrence is sent within `window_seconds` of its time, somewhere. One that isn't `enabled` sends nothing; one
    that is to be deleted when it is over (`once`) goes away with its last occurrence. `dialect` names the service
    that says what is sent, `body` is in its words.
    """

    when: When
    dialect: str
    body: bytes = b""
    window_seconds: int = 0
    enabled: bool = True
    once: bool = False
    labels: dict[str, str] = {}


class Schedule(NamedTuple):
    """A schedule as stored; `progress` is what its service noted of its occurrences."""

    scope: str
    name: str
    id: int
    config: ScheduleConfig
    progress: dict[str, str]
    created_us: int
    modified_us: int

    def due_us(self, occurrence_us: int) -> int:
        """Return when an occurrence is sent: the same place in its window whenever that is asked."""
        window_us = self.config.window_seconds * SECOND_US
        if not window_us:
            return occurrence_us
        drawn = sha256(f"{self.id}/{occurrence_us}".encode()).digest()
        return occurrence_us + int.from_bytes(drawn[:6], "big") % window_us


_CONFIG: Final = msgspec.msgpack.Decoder(ScheduleConfig)
encode: Final = msgspec.msgpack.Encoder().encode
_PARSERS: Final[dict[str, Callable[[str], Calendar | int]]] = {AWS: parse_aws, UNIX: parse_unix, GROC: parse_groc}


@lru_cache(maxsize=4096)
def decode_config(data: bytes) -> ScheduleConfig:
    """Read a stored configuration."""
    return _CONFIG.decode(data)


@lru_cache(maxsize=4096)
def read_calendar(kind: str, text: str) -> Calendar | int:
    """Return a calendar, or an interval in microseconds; raises `CronError`."""
    return _PARSERS[kind](text)


def check_zone(name: str) -> bool:
    """Whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _next_interval(interval_us: int, anchor_us: int, after_us: int) -> int:
    if after_us < anchor_us:
        return anchor_us
    return anchor_us + ((after_us - anchor_us) // interval_us + 1) * interval_us


__all__ = [
    "AT",
    "AWS",
    "EVERY",
    "GROC",
    "KIND",
    "UNIX",
    "CronError",
    "Schedule",
    "ScheduleConfig",
    "When",
    "check_zone",
    "decode_config",
    "encode",
    "read_calendar",
]
