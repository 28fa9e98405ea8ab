"""Databases: google.firestore.admin.v1.FirestoreAdmin's methods that create, list, change and delete them.

A database is there with its first write, too; `(default)` is there by itself. What is asked for is done when the
operation is returned, which is over.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.firestore.admin import fields, indexes
from fogbank.clouds.gcp.firestore.admin.resources import DEFAULT, PACKAGE, finish
from fogbank.clouds.gcp.firestore.admin.resources import missing as _missing
from fogbank.clouds.gcp.firestore.concurrency import FACTS, OPTIMISTIC, PESSIMISTIC, read_facts
from fogbank.clouds.gcp.firestore.indexing import definitions
from fogbank.clouds.gcp.firestore.names import Database, read_database, scope_of
from fogbank.clouds.gcp.firestore.rules import keeping
from fogbank.clouds.gcp.firestore.service import create_database as create_database_unless_there
from fogbank.clouds.gcp.firestore.service import find, set_time
from fogbank.clouds.gcp.firestore.shape import HISTORY_SECONDS, configuration, feed_of
from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.engines.documents import collections, history
from fogbank.engines.documents.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    CollectionProtectedError,
)
from fogbank.engines.documents.model import Collection
from fogbank.wire.grpc.service import Service
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.documents.model import CollectionConfig
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

LOCATION: Final = "nam5"
DATABASES_MAX: Final = 1_000
_PARENT: Final = re.compile(r"projects/([^/]+)")
# Google Cloud, "CreateDatabaseRequest.database_id": 4 to 63 letters, digits and hyphens; not like a UUID.
_ID: Final = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")
_NATIVE: Final = 1
_DISABLED: Final = 2
_DELETE_UNPROTECTED: Final = 1
_DELETE_PROTECTED: Final = 2
_STANDARD: Final = 1
_SUPPORTED: Final = {
    "name": None,
    "location_id": None,
    "type": None,
    "concurrency_mode": None,
    "delete_protection_state": None,
    "point_in_time_recovery_enablement": None,
    "app_engine_integration_mode": None,
    "database_edition": None,
    "etag": None,
}
# What there is of each setting, the default first; 0 is for what isn't said.
_VALUES: Final = {
    "type": (_NATIVE,),
    "concurrency_mode": (PESSIMISTIC, OPTIMISTIC),
    "point_in_time_recovery_enablement": (_DISABLED,),
    "app_engine_integration_mode": (_DISABLED,),
    "database_edition": (_STANDARD,),
    "delete_protection_state": (_DELETE_UNPROTECTED, _DELETE_PROTECTED),
}
_MUTABLE: Final = ("delete_protection_state", "concurrency_mode")


def admin_service(parts: Parts) -> Service:
    """Return the service."""
    functions = {
        "CreateDatabase": create_database,
        "GetDatabase": get_database,
        "ListDatabases": list_databases,
        "UpdateDatabase": update_database,
        "DeleteDatabase": delete_database,
        "CreateIndex": indexes.create_index,
        "GetIndex": indexes.get_index,
        "ListIndexes": indexes.list_indexes,
        "DeleteIndex": indexes.delete_index,
        "GetField": fields.get_field,
        "ListFields": fields.list_fields,
        "UpdateField": fields.update_field,
    }
    return Service(f"{PACKAGE}.FirestoreAdmin", parts, functions, _word)


def _word(error: Exception) -> GrpcError | None:
    if isinstance(error, CollectionProtectedError):
        message = "Database can't be deleted while delete protection is enabled. Update database and try again."
        return GrpcError(Code.FAILED_PRECONDITION, message)
    return None


async def create_database(parts: Parts, _call: Call, request: Any) -> Any:
    """Create a database."""
    match = _PARENT.fullmatch(request.parent)
    if match is None:
        raise invalid("parent", f"Invalid parent {request.parent!r}; it must be projects/PROJECT.")
    if not _ID.fullmatch(request.database_id):
        raise invalid("database_id", f"Invalid database_id {request.database_id!r}.")
    database = read_database(f"projects/{match[1]}/databases/{request.database_id}")
    given = request.database
    refuse_unsupported(given, _SUPPORTED, "database")
    _check(given)
    if not given.location_id:
        raise invalid("database.location_id", "database.location_id is required.")
    number, index = parts.ids.sequences(2)
    given.uid = parts.ids.uuid()
    config = _configured(configuration(database, index), given)
    try:
        made = await parts.store.run(collections.create, database, number, config)
    except CollectionExistsError:
        raise GrpcError(Code.ALREADY_EXISTS, "Database already exists. Please use another database_id") from None
    return await _operation(parts, database, "Create", show(parts, made))


def _check(message: Any) -> None:
    for field, values in _VALUES.items():
        if getattr(message, field) not in {0, *values}:
            kind = message.DESCRIPTOR.fields_by_name[field].enum_type
            raise unsupported(f"database.{field} {kind.values_by_number[getattr(message, field)].name}")


def _configured(config: CollectionConfig, message: Any) -> CollectionConfig:
    """Return a configuration that keeps a database as the API has it."""
    message.ClearField("etag")
    facts = b64encode(message.SerializeToString(deterministic=True)).decode()
    is_protected = message.delete_protection_state == _DELETE_PROTECTED
    return msgspec.structs.replace(config, protected=is_protected, labels={**config.labels, FACTS: facts})


def show(parts: Parts, collection: Collection) -> Any:
    """Return a database as the API shows it."""
    message = _described(Database(collection.scope, collection.name), collection.config)
    set_time(message.create_time, collection.created_us)
    set_time(message.update_time, collection.created_us)
    return message


def _described(database: Database, config: CollectionConfig) -> Any:
    """Return what a database is, with the checksum of that."""
    message = read_facts(config.labels.get(FACTS, ""))
    message.name = database.name
    message.location_id = message.location_id or LOCATION
    for field, values in _VALUES.items():
        if not getattr(message, field):
            setattr(message, field, values[0])
    message.version_retention_period.seconds = HISTORY_SECONDS
    message.etag = b64encode(sha256(message.SerializeToString(deterministic=True)).digest()[:12]).decode()
    return message


def _check_etag(etag: str, database: Database, config: CollectionConfig) -> None:
    """Raise the error for a client that knows an earlier state (`DeleteDatabaseRequest.etag`, `Database.etag`)."""
    if etag and etag != _described(database, config).etag:
        raise GrpcError(Code.FAILED_PRECONDITION, f"The etag of {database.name} does not match the one that was sent.")


async def get_database(parts: Parts, _call: Call, request: Any) -> Any:
    """Return a database."""
    database = read_database(request.name)
    found = await parts.store.read(find, database)
    if found is None:
        if database.id != DEFAULT:
            raise _missing(database)
        found = _default(parts, database)
    return show(parts, found)


def _default(parts: Parts, database: Database) -> Collection:
    """Return the database that is there by itself, as it is before its first write."""
    return Collection(*database, 0, configuration(database, 0), parts.clock.now())


async def list_databases(parts: Parts, _call: Call, request: Any) -> Any:
    """List a project's databases, all at once as the API does."""
    match = _PARENT.fullmatch(request.parent)
    if match is None:
        raise invalid("parent", f"Invalid parent {request.parent!r}; it must be projects/PROJECT.")
    scope = scope_of(match[1])

    async def every(tx: Tx, now_us: int) -> list[Collection]:
        names = await collections.list_names(tx, now_us, scope, "", DATABASES_MAX)
        return [await collections.find(tx, now_us, (scope, name)) for name in names]

    response = parts.types.message(f"{PACKAGE}.ListDatabasesResponse")()
    found = await parts.store.read(every)
    if not any(each.name == DEFAULT for each in found):
        found.insert(0, _default(parts, Database(scope, DEFAULT)))
    response.databases.extend(show(parts, each) for each in found)
    return response


async def update_database(parts: Parts, _call: Call, request: Any) -> Any:
    """Change what the mask names: whether a database is protected, and how transactions meet others in it."""
    database = read_database(request.database.name)
    refuse_unsupported(request.database, {**_SUPPORTED, "uid": None, "create_time": None, "update_time": None,
                                          "version_retention_period": None}, "database")  # fmt: skip
    _check(request.database)

    def change(config: CollectionConfig) -> CollectionConfig:
        _check_etag(request.database.etag, database, config)
        message = read_facts(config.labels.get(FACTS, ""))
        if request.HasField("update_mask"):
            merge(message, request.database, request.update_mask, _MUTABLE)
        else:
            for field in _MUTABLE:
                setattr(message, field, getattr(request.database, field) or getattr(message, field))
        return _configured(config, message)

    if database.id == DEFAULT:
        # It is there by itself.
        await create_database_unless_there(parts.store, parts.ids, database)
    try:
        changed = await parts.store.run(collections.update, database, change)
    except CollectionNotFoundError:
        raise _missing(database) from None
    return await _operation(parts, database, "Update", show(parts, changed))


async def delete_database(parts: Parts, _call: Call, request: Any) -> Any:
    """Delete a database; its documents are removed in the background."""
    database = read_database(request.name)

    async def delete(tx: Tx, now_us: int) -> Collection:
        gone = await collections.find(tx, now_us, database)
        _check_etag(request.etag, database, gone.config)
        latest = await collections.latest(tx, now_us, gone)
        await collections.delete(tx, now_us, database)
        await history.tell_cleared(tx, now_us, feed_of(database), latest + 1)
        await definitions.forget(tx, now_us, database)
        await keeping.forget(tx, now_us, database)
        return gone

    try:
        gone = await parts.store.run(delete)
    except CollectionNotFoundError:
        raise _missing(database) from None
    return await _operation(parts, database, "Delete", show(parts, gone))


async def _operation(parts: Parts, database: Database, verb: str, response: Any) -> Any:
    metadata = parts.types.message(f"{PACKAGE}.{verb}DatabaseMetadata")()
    return await finish(parts, database, metadata, response)
