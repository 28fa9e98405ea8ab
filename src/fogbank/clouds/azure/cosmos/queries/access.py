"""Which documents a query has to look at: one partition, entries of the index, or everything.

The condition is asked of all that is found, so what is found may be more than is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from fogbank.clouds.azure.cosmos.items.keys import encode_levels, find_value, key_of, levels_of
from fogbank.clouds.azure.cosmos.items.shapes import VALUE_BYTES_MAX, index_value, indexed_fields
from fogbank.clouds.azure.cosmos.resources.definitions import PATHS
from fogbank.engines.documents.keys import BEYOND, after, after_prefix, encode_scalar
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ranges import Range, Stretch
from fogbank.languages.cosmos_sql.candidates import restrictions, steps_of
from fogbank.languages.cosmos_sql.values import UNDEFINED, is_primitive, rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.cosmos.queries.requests import Query
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.model import Collection, Document
    from fogbank.languages.cosmos_sql.candidates import Restriction, Steps

    Part: TypeAlias = "Range | Stretch"

# Where the texts, the numbers and the other types of encoded values begin and end.
_BOUNDS: Final = {"number": (b"\x10", b"\x13"), "text": (b"\x20", b"\x21"), "bool": (b"\x02", b"\x04")}
_EVERYTHING: Final = Stretch(Key(b"", b""), BEYOND * 2)
# So many paths of one condition are looked at for the one that says most.
ALTERNATIVES_MAX: Final = 4
_BY_KIND: Final = {"equal": 0, "prefix": 1, "range": 2}


class Access(NamedTuple):
    """Parts to read one after another.

    `path` is that of an index's entries; `ordered` says that documents come in the order that the query wants, `narrow`
    that few are expected. `bound` is the partition that they must be of. What isn't `covering` finds only
    documents that have the path, so that it will do only if all have it.
    """

    parts: tuple[Part, ...]
    path: Steps = ()
    ordered: bool = False
    backward: bool = False
    narrow: bool = False
    bound: bytes = b""
    covering: bool = True


def choose(collection: Collection, layout: Layout, query: Query, given: Levels | None) -> tuple[Access, ...]:
    """Return ways to find what a query is about: the best, or several of which a look will show the best.

    Behind a way that finds documents in order stands one that finds them anyhow, for what the index can't tell apart.
    `given` is the partition key that the request is for, if it is for one.
    """
    if query.program.ranking is not None:
        # How well one text fits depends on all others.
        return (Access((_EVERYTHING,)),)
    found = restrictions(query.program.query, query.program.alias, query.parameters)
    levels = given if given is not None and len(given) == len(layout.levels) else pinned(layout, found)
    index = next((each for each in collection.config.indexes if each.name == PATHS and not each.building), None)
    bound = b"" if levels is None else encode_levels(levels)
    if levels is not None:
        identifiers = next((each.values for each in found if each.path == ("id",) and each.kind == "equal"), None)
        if identifiers is not None:
            keys = sorted({key_of(levels, each) for each in identifiers if type(each) is str})
            return (Access(tuple([Range(key.partition, key.sort, after(key.sort)) for key in keys]), narrow=True),)
    if index is not None:
        usable = [each for each in found if layout.paths.name(each.path) is not None]
        if levels is not None:
            # Entries of one value stand in the order of their documents, so those of a partition are together.
            usable = [each for each in usable if each.kind == "equal"]
        ordering = _ordering(query)
        usable.sort(key=lambda each: (_BY_KIND[each.kind], each.path != ordering))
        equal = [each for each in usable if each.kind == "equal"][:ALTERNATIVES_MAX]
        if found_by := equal or usable[:1]:
            return tuple([way for each in found_by for way in _through_index(layout, index.number, each, query, bound)])
        place = None if ordering is None or given else layout.paths.name(ordering)
        if ordering is not None and place is not None and levels is None:
            part = Range(place, b"", BEYOND, index.number)
            backward = query.program.query.orders[0].descending
            ordered = Access((part,), ordering, ordered=True, backward=backward, covering=False)
            return (ordered, Access((_EVERYTHING,)))
    if levels is not None:
        return (Access((Range(bound, b"", BEYOND),)),)
    if given:
        # The first levels of a partition key.
        prefix = encode_levels(given)
        return (Access((Stretch(Key(prefix, b""), after_prefix(prefix)),)),)
    return (Access((_EVERYTHING,)),)


def pinned(layout: Layout, found: Sequence[Restriction]) -> Levels | None:
    """Return the partition key that a condition says, None if it doesn't say all of it."""
    levels: list[Any] = []
    for steps in layout.levels:
        values = next((each.values for each in found if each.path == steps and each.kind == "equal"), ())
        if len(values) != 1:
            return None
        levels.append(values[0])
    return tuple(levels)


def _ordering(query: Query) -> Steps | None:
    """Return the only path that a query is ordered by."""
    orders = query.program.query.orders
    if len(orders) != 1 or query.program.grouped or query.program.query.distinct or query.program.joins:
        return None
    return steps_of(orders[0].value, query.program.alias)


def _through_index(layout: Layout, number: int, wanted: Restriction, query: Query, bound: bytes) -> list[Access]:
    place = layout.paths.name(wanted.path)
    assert place is not None
    if wanted.kind == "equal":
        values = sorted({index_value(value) for value in wanted.values})
        beside = Key(bound, b"") if bound else None
        parts = tuple([Range(place, value, after(value), number, beside) for value in values])
        return [Access(parts, wanted.path, narrow=True, bound=bound)]
    low, high = _bounds(wanted)
    unordered = Access((Range(place, low, high, number),), wanted.path)
    if _ordering(query) != wanted.path:
        return [unordered]
    return [unordered._replace(ordered=True, backward=query.program.query.orders[0].descending), unordered]


def _bounds(wanted: Restriction) -> tuple[bytes, bytes]:
    if wanted.kind == "prefix":
        low = index_value(wanted.low)
        return low, after_prefix(low)
    low, high = wanted.low, wanted.high
    if low is not UNDEFINED and high is not UNDEFINED and rank(low) != rank(high):
        return b"", b""
    kind = _type_of(low if high is UNDEFINED else high)
    if kind is None:
        # Null is neither less nor greater than anything.
        return b"\x01", b"\x02"
    least, most = _BOUNDS[kind]
    if low is not UNDEFINED:
        least = index_value(low)
    if high is not UNDEFINED:
        most = index_value(high)
        # What is longer than the index has of it begins like that.
        most = after_prefix(most) if len(most) == VALUE_BYTES_MAX else after(most)
    return least, most


def _type_of(value: Any) -> str | None:
    if value is None:
        return None
    return {str: "text", bool: "bool"}.get(type(value), "number")


def place_of(access: Access, layout: Layout, document: Document) -> tuple[bytes, Key]:
    """Return where a document stands in the index that is gone through, if it is one, and in the collection."""
    fields = document.fields
    key = key_of(levels_of(fields, layout.levels), str(fields["id"]))
    if not access.path:
        return b"", key
    value = _value_of(access, layout, document)
    return index_value(value) if is_primitive(value) else b"", key


def _value_of(access: Access, layout: Layout, document: Document) -> Any:
    """Return the value that a document is in the index by."""
    fields = indexed_fields(layout, document) if access.path[0] in layout.computed else document.fields
    return find_value(fields, access.path)


def is_exact(access: Access, layout: Layout, document: Document) -> bool:
    """Whether the index has the whole of a document's value, so that its place in the order is right."""
    value = _value_of(access, layout, document)
    return type(value) is not str or len(encode_scalar(value)) <= VALUE_BYTES_MAX


def go_on(part: Part, value: bytes, key: Key, *, backward: bool) -> Part:
    """Return the rest of a part, after a document's place."""
    if isinstance(part, Stretch):
        return part._replace(after=key)
    if not part.number:
        return part._replace(low=after(key.sort))
    if backward:
        return part._replace(high=value, beside=key)
    return part._replace(low=value, beside=key)
