"""Log groups by name: create, find, list, change, delete, expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.telemetry.errors import LogGroupNotFoundError, LogGroupProtectedError
from fogbank.engines.telemetry.model import LogGroup, LogGroupConfig, Name, decode_config, encode_config
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.storage import Row, Tx

DROPPED_PER_OPERATION_MAX: Final = 1_000
LISTED_AT_ONCE: Final = 1_000
_COLUMNS: Final = "scope, name, id, config, created_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM log_group WHERE scope = $1 AND name = $2"


def _group(row: Row) -> LogGroup:
    scope, name, number, config, created_us = row
    return LogGroup(scope, name, number, decode_config(bytes(config)), created_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: LogGroupConfig) -> tuple[LogGroup, bool]:
    """Create a group, or return the one of that name as it is; the flag says whether it is new."""
    made = await tx.run(
        "INSERT INTO log_group (scope, name, id, config, created_us) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode_config(config),
        now_us,
    )
    return await find(tx, now_us, name), bool(made)


async def find(tx: Tx, _now_us: int, name: Name) -> LogGroup:
    """Return a group, or raise `LogGroupNotFoundError`."""
    row = await tx.one(_FIND, *name)
    if row is None:
        raise LogGroupNotFoundError(name[1])
    return _group(row)


async def list_groups(
    tx: Tx, _now_us: int, scope: str, prefix: str, part: str, after: str, limit: int
) -> list[LogGroup]:
    """Return groups of a scope in the order of their names, those that follow `after`.

    Their names begin with `prefix` and contain `part`; looking for a part reads all names, so it is a scan.
    """
    found: list[LogGroup] = []
    while len(found) < limit:
        rows = await tx.all(
            f"SELECT {_COLUMNS} FROM log_group WHERE scope = $1 AND name > $2 AND name >= $3 ORDER BY name LIMIT $4",
            scope,
            after,
            prefix,
            LISTED_AT_ONCE if part else limit,
        )
        groups = [group for group in map(_group, rows) if group.name.startswith(prefix)]
        found += [group for group in groups if part in group.name]
        if not part or len(groups) < LISTED_AT_ONCE:
            break
        after = groups[-1].name
    return found[:limit]


async def sizes(tx: Tx, _now_us: int, groups: Sequence[LogGroup]) -> list[int]:
    """Return the bytes that each group's entries count for; reads all their streams, so it is a scan."""
    found = []
    for group in groups:
        row = await tx.one("SELECT COALESCE(SUM(size), 0) FROM log_stream WHERE log_group = $1", group.id)
        assert row is not None
        found.append(int(row[0]))
    return found


async def update(tx: Tx, _now_us: int, name: Name, change: Callable[[LogGroupConfig], LogGroupConfig]) -> LogGroup:
    """Change a group's configuration; `change` may refuse by raising."""
    group = await _lock(tx, name)
    config = change(group.config)
    await tx.run("UPDATE log_group SET config = $1 WHERE id = $2", encode_config(config), group.id)
    return group._replace(config=config)


async def delete(tx: Tx, _now_us: int, name: Name) -> None:
    """Remove a group; what is in it is removed in the background. Raises `LogGroupProtectedError`."""
    group = await _lock(tx, name)
    if group.config.protected:
        raise LogGroupProtectedError(name[1])
    await tx.run("DELETE FROM log_group WHERE id = $1", group.id)
    await tx.run("INSERT INTO discarded_log (log_group, stream) VALUES ($1, 0)", group.id)


async def empty_discarded(tx: Tx, _now_us: int) -> bool:
    """Remove some of what deleted groups and streams left behind; True once nothing is left."""
    row = await tx.one("SELECT log_group, stream FROM discarded_log LIMIT 1")
    if row is None:
        return True
    group, stream = row
    # Streams go first: an entry that is being added holds its stream's row, and so is seen afterwards.
    if stream == 0 and await _drop(tx, "log_stream", "log_group, name", "log_group", group):
        return False
    column, number = ("stream", stream) if stream else ("log_group", group)
    if not await _drop(tx, "log_entry", "log_group, at_us, id", column, number):
        await tx.run("DELETE FROM discarded_log WHERE log_group = $1 AND stream = $2", group, stream)
    return False


async def expired_groups(tx: Tx, now_us: int) -> list[LogGroup]:
    """Return the groups that hold entries older than their retention; reads all groups, so it is a scan."""
    found = []
    for group in map(_group, await tx.all(f"SELECT {_COLUMNS} FROM log_group")):
        if group.config.retention_seconds:
            until_us = oldest_us(group, now_us)
            expired = "SELECT id FROM log_entry WHERE log_group = $1 AND at_us < $2 LIMIT 1"
            if await tx.one(expired, group.id, until_us) is not None:
                found.append(group)
    return found


async def expire(tx: Tx, now_us: int, group: LogGroup) -> bool:
    """Remove some of a group's entries that are older than its retention; True once none is left."""
    rows = await tx.all(
        "DELETE FROM log_entry WHERE (log_group, at_us, id) IN (SELECT log_group, at_us, id FROM log_entry"
        " WHERE log_group = $1 AND at_us < $2 LIMIT $3) RETURNING stream, length(content)",
        group.id,
        oldest_us(group, now_us),
        DROPPED_PER_OPERATION_MAX,
    )
    freed: dict[int, int] = {}
    for stream, size in rows:
        freed[stream] = freed.get(stream, 0) + size
    await tx.many("UPDATE log_stream SET size = size - $1 WHERE id = $2", [(freed[key], key) for key in sorted(freed)])
    return len(rows) < DROPPED_PER_OPERATION_MAX


def oldest_us(group: LogGroup, now_us: int) -> int:
    """Return the time before which the group's entries count as gone."""
    retention_us = group.config.retention_seconds * SECOND_US
    return now_us - retention_us if retention_us else 0


async def _lock(tx: Tx, name: Name) -> LogGroup:
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise LogGroupNotFoundError(name[1])
    return _group(row)


async def _drop(tx: Tx, table: str, key: str, column: str, number: int) -> bool:
    """Remove some rows of a table; False if there were none."""
    chosen = f"SELECT {key} FROM {table} WHERE {column} = $1 LIMIT $2"
    dropped = await tx.run(f"DELETE FROM {table} WHERE ({key}) IN ({chosen})", number, DROPPED_PER_OPERATION_MAX)
    return dropped > 0
