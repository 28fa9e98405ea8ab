"""Firestore's values, paths and queries as rules see them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, read_path, write_path
from fogbank.clouds.gcp.firestore.shape import message_of, path_of
from fogbank.languages.security_rules.unknown import Fact
from fogbank.languages.security_rules.values import SECOND_NS, LatLng, Path, Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.engines.documents.model import Document
    from fogbank.languages.security_rules.values import Value

_OPERATORS: Final = {
    1: "<", 2: "<=", 3: ">", 4: ">=", 5: "==", 6: "!=", 7: "array-contains", 8: "in", 9: "array-contains-any",
    10: "not-in",
}  # fmt: skip
_LISTS: Final = {"in", "not-in", "array-contains-any"}
_OR: Final = 2
_IS_NULL: Final = 3
_IS_NOT_NULL: Final = 5


def root_of(database: Database) -> tuple[str, ...]:
    """Return what the paths of a database's documents begin with."""
    return ("databases", database.id, "documents")


def show_document(database: Database, document: Document | None) -> Value:
    """Return a document as `resource`: null for none."""
    if document is None:
        return None
    return show_resource(database, path_of(document), show_fields(message_of(document).fields))


def show_resource(database: Database, relative: str, data: dict[str, Value]) -> dict[str, Value]:
    """Return a document of that path as `resource`."""
    segments = relative.split("/")
    return {"data": data, "id": segments[-1], "__name__": Path((*root_of(database), *segments))}


def show_fields(fields: Any) -> dict[str, Value]:
    """Return a map of fields."""
    return {name: show_value(value) for name, value in fields.items()}


def show_value(value: Any) -> Value:
    """Return a value."""
    kind = value.WhichOneof("value_type")
    if kind == "map_value":
        return show_fields(value.map_value.fields)
    if kind == "array_value":
        return [show_value(each) for each in value.array_value.values]
    if kind == "timestamp_value":
        return Timestamp(value.timestamp_value.seconds * SECOND_NS + value.timestamp_value.nanos)
    if kind == "geo_point_value":
        return LatLng(value.geo_point_value.latitude, value.geo_point_value.longitude)
    if kind == "reference_value":
        # Without the project.
        return Path(tuple(value.reference_value.split("/")[2:]))
    return None if kind in {"null_value", None} else getattr(value, kind)


def facts_of(message: Any, query: Query) -> list[list[Fact]]:
    """Return what a `StructuredQuery` says of what it finds: one list for each conjunction of its normal form."""
    there = [Fact(order.path, "there", ()) for order in query.orders if order.path != NAME_PATH]
    if not message.HasField("where"):
        return [there]
    return [[*facts, *there] for facts in _conjunctions(message.where)]


def _conjunctions(message: Any) -> Iterator[list[Fact]]:
    kind = message.WhichOneof("filter_type")
    if kind == "composite_filter":
        parts = [list(_conjunctions(each)) for each in message.composite_filter.filters]
        if message.composite_filter.op == _OR:
            for each in parts:
                yield from each
        else:
            for chosen in product(*parts):
                yield [fact for facts in chosen for fact in facts]
    elif kind == "unary_filter":
        path = read_path(message.unary_filter.field.field_path)
        operator = {_IS_NULL: "==", _IS_NOT_NULL: "!="}.get(message.unary_filter.op)
        yield [Fact(path, "there", ()) if operator is None else Fact(path, operator, (None,))]
    else:
        given = message.field_filter
        operator = _OPERATORS[given.op]
        values = given.value.array_value.values if operator in _LISTS else [given.value]
        yield [Fact(read_path(given.field.field_path), operator, tuple(show_value(each) for each in values))]


def show_query(query: Query) -> dict[str, Value]:
    """Return a query as `request.query`."""
    orders = [f"{write_path(each.path)} {'DESC' if each.descending else 'ASC'}" for each in query.orders]
    return {"limit": query.limit, "offset": query.offset, "orderBy": ", ".join(orders)}
