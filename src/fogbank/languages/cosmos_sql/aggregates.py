"""Aggregates: COUNT, COUNTIF, SUM, AVG, MIN, MAX.

Azure Cosmos DB for NoSQL, "Aggregate functions": undefined values don't count; a sum or an average of anything that is
no number is undefined.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, compare, finite, is_number, is_primitive


class Count:
    """How many values are defined."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Value) -> None:
        """Take a value in."""
        self._count += value is not UNDEFINED

    def result(self) -> Value:
        """Return what has come of it."""
        return self._count


class CountIf(Count):
    """How many values are true."""

    def add(self, value: Value) -> None:
        """Take a value in."""
        self._count += value is True


class Sum:
    """The sum of numbers."""

    def __init__(self) -> None:
        self._sum: float = 0
        self._count = 0
        self._ended = False

    def add(self, value: Value) -> None:
        """Take a value in."""
        if is_number(value):
            self._sum += value
            self._count += 1
        elif value is not UNDEFINED:
            self._ended = True

    def result(self) -> Value:
        """Return what has come of it."""
        return UNDEFINED if self._ended else finite(self._sum)


class Average(Sum):
    """The average of numbers."""

    def result(self) -> Value:
        """Return what has come of it."""
        if self._ended or not self._count:
            return UNDEFINED
        return finite(self._sum / self._count)


class Least:
    """The least of all primitive values, over types in their order; `sign` is -1 for the greatest."""

    sign: int = 1

    def __init__(self) -> None:
        self._found: Value = UNDEFINED
        self._ended = False

    def add(self, value: Value) -> None:
        """Take a value in."""
        if value is UNDEFINED:
            return
        if not is_primitive(value):
            self._ended = True
        elif self._found is UNDEFINED or compare(value, self._found) * self.sign < 0:
            self._found = value

    def result(self) -> Value:
        """Return what has come of it."""
        return UNDEFINED if self._ended else self._found


class Greatest(Least):
    """The greatest of all primitive values."""

    sign = -1


State: TypeAlias = "Count | Sum | Least"
AGGREGATES: Final[dict[str, type[Count | Sum | Least]]] = {
    "COUNT": Count,
    "COUNTIF": CountIf,
    "SUM": Sum,
    "AVG": Average,
    "MIN": Least,
    "MAX": Greatest,
}
