"""From key conditions and starting keys to ranges of a table.

Amazon DynamoDB API Reference, "Query: KeyConditionExpression, ExclusiveStartKey" and "Scan: Segment".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.dynamodb.errors import invalid_values, validation
from fogbank.clouds.aws.dynamodb.indexes import empty_key
from fogbank.clouds.aws.dynamodb.schemas import MISMATCH, TYPES, check_not_empty, encode_key, encode_sort, key_alone
from fogbank.engines.documents.keys import BEYOND, after, after_prefix
from fogbank.engines.documents.ranges import Range, Stretch, whole
from fogbank.languages.dynamodb.types import type_of
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.documents.model import CollectionConfig, Index, Key, KeyField
    from fogbank.languages.dynamodb.key_conditions import KeyTerm
    from fogbank.languages.dynamodb.types import Item

_INVALID_START: Final = "The provided starting key is invalid"
_UNSUPPORTED: Final = "Query key condition not supported"


def range_of(
    config: CollectionConfig,
    index: Index | None,
    terms: Sequence[KeyTerm],
    start: Item | None,
    *,
    backward: bool,
) -> Range:
    """Return the range of a table, or of an index, that a key condition asks for, from behind the starting key on."""
    partition_key, sort_key = _keys_of(config if index is None else index)
    named = {term.name: term for term in terms}
    partition = named.pop(partition_key.name, None)
    if partition is None:
        raise _missed(partition_key)
    if partition.operator != "=":
        raise validation(_UNSUPPORTED)
    _check_values(index, partition_key, partition)
    sort = None
    if named:
        if sort_key is None:
            raise validation(_UNSUPPORTED)
        sort = named.get(sort_key.name)
        if sort is None:
            raise _missed(sort_key)
        _check_values(index, sort_key, sort)
    key = encode_key(partition.values[0])
    low, high = (b"", BEYOND) if sort is None else _bounds(sort)
    wanted = Range(key.partition, low, high, 0 if index is None else index.number)
    if start is None:
        return wanted
    place, beside = _start_keys(config, index, start, _INVALID_START)
    return _from_start(place, beside, wanted, backward=backward)


def stretch_of(
    config: CollectionConfig, index: Index | None, segment: int, segments: int, start: Item | None
) -> Stretch:
    """Return the segment of a table, or of an index, from behind the starting key on."""
    stretch = whole(segment, segments, 0 if index is None else index.number)
    if start is None:
        return stretch
    key, beside = _start_keys(config, index, start, f"{_INVALID_START}: {MISMATCH}")
    if not stretch.after.partition <= key.partition < stretch.end:
        raise validation(
            f"{_INVALID_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment."
            f" TotalSegments: {segments} Segment: {segment}"
        )
    return stretch._replace(after=key, beside=beside)


def check_segments(segment: int | None, segments: int | None) -> None:
    """Refuse half of a parallel scan's parameters, and a segment that isn't one of them."""
    if segment is None and segments is not None:
        raise validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is"
            " present"
        )
    if segment is not None and segments is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is"
            " present"
        )
    if segment is not None and segments is not None and segment >= segments:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments:"
            f" Segment: {segment} is not less than TotalSegments: {segments}"
        )


def _bounds(term: KeyTerm) -> tuple[bytes, bytes]:
    """Return the encoded sort key from which a term's range goes, and the one before which it ends."""
    first = encode_sort(term.values[0])
    match term.operator:
        case "=":
            return first, after(first)
        case "<":
            return b"", first
        case "<=":
            return b"", after(first)
        case ">":
            return after(first), BEYOND
        case ">=":
            return first, BEYOND
        case "BETWEEN":
            return first, after(encode_sort(term.values[1]))
        case _:
            return first, after_prefix(first)


def _check_values(index: Index | None, field: KeyField, term: KeyTerm) -> None:
    wanted = TYPES[field.kind]
    for value in term.values:
        if type_of(value) != wanted:
            raise invalid_values("Condition parameter type does not match schema type")
        if index is not None and value in ("", b""):
            raise empty_key(field, value, index.name)
        check_not_empty(field, value)
    if term.operator == "begins_with" and wanted == "N":
        raise validation(
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function;"
            " operator or function: begins_with, operand type: N"
        )


def _keys_of(keyed: CollectionConfig | Index) -> tuple[KeyField, KeyField | None]:
    return keyed.partition_key, keyed.sort_key


def _start_keys(config: CollectionConfig, index: Index | None, start: Item, message: str) -> tuple[Key, Key | None]:
    """Return the key of a starting place, and in an index the key of the item there."""
    try:
        if index is None:
            return key_alone(config, start), None
        if start.keys() != {*index.key_names, *config.key_names}:
            raise validation(message)
        own = {name: start[name] for name in config.key_names}
        return key_alone(index, {name: start[name] for name in index.key_names}), key_alone(config, own)
    except AwsError:
        raise validation(message) from None


def _from_start(start: Key, beside: Key | None, wanted: Range, *, backward: bool) -> Range:
    if start.partition != wanted.partition:
        raise validation("The provided starting key is outside query boundaries based on provided conditions")
    if not wanted.low <= start.sort < wanted.high:
        raise validation("The provided starting key does not match the range key predicate")
    if backward:
        return wanted._replace(high=start.sort, beside=beside)
    return wanted._replace(low=after(start.sort) if beside is None else start.sort, beside=beside)


def _missed(field: KeyField) -> AwsError:
    return validation(f"Query condition missed key schema element: {field.name}")
