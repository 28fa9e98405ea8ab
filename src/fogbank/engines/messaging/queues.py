"""Queues by name: create, find, list, change, purge, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.engines.messaging.errors import PurgeTooSoonError, QueueNotFoundError
from fogbank.engines.messaging.model import Name, Queue, QueueConfig, decode_config, encode_config
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.discarded import discard
from fogbank.storage.leasing import counting, duplicates, fairness, leased_queue, retained

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx
    from fogbank.storage.leasing.counting import Counts

PURGE_INTERVAL_SECONDS: Final = 60
DELETED_SECONDS: Final = 60
# Whose names of deleted queues are remembered for a while: nobody's number.
_DELETED: Final = 0
# Every listener of a queue that goes away must look again.
_EVERYBODY: Final = 1_000_000
_COLUMNS: Final = "scope, name, id, store, config, created_us, modified_us"
_FIND: Final = f"SELECT {_COLUMNS} FROM queue WHERE scope = $1 AND name = $2"


def _queue(row: Row) -> Queue:
    scope, name, number, store, config, created_us, modified_us = row
    return Queue(scope, name, number, store, decode_config(bytes(config)), created_us, modified_us)


async def create(tx: Tx, now_us: int, name: Name, number: int, config: QueueConfig) -> tuple[Queue, bool]:
    """Create a queue, or return the one of that name as it is; the flag says whether it is new."""
    made = await tx.run(
        "INSERT INTO queue (scope, name, id, store, config, created_us, modified_us, purged_us)"
        " VALUES ($1, $2, $3, $3, $4, $5, $5, 0) ON CONFLICT (scope, name) DO NOTHING",
        *name,
        number,
        encode_config(config),
        now_us,
    )
    return await find(tx, now_us, name), bool(made)


async def find(tx: Tx, _now_us: int, name: Name) -> Queue:
    """Return a queue, or raise `QueueNotFoundError`."""
    rows = await tx.known(_FIND, *name)
    if not rows:
        raise QueueNotFoundError(name[1])
    return _queue(rows[0])


async def names_everywhere(tx: Tx, _now_us: int, limit: int) -> list[Name]:
    """Return scopes and names of queues of all scopes, in their order."""
    rows = await tx.all("SELECT scope, name FROM queue ORDER BY scope, name LIMIT $1", limit)
    return [(row[0], row[1]) for row in rows]


async def find_by_id(tx: Tx, _now_us: int, number: int) -> Queue | None:
    """Return a queue by its number, or None."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM queue WHERE id = $1", number)
    return None if row is None else _queue(row)


async def list_queues(tx: Tx, _now_us: int, scope: str, prefix: str, after: str, limit: int) -> list[Queue]:
    """Return queues of a scope in the order of their names, those that follow `after`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM queue WHERE scope = $1 AND name > $2 AND name >= $3 ORDER BY name LIMIT $4",
        scope,
        after,
        prefix,
        limit,
    )
    return [queue for queue in map(_queue, rows) if queue.name.startswith(prefix)]


async def all_queues(tx: Tx, _now_us: int) -> list[Queue]:
    """Return every queue there is, for housekeeping."""
    return [_queue(row) for row in await tx.all(f"SELECT {_COLUMNS} FROM queue")]


async def dead_letter_sources(tx: Tx, _now_us: int, scope: str, name: Name, after: str, limit: int) -> list[Queue]:
    """Return the queues of a scope whose dead letters go to that queue, in the order of their names."""
    found = []
    rows = await tx.all(f"SELECT {_COLUMNS} FROM queue WHERE scope = $1 AND name > $2 ORDER BY name", scope, after)
    for queue in map(_queue, rows):
        policy = queue.config.dead_letter
        if policy is not None and (policy.scope, policy.name) == name:
            found.append(queue)
            if len(found) == limit:
                break
    return found


async def update(tx: Tx, now_us: int, name: Name, change: Callable[[QueueConfig], QueueConfig]) -> Queue:
    """Change a queue's configuration; `change` may refuse by raising."""
    row = await tx.one(f"{_FIND} FOR UPDATE", *name)
    if row is None:
        raise QueueNotFoundError(name[1])
    queue = _queue(row)
    config = change(queue.config)
    await tx.run(
        "UPDATE queue SET config = $1, modified_us = $2 WHERE id = $3", encode_config(config), now_us, queue.id
    )
    return queue._replace(config=config, modified_us=now_us)


async def begin_fairness(tx: Tx, queue: Queue) -> Queue:
    """Have a queue serve its tenants in turn from now on."""
    config = msgspec.structs.replace(queue.config, fair=True)
    await tx.run("UPDATE queue SET config = $1 WHERE id = $2", encode_config(config), queue.id)
    await fairness.begin(tx, queue.store)
    return queue._replace(config=config)


async def purge(tx: Tx, now_us: int, name: Name, store: int) -> None:
    """Give the queue an empty store; what was in the old one is removed in the background."""
    row = await tx.one("SELECT store, purged_us FROM queue WHERE scope = $1 AND name = $2 FOR UPDATE", *name)
    if row is None:
        raise QueueNotFoundError(name[1])
    if row[1] + PURGE_INTERVAL_SECONDS * SECOND_US > now_us:
        raise PurgeTooSoonError(name[1])
    await tx.run("UPDATE queue SET store = $1, purged_us = $2 WHERE scope = $3 AND name = $4", store, now_us, *name)
    await _discard(tx, row[0])


async def empty(tx: Tx, now_us: int, name: Name, store: int) -> None:
    """Give the queue an empty store, however short ago it was given another."""
    queue = await find(tx, now_us, name)
    await tx.run("UPDATE queue SET store = $1 WHERE id = $2", store, queue.id)
    await _discard(tx, queue.store)


async def go_back(tx: Tx, now_us: int, name: Name, at_us: int) -> None:
    """Have everything sent before a time acknowledged, and everything sent since not, as far as it is retained."""
    queue = await find(tx, now_us, name)
    await retained.seek(tx, now_us, queue.store, queue.config.rules, at_us)


async def was_deleted(tx: Tx, now_us: int, name: Name) -> bool:
    """Whether a queue of that name was deleted, and that remembered, a moment ago."""
    return await duplicates.remembers(tx, now_us, _DELETED, _key(name))


def _key(name: Name) -> bytes:
    return "\0".join(name).encode()


async def delete(tx: Tx, now_us: int, name: Name, *, remembered: bool = False) -> None:
    """Remove a queue; its messages are removed in the background. `remembered`: `was_deleted` says so for a while."""
    queue = await find(tx, now_us, name)
    if remembered:
        await duplicates.remember(tx, now_us, _DELETED, _key(name), DELETED_SECONDS * SECOND_US, b"")
    await tx.run("DELETE FROM queue WHERE id = $1", queue.id)
    await _discard(tx, queue.store)


async def counts(tx: Tx, now_us: int, name: Name) -> Counts:
    """Count a queue's messages; a scan."""
    queue = await find(tx, now_us, name)
    return await counting.counts(tx, now_us, queue.store)


async def leased(tx: Tx, now_us: int, name: Name, limit: int) -> int:
    """Count a queue's leased messages, up to a limit; a scan."""
    queue = await find(tx, now_us, name)
    return await counting.leased(tx, now_us, queue.store, queue.config.rules, limit)


async def _discard(tx: Tx, store: int) -> None:
    await discard(tx, store)
    # What is retained of it.
    await discard(tx, -store)
    tx.signal(leased_queue.topic(store), _EVERYBODY)
