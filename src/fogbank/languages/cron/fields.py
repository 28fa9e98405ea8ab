"""Fields of crontabs: lists of values, ranges and steps, in the notation that most crons share."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from fogbank.languages.cron.errors import CronError

_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class Field(NamedTuple):
    """A field's name, its range, and the names that its values have, from the lowest on.

    Where it `wraps`, a range may end before it begins: it goes on from the field's start.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    wraps: bool = False

    def parse(self, token: str) -> tuple[int, ...]:
        """Return the values that a token chooses, sorted; raises `CronError`."""
        chosen: set[int] = set()
        for part in token.split(","):
            chosen.update(self._part(part))
        return tuple(sorted(chosen))

    def value(self, text: str) -> int:
        """Return a single value; raises `CronError`."""
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if not _NUMBER.fullmatch(text):
            msg = f"'{text}' is no value of the field {self.name}."
            raise CronError(msg)
        value = int(text)
        if not self.low <= value <= self.high:
            msg = f"{value} is outside of the field {self.name}: it must be {self.low} to {self.high}."
            raise CronError(msg)
        return value

    def _part(self, part: str) -> list[int]:
        body, slash, step_text = part.partition("/")
        step = 1
        if slash:
            if not _NUMBER.fullmatch(step_text) or not int(step_text):
                msg = f"'{step_text}' is no step of the field {self.name}."
                raise CronError(msg)
            step = int(step_text)
        if body == "*":
            first, last = self.low, self.high
        elif "-" in body:
            first_text, _, last_text = body.partition("-")
            first, last = self.value(first_text), self.value(last_text)
        else:
            first = self.value(body)
            last = self.high if slash else first
        if first > last:
            if not self.wraps:
                msg = f"'{part}' of the field {self.name} ends before it begins."
                raise CronError(msg)
            size = self.high - self.low + 1
            return [self.low + (each - self.low) % size for each in range(first, last + size + 1, step)]
        return list(range(first, last + 1, step))
