"""Composite indexes: google.firestore.admin.v1.FirestoreAdmin's methods that define, list and remove them.

An index is ready as soon as it is defined: queries are answered from the automatic index.
Google Cloud, "Manage indexes" (https://cloud.google.com/firestore/docs/query-data/indexing).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.admin.resources import PACKAGE, check_there, finish, read_group, read_index
from fogbank.clouds.gcp.firestore.field_paths import NAME, read_path, write_path
from fogbank.clouds.gcp.firestore.indexing import definitions
from fogbank.clouds.gcp.firestore.indexing.definitions import (
    ASCENDING,
    CONTAINS,
    DESCENDING,
    VECTOR,
    Definition,
    IndexField,
)
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

INDEXES_MAX: Final = 1_000
FIELDS_MAX: Final = 100
DIMENSIONS_MAX: Final = 2_048
_SCOPES: Final = {1: definitions.COLLECTION, 2: definitions.COLLECTION_GROUP}
_SCOPE_NUMBERS: Final = {name: number for number, name in _SCOPES.items()}
_ORDERS: Final = {1: ASCENDING, 2: DESCENDING}
_ORDER_NUMBERS: Final = {name: number for number, name in _ORDERS.items()}
_READY: Final = 2
_FIELD: Final = {"field_path": None, "order": None, "array_config": None, "vector_config": None}
_SUPPORTED: Final = {"name": None, "query_scope": None, "fields": None, "state": None}


async def create_index(parts: Parts, _call: Call, request: Any) -> Any:
    """Define a composite index."""
    database, group = read_group(request.parent)
    if not group:
        raise invalid("parent", "An index belongs to one collection group.")
    await check_there(parts, database)
    definition = read_definition(group, request.index)
    identifier = draw_id(parts)
    number = parts.ids.sequence()

    async def create(tx: Tx, now_us: int) -> None:
        if len(await definitions.list_indexes(tx, now_us, database)) >= INDEXES_MAX:
            raise GrpcError(Code.FAILED_PRECONDITION, f"A database has at most {INDEXES_MAX} composite indexes.")
        if await definitions.put_index(tx, now_us, database, identifier, number, definition) is not None:
            raise GrpcError(Code.ALREADY_EXISTS, "index already exists")

    await parts.store.run(create)
    made = show(parts, database, identifier, definition)
    metadata = parts.types.message(f"{PACKAGE}.IndexOperationMetadata")(index=made.name)
    return await finish(parts, database, metadata, made)


def draw_id(parts: Parts) -> str:
    """Return an id for an index."""
    return urlsafe_b64encode(b"\x08\x80\x80" + parts.ids.bytes(6)).decode().rstrip("=")


def read_definition(group: str, message: Any) -> Definition:
    """Understand an index; raises `GrpcError`."""
    refuse_unsupported(message, _SUPPORTED, "index")
    scope = _SCOPES.get(message.query_scope)
    if scope is None:
        if message.query_scope:
            raise unsupported("index.query_scope COLLECTION_RECURSIVE, which is Datastore mode's")
        raise invalid("index.query_scope", "index.query_scope is required.")
    return complete(Definition(group, scope, tuple(_read_field(each) for each in message.fields)))


def _read_field(message: Any) -> IndexField:
    refuse_unsupported(message, _FIELD, "index.fields")
    path = write_path(read_path(message.field_path))
    kind = message.WhichOneof("value_mode")
    if kind == "array_config" and message.array_config == 1:
        return IndexField(path, CONTAINS)
    if kind == "vector_config":
        dimension = message.vector_config.dimension
        if not 1 <= dimension <= DIMENSIONS_MAX:
            raise invalid("index.fields", f"dimension must be from 1 to {DIMENSIONS_MAX}.")
        return IndexField(path, VECTOR, dimension)
    mode = _ORDERS.get(message.order) if kind == "order" else None
    if mode is None:
        raise invalid("index.fields", f"The field {path} has no order, no array_config and no vector_config.")
    return IndexField(path, mode)


def complete(definition: Definition) -> Definition:
    """Return a composite index with the order of names that it ends with; raises `GrpcError` for what is none."""
    fields = list(definition.fields)
    vectors = [each for each in fields if each.mode == VECTOR]
    if len({each.path for each in fields}) < len(fields):
        raise invalid("index.fields", "An index has a field once.")
    if len(fields) > FIELDS_MAX:
        raise invalid("index.fields", f"An index has at most {FIELDS_MAX} fields.")
    if sum(each.mode == CONTAINS for each in fields) > 1:
        raise invalid("index.fields", "An index has at most one array field.")
    if len(vectors) > 1 or (vectors and fields[-1].mode != VECTOR):
        raise invalid("index.fields", "An index has at most one vector field, which is its last.")
    named = [each for each in fields if each.path != NAME]
    if not vectors and len(named) < 2:
        raise invalid("index.fields", "this index is not necessary, configure using single field index controls")
    if all(each.path != NAME for each in fields):
        ordered = [each for each in fields if each.mode != VECTOR]
        last = DESCENDING if ordered and ordered[-1].mode == DESCENDING else ASCENDING
        fields = [*ordered, IndexField(NAME, last), *vectors]
    return Definition(definition.group, definition.scope, tuple(fields))


def show(parts: Parts, database: Database, identifier: str, definition: Definition) -> Any:
    """Return an index as the API shows it."""
    message = parts.types.message(f"{PACKAGE}.Index")()
    message.name = f"{database.name}/collectionGroups/{definition.group}/indexes/{identifier}"
    describe(message, definition.scope, definition.fields)
    message.state = _READY
    return message


def describe(message: Any, scope: str, fields: Iterable[IndexField]) -> None:
    """Set an index's scope and fields."""
    message.query_scope = _SCOPE_NUMBERS[scope]
    for each in fields:
        shown = message.fields.add(field_path=each.path)
        if each.mode == CONTAINS:
            shown.array_config = 1
        elif each.mode == VECTOR:
            shown.vector_config.dimension = each.dimension
            shown.vector_config.flat.SetInParent()
        else:
            shown.order = _ORDER_NUMBERS[each.mode]


async def get_index(parts: Parts, _call: Call, request: Any) -> Any:
    """Return an index."""
    database, group, identifier = read_index(request.name)
    found = await parts.store.read(definitions.find_index, database, group, identifier)
    if found is None:
        raise _missing(request.name)
    return show(parts, database, identifier, found)


def _missing(name: str) -> GrpcError:
    return GrpcError(Code.NOT_FOUND, f"No index found with name: {name}")


async def list_indexes(parts: Parts, _call: Call, request: Any) -> Any:
    """List the composite indexes of a collection group, or of all (`-`)."""
    database, group = read_group(request.parent)
    await check_there(parts, database)
    if request.filter:
        raise unsupported("filter in ListIndexes")
    found = await parts.store.read(definitions.list_indexes, database, group)
    keyed = [(f"{each.group}/{identifier}", (identifier, each)) for identifier, each in found]
    shown, token = page(keyed, request.page_size, request.page_token)
    response = parts.types.message(f"{PACKAGE}.ListIndexesResponse")(next_page_token=token)
    response.indexes.extend(show(parts, database, *each) for each in shown)
    return response


async def delete_index(parts: Parts, _call: Call, request: Any) -> Any:
    """Remove an index."""
    database, group, identifier = read_index(request.name)
    if not await parts.store.run(definitions.remove_index, database, group, identifier):
        raise _missing(request.name)
    return parts.types.message("google.protobuf.Empty")()
