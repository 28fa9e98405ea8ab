"""Snapshots of queues: which messages weren't acknowledged at a time, by the ids that their sender knows.

While a queue has a snapshot it retains what is acknowledged. All are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import SnapshotExistsError, SnapshotNotFoundError
from fogbank.engines.messaging.model import decode_message
from fogbank.storage.leasing import leased_queue, retained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.engines.messaging.model import Name, Queue, QueueConfig
    from fogbank.storage import Row, Tx

_COLUMNS: Final = "scope, name, id, queue, labels, created_us, expires_us"
_PAGE: Final = 1_000


class Snapshot(NamedTuple):
    """A snapshot; `queue` is the number of the queue that it was made of."""

    scope: str
    name: str
    id: int
    queue: int
    labels: dict[str, str]
    created_us: int
    expires_us: int


def _snapshot(row: Row) -> Snapshot:
    scope, name, number, queue, labels, created_us, expires_us = row
    decoded = msgspec.msgpack.decode(bytes(labels), type=dict[str, str])
    return Snapshot(scope, name, number, queue, decoded, created_us, expires_us)


async def create(
    tx: Tx, now_us: int, name: Name, number: int, queue: Name, labels: Mapping[str, str], expires_us: int
) -> Snapshot:
    """Remember what a queue holds unacknowledged; raises `SnapshotExistsError`, `QueueNotFoundError`."""

    def retain(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, retain_acked=True)

    found = await queues.update(tx, now_us, queue, retain)
    made = await tx.run(
        f"INSERT INTO queue_snapshot ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        found.id,
        msgspec.msgpack.encode(labels),
        now_us,
        expires_us,
    )
    if not made:
        raise SnapshotExistsError(name[1])
    unacknowledged = set(await retained.unacknowledged(tx, now_us, found.store))
    ids = await _message_ids(tx, now_us, found.store)
    await tx.many(
        "INSERT INTO queue_snapshot_message (snapshot, message) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(number, sender_id) for message, sender_id in ids.items() if message in unacknowledged],
    )
    return Snapshot(*name, number, found.id, dict(labels), now_us, expires_us)


async def find(tx: Tx, _now_us: int, name: Name) -> Snapshot:
    """Return a snapshot, or raise `SnapshotNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM queue_snapshot WHERE scope = $1 AND name = $2", *name)
    if row is None:
        raise SnapshotNotFoundError(name[1])
    return _snapshot(row)


async def list_snapshots(tx: Tx, _now_us: int, scope: str) -> list[Snapshot]:
    """Return a scope's snapshots in the order of their names."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM queue_snapshot WHERE scope = $1 ORDER BY name", scope)
    return [_snapshot(row) for row in rows]


async def update(tx: Tx, now_us: int, name: Name, change: Callable[[Snapshot], tuple[dict[str, str], int]]) -> Snapshot:
    """Change a snapshot's labels and when it expires."""
    snapshot = await find(tx, now_us, name)
    labels, expires_us = change(snapshot)
    await tx.run(
        "UPDATE queue_snapshot SET labels = $1, expires_us = $2 WHERE id = $3",
        msgspec.msgpack.encode(labels),
        expires_us,
        snapshot.id,
    )
    return snapshot._replace(labels=labels, expires_us=expires_us)


async def delete(tx: Tx, now_us: int, name: Name) -> Snapshot:
    """Forget a snapshot; returns it as it was."""
    snapshot = await find(tx, now_us, name)
    await tx.run("DELETE FROM queue_snapshot WHERE id = $1", snapshot.id)
    await tx.run("DELETE FROM queue_snapshot_message WHERE snapshot = $1", snapshot.id)
    return snapshot


async def has_any(tx: Tx, _now_us: int, queue: int) -> bool:
    """Whether there is a snapshot of a queue."""
    return await tx.one("SELECT id FROM queue_snapshot WHERE queue = $1 LIMIT 1", queue) is not None


async def expire(tx: Tx, now_us: int) -> None:
    """Forget the snapshots whose time is over."""
    for row in await tx.all("SELECT scope, name FROM queue_snapshot WHERE expires_us <= $1", now_us):
        await delete(tx, now_us, (row[0], row[1]))


async def go_back(tx: Tx, now_us: int, queue: Queue, snapshot: Snapshot) -> None:
    """Bring a queue back to how a snapshot found it, or another queue of the same topic."""
    rows = await tx.all("SELECT message FROM queue_snapshot_message WHERE snapshot = $1", snapshot.id)
    wanted = {row[0] for row in rows}
    ids = await _message_ids(tx, now_us, queue.store) | await _message_ids(tx, now_us, -queue.store)
    unacknowledged = {message for message, sender_id in ids.items() if sender_id in wanted}
    rules = queue.config.rules
    await retained.seek_to(tx, now_us, queue.store, rules, snapshot.created_us, unacknowledged)


async def _message_ids(tx: Tx, now_us: int, store: int) -> dict[int, str]:
    """Return the sender's ids of all messages under a number, by their own."""
    ids: dict[int, str] = {}
    after = 0
    while page := await leased_queue.peek(tx, now_us, store, _PAGE, after):
        ids.update((each.message.id, decode_message(each.message.body).id) for each in page)
        after = page[-1].message.id
    return ids
