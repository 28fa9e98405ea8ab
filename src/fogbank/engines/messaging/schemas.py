"""Schemas of messages, in revisions; what they say is for dialects to read. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging.errors import SchemaExistsError, SchemaFullError, SchemaNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Row, Tx

REVISIONS_MAX: Final = 20
_COLUMNS: Final = "scope, name, number, revision, kind, definition, created_us"


class Schema(NamedTuple):
    """A revision of a schema; `number` counts revisions from 1."""

    scope: str
    name: str
    number: int
    revision: str
    kind: str
    definition: str
    created_us: int


def _schema(row: Row) -> Schema:
    return Schema(*row)


async def create(tx: Tx, now_us: int, name: Name, revision: str, kind: str, definition: str) -> Schema:
    """Create a schema with its first revision; raises `SchemaExistsError`."""
    if await tx.one("SELECT 1 FROM message_schema WHERE scope = $1 AND name = $2", *name) is not None:
        raise SchemaExistsError(name[1])
    return await _add(tx, Schema(*name, 1, revision, kind, definition, now_us))


async def commit(tx: Tx, now_us: int, name: Name, revision: str, kind: str, definition: str) -> Schema:
    """Add a revision; raises `SchemaNotFoundError`, `SchemaFullError`."""
    there = await revisions(tx, now_us, name)
    if len(there) >= REVISIONS_MAX:
        raise SchemaFullError(name[1])
    return await _add(tx, Schema(*name, there[0].number + 1, revision, kind, definition, now_us))


async def _add(tx: Tx, schema: Schema) -> Schema:
    await tx.run(f"INSERT INTO message_schema ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)", *schema)
    return schema


async def find(tx: Tx, now_us: int, name: Name, revision: str = "") -> Schema:
    """Return a revision of a schema, the newest if none is named; raises `SchemaNotFoundError`."""
    for schema in await revisions(tx, now_us, name):
        if revision in ("", schema.revision):
            return schema
    raise SchemaNotFoundError(name[1])


async def revisions(tx: Tx, _now_us: int, name: Name) -> list[Schema]:
    """Return a schema's revisions, the newest first; raises `SchemaNotFoundError`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM message_schema WHERE scope = $1 AND name = $2 ORDER BY number DESC", *name
    )
    if not rows:
        raise SchemaNotFoundError(name[1])
    return [_schema(row) for row in rows]


async def list_schemas(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[Schema]:
    """Return the newest revisions of a scope's schemas in the order of their names."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM message_schema WHERE scope = $1 AND name > $2 AND number ="
        " (SELECT MAX(number) FROM message_schema AS other WHERE other.scope = message_schema.scope"
        " AND other.name = message_schema.name) ORDER BY name LIMIT $3",
        scope,
        after,
        limit,
    )
    return [_schema(row) for row in rows]


async def delete(tx: Tx, now_us: int, name: Name) -> None:
    """Delete a schema with all its revisions; raises `SchemaNotFoundError`."""
    await revisions(tx, now_us, name)
    await tx.run("DELETE FROM message_schema WHERE scope = $1 AND name = $2", *name)


async def delete_revision(tx: Tx, now_us: int, name: Name, revision: str) -> bool:
    """Delete a revision; False if it is the only one. Raises `SchemaNotFoundError`."""
    schema = await find(tx, now_us, name, revision)
    if len(await revisions(tx, now_us, name)) == 1:
        return False
    await tx.run("DELETE FROM message_schema WHERE scope = $1 AND name = $2 AND number = $3", *name, schema.number)
    return True
