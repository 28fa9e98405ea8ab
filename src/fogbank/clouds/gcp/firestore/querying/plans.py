"""Queries, understood: which documents fit, in which order, and from where to where.

Google Cloud, "Order and limit data" (https://cloud.google.com/firestore/docs/query-data/order-limit-data) and
`StructuredQuery.order_by` of google/firestore/v1/query.proto: fields with inequalities are ordered by after those that
are named, then names; a document without a field that is ordered by isn't found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, read_path, write_path
from fogbank.clouds.gcp.firestore.names import check_collection
from fogbank.clouds.gcp.firestore.order import encode
from fogbank.clouds.gcp.firestore.querying.filters import (
    INEQUALITIES,
    check,
    check_reference,
    leaves,
    read_filter,
)
from fogbank.clouds.gcp.firestore.querying.nearest import read_nearest
from fogbank.clouds.gcp.firestore.service import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.names import Database, Place
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
    from fogbank.clouds.gcp.firestore.querying.filters import Filter
    from fogbank.clouds.gcp.firestore.querying.nearest import Nearest

_DESCENDING: Final = 2


class Order(NamedTuple):
    """A field that documents are ordered by."""

    path: FieldPath
    descending: bool


class Bound(NamedTuple):
    """Where results begin or end: a place in the order, just before it or just behind."""

    places: tuple[bytes, ...]
    before: bool


class Query(NamedTuple):
    """What a query asks for. `collection` is an id, empty for all collections; `limit` None for no limit."""

    parent: Place
    collection: str
    descendants: bool
    filter: Filter | None
    orders: tuple[Order, ...]
    start: Bound | None
    end: Bound | None
    offset: int
    limit: int | None
    select: tuple[FieldPath, ...] | None
    nearest: Nearest | None = None

    @property
    def database(self) -> Database:
        """The database that it is about."""
        return self.parent.database

    def holds(self, path: str) -> bool:
        """Tell whether a document's path is in the query's collections."""
        inside = self.parent.relative
        if inside and not path.startswith(f"{inside}/"):
            return False
        below = path[len(inside) + 1 :] if inside else path
        parts = below.split("/")
        if not self.descendants and len(parts) != 2:
            return False
        return not self.collection or parts[-2] == self.collection

    def fits(self, candidate: Candidate) -> bool:
        """Tell whether a document is among the results, limits aside."""
        if self.filter is not None and not self.filter.fits(candidate):
            return False
        for order in self.orders[:-1]:
            if candidate.place(order.path) is None:
                return False
        return self._is_within(candidate)

    def _is_within(self, candidate: Candidate) -> bool:
        if self.start is not None:
            compared = self._compare(candidate, self.start)
            if compared < 0 or (compared == 0 and not self.start.before):
                return False
        if self.end is not None:
            compared = self._compare(candidate, self.end)
            if compared > 0 or (compared == 0 and self.end.before):
                return False
        return True

    def _compare(self, candidate: Candidate, bound: Bound) -> int:
        for order, place in zip(self.orders, bound.places, strict=False):
            found = candidate.place(order.path)
            assert found is not None
            if found != place:
                return -1 if (found < place) is not order.descending else 1
        return 0

    def sort(self, found: list[Candidate]) -> list[Candidate]:
        """Put results in their order."""
        for order in reversed(self.orders):
            found.sort(key=lambda each, path=order.path: each.place(path) or b"", reverse=order.descending)  # type: ignore[misc]
        return found


def read_query(parent: Place, message: Any) -> Query:
    """Understand a `StructuredQuery`; raises `GrpcError`."""
    nearest = read_nearest(message.find_nearest) if message.HasField("find_nearest") else None
    root = parent.database.root
    collection, descendants = _source(message)
    found = read_filter(message.where, root) if message.HasField("where") else None
    check(found)
    orders = tuple(_orders(message.order_by, found))
    if message.offset < 0:
        raise invalid("offset is negative")
    limit = message.limit.value if message.HasField("limit") else None
    if limit is not None and limit < 0:
        raise invalid("limit is negative")
    select = None
    # `StructuredQuery.Projection.fields`: with none of them, all are returned.
    if message.select.fields:
        select = tuple(read_path(each.field_path) for each in message.select.fields)
    start = _bound(message.start_at, orders, root) if message.HasField("start_at") else None
    end = _bound(message.end_at, orders, root) if message.HasField("end_at") else None
    return Query(parent, collection, descendants, found, orders, start, end, message.offset, limit, select, nearest)


def _source(message: Any) -> tuple[str, bool]:
    if len(getattr(message, "from")) != 1:
        raise invalid("A query has exactly one collection selector in from.")
    (selector,) = getattr(message, "from")
    if selector.collection_id:
        check_collection(selector.collection_id)
    return selector.collection_id, selector.all_descendants


def _orders(given: Iterable[Any], found: Filter | None) -> list[Order]:
    named = []
    for each in given:
        path = read_path(each.field.field_path)
        if path in named:
            raise invalid(f"order by the property {write_path(path)} more than once")
        named.append(path)
    orders = [Order(path, each.direction == _DESCENDING) for path, each in zip(named, given, strict=True)]
    descending = bool(orders) and orders[-1].descending
    unequal = {each.path for each in leaves(found) if each.operator in INEQUALITIES}
    orders.extend(Order(path, descending) for path in sorted(unequal - {NAME_PATH, *named}))
    paths = [each.path for each in orders]
    if NAME_PATH not in paths:
        return [*orders, Order(NAME_PATH, descending)]
    behind = paths[paths.index(NAME_PATH) + 1 :]
    if behind:
        # Those that inequalities add are refused, too (https://github.com/firebase/flutterfire/issues/13289).
        raise invalid(f"Order by clause cannot contain more fields after the key {write_path(behind[0])}")
    return orders


def _bound(cursor: Any, orders: tuple[Order, ...], root: str) -> Bound | None:
    if not cursor.values:
        return None
    if len(cursor.values) > len(orders):
        raise invalid("Cursor has too many values.")
    for order, value in zip(orders, cursor.values, strict=False):
        if order.path == NAME_PATH:
            check_reference(value, root)
    return Bound(tuple(encode(each) for each in cursor.values), cursor.before)
