"""Definitions of indexes: composite ones, and what a field has in the place of the automatic ones.

Queries are answered from the automatic index, whatever is defined; definitions are kept so that they can be deployed,
listed, and held against queries (`checking`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.messaging import records
from fogbank.engines.messaging.errors import RecordNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.storage import Tx

ASCENDING: Final = "ASCENDING"
DESCENDING: Final = "DESCENDING"
CONTAINS: Final = "CONTAINS"
VECTOR: Final = "VECTOR"
COLLECTION: Final = "COLLECTION"
COLLECTION_GROUP: Final = "COLLECTION_GROUP"
# The group and the field that stand for all those that nothing is said of.
DEFAULT_GROUP: Final = "__default__"
ANY_FIELD: Final = "*"
# Of what queries would have needed, so much is kept for each database.
MISSING_MAX: Final = 500
_INDEX: Final = "firestore.index"
_FIELD: Final = "firestore.field"
_MISSING: Final = "firestore.missing-index"


class IndexField(msgspec.Struct, frozen=True, array_like=True):
    """A field of an index: its path, as it is written, and how it is indexed; vectors have a `dimension`."""

    path: str
    mode: str
    dimension: int = 0


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """An index: of which collection group, of one collection at a time or of the group (`scope`), of which fields.

    A composite one ends with `__name__`; one of a single field, which only overrides define, has that alone.
    """

    group: str
    scope: str
    fields: tuple[IndexField, ...]


class Override(msgspec.Struct, frozen=True, array_like=True):
    """The indexes of a single field, as scope and mode, in the place of the automatic ones."""

    group: str
    path: str
    indexes: tuple[tuple[str, str], ...]


AUTOMATIC: Final = Override(
    DEFAULT_GROUP, ANY_FIELD, ((COLLECTION, ASCENDING), (COLLECTION, DESCENDING), (COLLECTION, CONTAINS))
)
_definition: Final = msgspec.msgpack.Decoder(Definition).decode
_override: Final = msgspec.msgpack.Decoder(Override).decode


async def put_index(
    tx: Tx, now_us: int, database: Database, identifier: str, number: int, definition: Definition
) -> str | None:
    """Keep a definition; returns the id of the same one if there is one already, and does nothing then."""
    for known, each in await list_indexes(tx, now_us, database, definition.group):
        if each == definition:
            return known
    name = f"{database.id}/{definition.group}/{identifier}"
    await records.add(tx, now_us, database.scope, _INDEX, name, number, msgspec.msgpack.encode(definition))
    return None


async def find_index(tx: Tx, now_us: int, database: Database, group: str, identifier: str) -> Definition | None:
    """Return a definition."""
    try:
        found = await records.find(tx, now_us, database.scope, _INDEX, f"{database.id}/{group}/{identifier}")
    except RecordNotFoundError:
        return None
    return _definition(found.body)


async def list_indexes(tx: Tx, now_us: int, database: Database, group: str = "") -> list[tuple[str, Definition]]:
    """Return ids and definitions, of all collection groups or of one."""
    prefix = f"{database.id}/{group}/" if group else f"{database.id}/"
    found = await records.list_records(tx, now_us, database.scope, _INDEX, prefix)
    return [(each.name.rpartition("/")[2], _definition(each.body)) for each in found]


async def remove_index(tx: Tx, now_us: int, database: Database, group: str, identifier: str) -> bool:
    """Forget a definition; False if there is none."""
    return await records.delete(tx, now_us, database.scope, _INDEX, f"{database.id}/{group}/{identifier}")


async def put_override(tx: Tx, now_us: int, database: Database, number: int, override: Override) -> None:
    """Set the indexes of a field."""
    name = f"{database.id}/{override.group}/{override.path}"
    await records.delete(tx, now_us, database.scope, _FIELD, name)
    await records.add(tx, now_us, database.scope, _FIELD, name, number, msgspec.msgpack.encode(override))


async def find_override(tx: Tx, now_us: int, database: Database, group: str, path: str) -> Override | None:
    """Return what is set of a field; None if it has what it inherits."""
    try:
        found = await records.find(tx, now_us, database.scope, _FIELD, f"{database.id}/{group}/{path}")
    except RecordNotFoundError:
        return None
    return _override(found.body)


async def list_overrides(tx: Tx, now_us: int, database: Database, group: str = "") -> list[Override]:
    """Return what is set of fields, of all collection groups or of one."""
    prefix = f"{database.id}/{group}/" if group else f"{database.id}/"
    return [_override(each.body) for each in await records.list_records(tx, now_us, database.scope, _FIELD, prefix)]


async def remove_override(tx: Tx, now_us: int, database: Database, group: str, path: str) -> bool:
    """Let a field have what it inherits; False if it has."""
    return await records.delete(tx, now_us, database.scope, _FIELD, f"{database.id}/{group}/{path}")


async def note_missing(
    tx: Tx, now_us: int, database: Database, digest: str, number: int, definition: Definition
) -> None:
    """Take note of an index that a query would have needed; the digest is the definition's."""
    found = await records.list_records(tx, now_us, database.scope, _MISSING, f"{database.id}/")
    name = f"{database.id}/{digest}"
    if len(found) < MISSING_MAX and all(each.name != name for each in found):
        await records.add(tx, now_us, database.scope, _MISSING, name, number, msgspec.msgpack.encode(definition))


async def list_missing(tx: Tx, now_us: int, database: Database) -> list[Definition]:
    """Return what queries would have needed."""
    found = await records.list_records(tx, now_us, database.scope, _MISSING, f"{database.id}/")
    return [_definition(each.body) for each in found]


async def forget(tx: Tx, now_us: int, database: Database) -> None:
    """Forget all of a database that is deleted."""
    for kind in (_INDEX, _FIELD, _MISSING):
        for each in await records.list_records(tx, now_us, database.scope, kind, f"{database.id}/"):
            await records.delete(tx, now_us, database.scope, kind, each.name)
