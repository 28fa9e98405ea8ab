"""Aggregations: how many, their sum, their average.

google/firestore/v1/query.proto, `StructuredAggregationQuery.Aggregation`: what is no number doesn't count, NaN makes a
sum and an average NaN, a sum of integers is an integer unless it doesn't fit into 64 bits, an average of nothing is
null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.field_paths import FIELD_BYTES_MAX, is_reserved, read_path
from fogbank.clouds.gcp.firestore.service import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate

AGGREGATIONS_MAX: Final = 5
_INTEGERS: Final = range(-(1 << 63), 1 << 63)
_NUMBERS: Final = {"integer_value", "double_value"}


class Aggregation(NamedTuple):
    """One number that is wanted; `up_to` is where counting ends, None for nowhere."""

    alias: str
    operator: str
    path: FieldPath | None
    up_to: int | None

    def has_field(self, candidate: Candidate) -> bool:
        """Tell whether a document has the field: all aggregations are about those that have all their fields."""
        return self.path is None or candidate.value(self.path) is not None

    def write(self, found: Sequence[Candidate], value: Any) -> None:
        """Set a value to the number."""
        if self.path is None:
            value.integer_value = len(found) if self.up_to is None else min(len(found), self.up_to)
            return
        numbers = [number for each in found if (number := _number(each.value(self.path))) is not None]
        if self.operator == "avg":
            if numbers:
                value.double_value = _sum(numbers) / len(numbers)
            else:
                value.null_value = 0
            return
        total = _sum(numbers)
        if isinstance(total, int):
            value.integer_value = total
        else:
            value.double_value = total


def _number(value: Any) -> int | float | None:
    kind = value.WhichOneof("value_type")
    if kind not in _NUMBERS:
        return None
    number: int | float = getattr(value, kind)
    return number


def _sum(numbers: Sequence[float]) -> int | float:
    total = sum(numbers)
    return float(total) if isinstance(total, int) and total not in _INTEGERS else total


def read_aggregations(given: Iterable[Any]) -> list[Aggregation]:
    """Understand what is wanted; raises `GrpcError`."""
    found: list[Aggregation] = []
    taken = {each.alias for each in given if each.alias}
    number = 1
    for each in given:
        alias = each.alias
        if not alias:
            while f"field_{number}" in taken:
                number += 1
            alias = f"field_{number}"
            taken.add(alias)
        if is_reserved(alias) or len(alias.encode()) > FIELD_BYTES_MAX:
            # `Aggregation.alias`: what limits names of fields limits it, too.
            raise invalid(f'Aggregation alias "{alias[:64]}" is reserved or too long.')
        if any(other.alias == alias for other in found):
            raise invalid(f'Aggregation alias "{alias}" is used more than once.')
        found.append(_read(each, alias))
    if not 0 < len(found) <= AGGREGATIONS_MAX:
        raise invalid(f"A query has 1 to {AGGREGATIONS_MAX} aggregations.")
    return found


def _read(message: Any, alias: str) -> Aggregation:
    operator = message.WhichOneof("operator")
    if operator is None:
        raise invalid("An aggregation has an operator.")
    if operator == "count":
        up_to = message.count.up_to.value if message.count.HasField("up_to") else None
        if up_to is not None and up_to <= 0:
            raise invalid("up_to must be greater than zero.")
        return Aggregation(alias, operator, None, up_to)
    return Aggregation(alias, operator, read_path(getattr(message, operator).field.field_path), None)
