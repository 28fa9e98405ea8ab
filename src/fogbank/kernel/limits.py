"""Limits with names and units."""

from __future__ import annotations

from typing import NamedTuple

from fogbank.kernel.errors import OutOfRangeError


class Limit(NamedTuple):
    """An inclusive range for one quantity, with the unit it is counted in."""

    name: str
    low: int
    high: int
    unit: str

    def allows(self, value: float) -> bool:
        """Whether the value lies in the range."""
        return self.low <= value <= self.high

    def check(self, value: int) -> int:
        """Return the value, or raise `OutOfRangeError`."""
        if not self.low <= value <= self.high:
            raise OutOfRangeError(self.name, value, self.low, self.high, self.unit)
        return value
