"""What indexes a query needs, as Google Cloud has them.

Google Cloud, "Index types in Cloud Firestore" (https://cloud.google.com/firestore/docs/concepts/index-overview):
single fields are indexed by themselves within a collection, in both directions and by their arrays' members; a query
on several fields needs indexes with the fields that it compares for equality, in any order, followed by the fields that
it orders by. Several indexes with the same end serve together what each serves in part ("Index merging").
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.gcp.firestore.field_paths import NAME, NAME_PATH, write_path
from fogbank.clouds.gcp.firestore.indexing.definitions import (
    ANY_FIELD,
    ASCENDING,
    AUTOMATIC,
    COLLECTION,
    COLLECTION_GROUP,
    CONTAINS,
    DEFAULT_GROUP,
    DESCENDING,
    VECTOR,
    Definition,
    IndexField,
)
from fogbank.clouds.gcp.firestore.querying.filters import Group, Leaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.indexing.definitions import Override
    from fogbank.clouds.gcp.firestore.querying.filters import Filter
    from fogbank.clouds.gcp.firestore.querying.plans import Query

_EQUAL: Final = {"==", "in", "is-null", "is-nan"}
_ARRAYS: Final = {"array-contains", "array-contains-any"}


class Defined(NamedTuple):
    """The indexes of a database: composite ones, and what is set of single fields."""

    composites: Sequence[Definition]
    overrides: Sequence[Override]

    def has_single(self, group: str, scope: str, field: IndexField) -> bool:
        """Tell whether a single field is indexed like that."""
        if field.path == NAME:
            return True
        inherited = AUTOMATIC
        for each in self.overrides:
            if (each.group, each.path) == (group, field.path):
                return (scope, field.mode) in each.indexes
            if (each.group, each.path) == (DEFAULT_GROUP, ANY_FIELD):
                inherited = each
        return (scope, field.mode) in inherited.indexes


class _Need(NamedTuple):
    """One conjunction's: what is equal or contained, what is ordered by, and the direction of names."""

    equal: frozenset[IndexField]
    orders: tuple[IndexField, ...]
    names: str


def missing(query: Query, defined: Defined, aggregated: Iterable[FieldPath] = ()) -> Definition | None:
    """Return an index that a query would need and that there isn't; None if it has all."""
    scope = COLLECTION_GROUP if query.descendants else COLLECTION
    composites = [each for each in defined.composites if (each.group, each.scope) == (query.collection, scope)]
    if not query.collection:
        return None
    for leaves in _disjuncts(query.filter):
        need = _need_of(leaves, query, aggregated)
        if query.nearest is not None:
            found = _missing_vector(query, scope, need, composites)
        else:
            found = _missing(query.collection, scope, need, composites, defined)
        if found is not None:
            return found
    return None


def chosen(query: Query, aggregated: Iterable[FieldPath] = ()) -> list[tuple[IndexField, ...]]:
    """Return the fields of the indexes that serve a query, each once.

    What is only compared for equality is found in the indexes of its single fields, merged; an order needs one index.
    """
    found: dict[tuple[IndexField, ...], None] = {}
    for leaves in _disjuncts(query.filter):
        need = _need_of(leaves, query, aggregated)
        name = IndexField(NAME, need.names)
        equal = sorted(need.equal, key=lambda field: (field.mode != CONTAINS, field.path))
        if query.nearest is not None:
            vector = IndexField(write_path(query.nearest.path), VECTOR)
            found[*equal, *need.orders, IndexField(NAME, ASCENDING), vector] = None
        elif need.orders or not equal:
            found[*equal, *need.orders, name] = None
        else:
            found.update({(each, name): None for each in equal})
    return list(found)


def _disjuncts(found: Filter | None) -> Iterator[tuple[Leaf, ...]]:
    """Yield the conjunctions of a filter's disjunctive normal form."""
    if found is None:
        yield ()
    elif isinstance(found, Leaf):
        yield (found,)
    elif not found.every:
        for part in found.parts:
            yield from _disjuncts(part)
    else:
        assert isinstance(found, Group)
        for parts in product(*(tuple(_disjuncts(part)) for part in found.parts)):
            yield tuple(leaf for part in parts for leaf in part)


def _need_of(leaves: Iterable[Leaf], query: Query, aggregated: Iterable[FieldPath]) -> _Need:
    equal = set()
    constant = set()
    for leaf in leaves:
        if leaf.path == NAME_PATH:
            continue
        if leaf.operator in _EQUAL:
            equal.add(IndexField(write_path(leaf.path), ASCENDING))
            constant.add(leaf.path)
        elif leaf.operator in _ARRAYS:
            equal.add(IndexField(write_path(leaf.path), CONTAINS))
    orders = []
    names = ASCENDING
    for order in query.orders:
        direction = DESCENDING if order.descending else ASCENDING
        if order.path == NAME_PATH:
            names = direction
        elif order.path not in constant:
            orders.append(IndexField(write_path(order.path), direction))
    ordered = {each.path for each in orders} | {write_path(each) for each in constant}
    orders += [IndexField(path, names) for each in aggregated if (path := write_path(each)) not in ordered]
    return _Need(frozenset(equal), tuple(orders), names)


def _missing(
    group: str, scope: str, need: _Need, composites: Sequence[Definition], defined: Defined
) -> Definition | None:
    """Return what a conjunction needs and hasn't."""
    if not need.equal and not need.orders:
        return None
    served: set[IndexField] = set()
    is_ordered = not need.orders
    for each in composites:
        part = _part_served(each, need)
        if part is not None:
            served |= part
            is_ordered = True
    if not need.orders:
        served |= {each for each in need.equal if defined.has_single(group, scope, each)}
    elif len(need.orders) == 1 and not is_ordered:
        is_ordered = defined.has_single(group, scope, need.orders[0])
    if is_ordered and served >= need.equal:
        return None
    fields = [*sorted(need.equal, key=lambda field: (field.mode != CONTAINS, field.path)), *need.orders]
    if len(fields) == 1:
        return Definition(group, scope, tuple(fields))
    return Definition(group, scope, (*fields, IndexField(NAME, need.names)))


def _part_served(definition: Definition, need: _Need) -> set[IndexField] | None:
    """Return which comparisons a composite index serves; None if its order isn't the one that is needed."""
    fields = list(definition.fields)
    if fields[-1] != IndexField(NAME, need.names):
        return None
    del fields[-1]
    split = len(fields) - len(need.orders)
    if split < 0 or tuple(fields[split:]) != need.orders:
        return None
    # Whether it is ascending or descending doesn't matter of what is equal.
    served = {IndexField(each.path, CONTAINS if each.mode == CONTAINS else ASCENDING) for each in fields[:split]}
    return served if served <= need.equal else None


def _missing_vector(query: Query, scope: str, need: _Need, composites: Sequence[Definition]) -> Definition | None:
    assert query.nearest is not None
    vector = IndexField(write_path(query.nearest.path), VECTOR, len(query.nearest.vector))
    for each in composites:
        others = {
            IndexField(field.path, CONTAINS if field.mode == CONTAINS else ASCENDING)
            for field in each.fields[:-1]
            if field.path != NAME
        }
        if each.fields[-1] == vector and others == need.equal | set(need.orders):
            return None
    fields = sorted(need.equal | set(need.orders), key=lambda field: field.path)
    return Definition(query.collection, scope, (*fields, IndexField(NAME, ASCENDING), vector))
