"""Streams of log groups: create, find, list, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.telemetry import groups
from fogbank.engines.telemetry.errors import LogStreamNotFoundError
from fogbank.engines.telemetry.model import LogStream

if TYPE_CHECKING:
    from fogbank.engines.telemetry.model import Name
    from fogbank.storage import Row, Tx

# Names begin with nothing greater.
_LAST: Final = "\U0010ffff"
_COLUMNS: Final = (
    "name, id, created_us, (SELECT MIN(at_us) FROM log_entry WHERE stream = log_stream.id), last_us, ingested_us"
)


async def create(tx: Tx, now_us: int, group: Name, name: str, number: int) -> bool:
    """Create a stream; False if there is one of that name. Raises `LogGroupNotFoundError`."""
    owner = await groups.find(tx, now_us, group)
    return await add(tx, now_us, owner.id, name, number)


async def add(tx: Tx, now_us: int, group: int, name: str, number: int) -> bool:
    """Create a stream of a group that was found in the same transaction; False if there is one of that name."""
    made = await tx.run(
        "INSERT INTO log_stream (log_group, name, id, created_us, last_us, ingested_us, size)"
        " VALUES ($1, $2, $3, $4, 0, 0, 0) ON CONFLICT (log_group, name) DO NOTHING",
        group,
        name,
        number,
        now_us,
    )
    return bool(made)


async def list_by_name(
    tx: Tx, now_us: int, group: Name, prefix: str, after: str | None, limit: int, *, descending: bool = False
) -> list[LogStream]:
    """Return streams whose names begin with `prefix`, in the order of their names, those that follow `after`."""
    owner = await groups.find(tx, now_us, group)
    if descending:
        start, compared, direction = prefix + _LAST if after is None else after, "<", "DESC"
    else:
        start, compared, direction = "" if after is None else after, ">", "ASC"
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM log_stream WHERE log_group = $1 AND name {compared} $2 AND name >= $3"
        f" ORDER BY name {direction} LIMIT $4",
        owner.id,
        start,
        prefix,
        limit,
    )
    return [stream for stream in map(_stream, rows) if stream.name.startswith(prefix)]


async def list_by_time(
    tx: Tx, now_us: int, group: Name, after: tuple[int, str] | None, limit: int, *, descending: bool = False
) -> list[LogStream]:
    """Return streams in the order of their latest entries; reads all of the group's streams, so it is a scan."""
    owner = await groups.find(tx, now_us, group)
    compared, direction = ("<", "DESC") if descending else (">", "ASC")
    start = after or ((2**62, "") if descending else (-1, ""))
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM log_stream WHERE log_group = $1 AND (last_us, name) {compared} ($2, $3)"
        f" ORDER BY last_us {direction}, name {direction} LIMIT $4",
        owner.id,
        *start,
        limit,
    )
    return [_stream(row) for row in rows]


async def delete(tx: Tx, now_us: int, group: Name, name: str) -> None:
    """Remove a stream; its entries are removed in the background. Raises `LogStreamNotFoundError`."""
    owner = await groups.find(tx, now_us, group)
    row = await tx.one("DELETE FROM log_stream WHERE log_group = $1 AND name = $2 RETURNING id", owner.id, name)
    if row is None:
        raise LogStreamNotFoundError(name)
    await tx.run("INSERT INTO discarded_log (log_group, stream) VALUES ($1, $2)", owner.id, row[0])


def _stream(row: Row) -> LogStream:
    name, number, created_us, first_us, last_us, ingested_us = row
    return LogStream(name, number, created_us, first_us or 0, last_us, ingested_us)
