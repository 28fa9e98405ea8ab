"""Where a query looks: documents by name, a range of the automatic index, a collection, a collection group.

One comparison that every result must fit is looked up in the index; the others are held against what is found there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH
from fogbank.clouds.gcp.firestore.order import NAN, NULL
from fogbank.clouds.gcp.firestore.querying.filters import required
from fogbank.clouds.gcp.firestore.shape import (
    INDEXED_BYTES_MAX,
    group_partition,
    indexed,
    members_partition,
    values_partition,
)
from fogbank.engines.documents.keys import BEYOND, after, after_prefix
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ordered import encode_path, path_segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
    from fogbank.clouds.gcp.firestore.querying.filters import Leaf
    from fogbank.clouds.gcp.firestore.querying.plans import Query

_WHOLE: Final = (b"", BEYOND)


class Names(NamedTuple):
    """Documents by their keys."""

    keys: tuple[Key, ...]


class Part(NamedTuple):
    """A part of one partition, of the index or (`in_index` false) of the documents: from `low` to before `high`.

    What is found is in the order of `path`, then of names; None for where all have the same value.
    """

    partition: bytes
    low: bytes
    high: bytes
    in_index: bool
    path: FieldPath | None

    def sort_of(self, candidate: Candidate) -> bytes:
        """Return where in the partition a document stands."""
        if self.path is None:
            return self.low
        if not self.in_index:
            return candidate.key.sort
        if self.path == NAME_PATH:
            return encode_path(candidate.path.split("/"))
        place = candidate.place(self.path)
        assert place is not None
        return indexed(place)

    def cuts(self, candidate: Candidate) -> bool:
        """Tell whether a document's value is in the index with its beginning alone."""
        place = None if self.path in {None, NAME_PATH} else candidate.place(self.path or NAME_PATH)
        return place is not None and len(place) > INDEXED_BYTES_MAX

    def is_in_order_of(self, query: Query) -> bool:
        """Tell whether the order of what is found is the query's, or its reverse."""
        wanted = (NAME_PATH,) if self.path in {None, NAME_PATH} else (self.path, NAME_PATH)
        orders = query.orders
        return tuple(each.path for each in orders) == wanted and len({each.descending for each in orders}) == 1


class Tree(NamedTuple):
    """Everything in collections whose paths begin with these bytes."""

    prefix: bytes


Source: TypeAlias = Names | Part | Tree


def sources_of(query: Query) -> list[Source]:
    """Return where to look; a document may be found in more than one place."""
    wanted = list(required(query.filter))
    for leaf in wanted:
        if leaf.path == NAME_PATH and leaf.operator in {"==", "in"}:
            return [Names(tuple(dict.fromkeys(_key(value) for value in leaf.values)))]
    inside = encode_path(query.parent.segments)
    if not query.collection:
        return [Tree(inside)]
    if query.descendants:
        # What is in a document isn't the document itself.
        low, high = (after(inside), after_prefix(inside)) if inside else _WHOLE
        low, high = _narrowed(low, high, NAME_PATH, wanted, query, _path_place)
        return [Part(group_partition(query.collection), low, high, in_index=True, path=NAME_PATH)]
    collection = encode_path((*query.parent.segments, query.collection))
    found = _by_equality(collection, wanted)
    if found:
        return list(found)
    path = _ranged(wanted, query)
    if path is None:
        low, high = _narrowed(*_WHOLE, NAME_PATH, wanted, query, partial(_id_place, collection))
        return [Part(collection, low, high, in_index=False, path=NAME_PATH)]
    low, high = _narrowed(*_WHOLE, path, wanted, query, indexed)
    return [Part(values_partition(collection, path), low, high, in_index=True, path=path)]


def _key(reference: bytes) -> Key:
    segments = _segments(reference)
    return Key(encode_path(segments[:-1]), segments[-1].encode())


def _segments(reference: bytes) -> list[str]:
    # Behind the type, before the end; project and database come first.
    return path_segments(reference[1:-1])[2:]


def _path_place(reference: bytes) -> bytes | None:
    return encode_path(_segments(reference))


def _id_place(collection: bytes, reference: bytes) -> bytes | None:
    key = _key(reference)
    return key.sort if key.partition == collection else None


def _by_equality(collection: bytes, wanted: list[Leaf]) -> list[Part]:
    """Look where a value is, or where each of several are."""
    for operators in ({"==", "is-null", "is-nan"}, {"array-contains"}, {"in", "array-contains-any"}):
        for leaf in wanted:
            if leaf.path == NAME_PATH or leaf.operator not in operators:
                continue
            values = _CONSTANTS.get(leaf.operator, leaf.values)
            among = members_partition if leaf.operator.startswith("array") else values_partition
            partition = among(collection, leaf.path)
            # Of long values only the beginning is in the index: others may begin alike.
            starts = dict.fromkeys(indexed(value) for value in values)
            return [Part(partition, start, start + b"\x00", in_index=True, path=None) for start in starts]
    return []


_CONSTANTS: Final = {"is-null": (NULL,), "is-nan": (NAN,)}
_BOUNDS: Final = {"<", "<=", ">", ">="}


def _ranged(wanted: list[Leaf], query: Query) -> FieldPath | None:
    """Return the field whose index is to be read: the one that is ordered by first, or one that has bounds."""
    first = query.orders[0].path
    bounded = [leaf.path for leaf in wanted if leaf.path != NAME_PATH and leaf.operator in _BOUNDS]
    if bounded and first not in bounded:
        return bounded[0]
    return None if first == NAME_PATH else first


def _narrowed(
    low: bytes,
    high: bytes,
    path: FieldPath,
    wanted: list[Leaf],
    query: Query,
    place_of: Callable[[bytes], bytes | None],
) -> tuple[bytes, bytes]:
    """Return the part of a range that may have results, by comparisons and cursors; its ends are looked at again."""
    lows, highs = [low], [high]
    for leaf in wanted:
        if leaf.path == path and leaf.operator in _BOUNDS:
            is_upper = leaf.operator in {"<", "<="}
            _narrow(highs if is_upper else lows, place_of(leaf.values[0]), upper=is_upper)
            if path != NAME_PATH:
                kind = leaf.values[0][:1]
                lows.append(kind)
                highs.append(after_prefix(kind))
    first = query.orders[0]
    if first.path == path:
        for bound, is_start in ((query.start, True), (query.end, False)):
            if bound is not None:
                is_upper = is_start is first.descending
                _narrow(highs if is_upper else lows, place_of(bound.places[0]), upper=is_upper)
    low = max(lows)
    return low, max(low, min(highs))


def _narrow(ends: list[bytes], place: bytes | None, *, upper: bool) -> None:
    if place is not None:
        ends.append(place + b"\x00" if upper else place)
