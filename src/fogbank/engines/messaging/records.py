"""Records: what belongs to messaging and no policy reads, such as rules, archives and connections.

A record is found by its scope, its kind and its name; its body is in its service's own words. All are store
operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging.errors import RecordExistsError, RecordNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

_COLUMNS: Final = "scope, kind, name, id, body, created_us, modified_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM messaging_record WHERE scope = $1 AND kind = $2 AND name = $3"
EVERY: Final = 1_000_000


class Record(NamedTuple):
    """A record as stored."""

    scope: str
    kind: str
    name: str
    id: int
    body: bytes
    created_us: int
    modified_us: int


def _record(row: Row) -> Record:
    scope, kind, name, number, body, created_us, modified_us = row
    return Record(scope, kind, name, number, bytes(body), created_us, modified_us)


async def add(tx: Tx, now_us: int, scope: str, kind: str, name: str, number: int, body: bytes) -> Record:
    """Keep a record; raises `RecordExistsError`."""
    made = await tx.run(
        f"INSERT INTO messaging_record ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $6)"
        " ON CONFLICT (scope, kind, name) DO NOTHING",
        scope,
        kind,
        name,
        number,
        body,
        now_us,
    )
    if not made:
        raise RecordExistsError(kind, name)
    return Record(scope, kind, name, number, body, now_us, now_us)


async def find(tx: Tx, _now_us: int, scope: str, kind: str, name: str) -> Record:
    """Return a record, or raise `RecordNotFoundError`."""
    row = await tx.one(_FIND, scope, kind, name)
    if row is None:
        raise RecordNotFoundError(kind, name)
    return _record(row)


async def update(tx: Tx, now_us: int, scope: str, kind: str, name: str, change: Callable[[Record], bytes]) -> Record:
    """Change a record's body; `change` may refuse by raising."""
    row = await tx.one(f"{_FIND} FOR UPDATE", scope, kind, name)
    if row is None:
        raise RecordNotFoundError(kind, name)
    record = _record(row)
    body = change(record)
    await tx.run(
        "UPDATE messaging_record SET body = $1, modified_us = $2 WHERE scope = $3 AND kind = $4 AND name = $5",
        body,
        now_us,
        scope,
        kind,
        name,
    )
    return record._replace(body=body, modified_us=now_us)


async def delete(tx: Tx, _now_us: int, scope: str, kind: str, name: str) -> bool:
    """Forget a record; False if there is none."""
    return bool(
        await tx.run("DELETE FROM messaging_record WHERE scope = $1 AND kind = $2 AND name = $3", scope, kind, name)
    )


async def list_records(
    tx: Tx, _now_us: int, scope: str, kind: str, prefix: str = "", after: str = "", limit: int = EVERY
) -> list[Record]:
    """Return records of a kind in the order of their names, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM messaging_record WHERE scope = $1 AND kind = $2 AND name > $3 AND name >= $4"
        " ORDER BY name LIMIT $5",
        scope,
        kind,
        after,
        prefix,
        limit,
    )
    return [record for record in map(_record, rows) if record.name.startswith(prefix)]


async def every_record(tx: Tx, _now_us: int, kind: str) -> list[Record]:
    """Return the records of a kind in all scopes."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM messaging_record WHERE kind = $1 ORDER BY scope, name", kind)
    return [_record(row) for row in rows]


async def count(tx: Tx, _now_us: int, scope: str, kind: str) -> int:
    """Count the records of a kind."""
    row = await tx.one("SELECT COUNT(*) FROM messaging_record WHERE scope = $1 AND kind = $2", scope, kind)
    return 0 if row is None else int(row[0])


async def delete_all(tx: Tx, _now_us: int, scope: str, kind: str) -> None:
    """Forget all records of a kind."""
    await tx.run("DELETE FROM messaging_record WHERE scope = $1 AND kind = $2", scope, kind)
