"""Functions on arrays, sets and objects.

Azure Cosmos DB for NoSQL, "ARRAY_CONTAINS_ALL" (https://learn.microsoft.com/cosmos-db/query/array-contains-all),
"ARRAY_SUM" (https://learn.microsoft.com/cosmos-db/query/array-sum) and their neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.aggregates import Average, Greatest, Least, Sum
from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.operators import decide
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, contains, finite, identity, is_number, same

if TYPE_CHECKING:
    from collections.abc import Callable


def array_concat(*arrays: Value) -> Value:
    """ARRAY_CONCAT."""
    if not all(type(array) is list for array in arrays):
        return UNDEFINED
    return [item for array in arrays for item in array]


def array_contains(array: Value, wanted: Value, partial: Value = False) -> Value:
    """ARRAY_CONTAINS; with `partial` an object is there that has all that the wanted one has."""
    if type(array) is not list or wanted is UNDEFINED:
        return UNDEFINED
    if partial is True and type(wanted) is dict:
        return any(_has(item, wanted) for item in array)
    return contains(array, wanted)


def _has(item: Value, wanted: Value) -> bool:
    if type(wanted) is not dict:
        return same(item, wanted)
    return type(item) is dict and all(name in item and _has(item[name], each) for name, each in wanted.items())


def _contains_each(*, decisive: bool) -> Callable[..., Value]:
    """Return whether any (True decides) or all (False does) are there; what is undefined leaves it open."""

    def run(array: Value, *wanted: Value) -> Value:
        return decide([array_contains(array, each) for each in wanted], decisive=decisive)

    return run


def _aggregated(kind: type[Sum | Least]) -> Function:
    """Return the function of an array that an aggregate is."""

    def run(array: Value) -> Value:
        if type(array) is not list:
            return UNDEFINED
        state = kind()
        for item in array:
            state.add(item)
        return state.result()

    return Function(run, 1, 1)


def _median(array: Value) -> Value:
    """ARRAY_MEDIAN."""
    if type(array) is not list or not array or not all(map(is_number, array)):
        return UNDEFINED
    ordered = sorted(array)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else finite((ordered[half - 1] + ordered[half]) / 2)


def array_slice(array: Value, start: Value, count: Value = None) -> Value:
    """ARRAY_SLICE; a negative start counts from the end."""
    if type(array) is not list or not is_number(start) or (count is not None and not is_number(count)):
        return UNDEFINED
    at = int(start)
    at = max(0, len(array) + at) if at < 0 else at
    return array[at:] if count is None else array[at : at + max(0, int(count))]


def choose(number: Value, *values: Value) -> Value:
    """CHOOSE: the number'th of values, counted from 1."""
    if not is_number(number) or not 1 <= number <= len(values) or int(number) != number:
        return UNDEFINED
    return values[int(number) - 1]


def object_to_array(value: Value, key: Value = "k", item: Value = "v") -> Value:
    """ObjectToArray."""
    if type(value) is not dict or type(key) is not str or type(item) is not str:
        return UNDEFINED
    return [{key: name, item: each} for name, each in value.items()]


def _set_intersect(left: Value, right: Value) -> Value:
    if type(left) is not list or type(right) is not list:
        return UNDEFINED
    there = set(map(identity, right))
    return _once([item for item in left if identity(item) in there])


def _set_union(left: Value, right: Value) -> Value:
    if type(left) is not list or type(right) is not list:
        return UNDEFINED
    return _once([*left, *right])


def _set_difference(left: Value, right: Value) -> Value:
    if type(left) is not list or type(right) is not list:
        return UNDEFINED
    there = set(map(identity, right))
    return _once([item for item in left if identity(item) not in there])


def _set_equal(left: Value, right: Value) -> Value:
    if type(left) is not list or type(right) is not list:
        return UNDEFINED
    return set(map(identity, left)) == set(map(identity, right))


def _once(items: list[Value]) -> list[Value]:
    return list({identity(item): item for item in reversed(items)}.values())[::-1]


ARRAYS: Final = {
    "ARRAY_AVG": _aggregated(Average),
    "ARRAY_CONCAT": Function(array_concat, 2, 1_000),
    "ARRAY_CONTAINS": Function(array_contains, 2, 3),
    "ARRAY_CONTAINS_ALL": Function(_contains_each(decisive=False), 2, 1_000),
    "ARRAY_CONTAINS_ANY": Function(_contains_each(decisive=True), 2, 1_000),
    "ARRAY_LENGTH": Function(lambda array: len(array) if type(array) is list else UNDEFINED, 1, 1),
    "ARRAY_MAX": _aggregated(Greatest),
    "ARRAY_MEDIAN": Function(_median, 1, 1),
    "ARRAY_MIN": _aggregated(Least),
    "ARRAY_SLICE": Function(array_slice, 2, 3),
    "ARRAY_SUM": _aggregated(Sum),
    "CHOOSE": Function(choose, 2, 1_000),
    "OBJECTTOARRAY": Function(object_to_array, 1, 3),
    "SETDIFFERENCE": Function(_set_difference, 2, 2),
    "SETEQUAL": Function(_set_equal, 2, 2),
    "SETINTERSECT": Function(_set_intersect, 2, 2),
    "SETUNION": Function(_set_union, 2, 2),
}
