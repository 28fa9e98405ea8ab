"""Moving what is in a queue to another, or back to where it came from: in the background, by a durable timer.

All are store operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import MoveNotFoundError, MoveRunningError, QueueNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.leasing import leased_queue
from fogbank.storage.leasing.leased_queue import Policy
from fogbank.storage.signals import MESSAGE, Happening
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name, Queue
    from fogbank.storage import Row, Tx

TIMER: Final = "messaging.move"
RUNNING: Final = "RUNNING"
COMPLETED: Final = "COMPLETED"
CANCELLED: Final = "CANCELLED"
FAILED: Final = "FAILED"
# How many are moved in one transaction.
AT_ONCE_MAX: Final = 500
_COLUMNS: Final = "id, scope, source, target_scope, target, per_second, status, failure, to_move, moved, started_us"


class Move(NamedTuple):
    """A move; `target` is empty for one back to the origins, `per_second` 0 for one as fast as possible."""

    id: str
    scope: str
    source: str
    target_scope: str
    target: str
    per_second: int
    status: str
    failure: str
    to_move: int
    moved: int
    started_us: int


def _move(row: Row) -> Move:
    return Move(*row)


async def start(
    tx: Tx, now_us: int, number: str, source: Name, target: Name | None, per_second: int, to_move: int
) -> Move:
    """Begin a move; raises `MoveRunningError` if one of that queue is under way, `QueueNotFoundError`."""
    await queues.find(tx, now_us, source)
    if target is not None:
        await queues.find(tx, now_us, target)
    running = await tx.one(
        "SELECT id FROM message_move WHERE scope = $1 AND source = $2 AND status = $3", *source, RUNNING
    )
    if running is not None:
        raise MoveRunningError(source[1])
    target_scope, target_name = target or ("", "")
    move = Move(number, *source, target_scope, target_name, per_second, RUNNING, "", to_move, 0, now_us)
    await tx.run(f"INSERT INTO message_move ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", *move)
    await timers.arm(tx, now_us, Timer(f"{TIMER}/{number}", now_us, TIMER, number.encode()))
    return move


async def list_moves(tx: Tx, _now_us: int, source: Name, limit: int) -> list[Move]:
    """Return a queue's moves, the latest first."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM message_move WHERE scope = $1 AND source = $2 ORDER BY started_us DESC, id LIMIT $3",
        *source,
        limit,
    )
    return [_move(row) for row in rows]


async def cancel(tx: Tx, now_us: int, number: str) -> Move:
    """End a move that is under way; what was moved stays. Raises `MoveNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM message_move WHERE id = $1 FOR UPDATE", number)
    if row is None or _move(row).status != RUNNING:
        raise MoveNotFoundError(number)
    await tx.run("UPDATE message_move SET status = $1 WHERE id = $2", CANCELLED, number)
    await timers.disarm(tx, now_us, f"{TIMER}/{number}")
    return _move(row)._replace(status=CANCELLED)


async def go_on(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
    """Move some: what the timer does. `sequence` is new for each time."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM message_move WHERE id = $1 FOR UPDATE", timer.payload.decode())
    if row is None or _move(row).status != RUNNING:
        return None
    move = _move(row)
    try:
        source = await queues.find(tx, now_us, (move.scope, move.source))
        moved = await _some(tx, now_us, move, source, sequence)
    except QueueNotFoundError as error:
        await _end(tx, move, FAILED, f"The queue {error} does not exist.")
        return None
    await tx.run("UPDATE message_move SET moved = moved + $1 WHERE id = $2", moved, move.id)
    if not moved or move.moved + moved >= move.to_move:
        await _end(tx, move, COMPLETED, "")
        return None
    return now_us + (SECOND_US if move.per_second else 0)


async def _some(tx: Tx, now_us: int, move: Move, source: Queue, sequence: int) -> int:
    """Move as many as may be at a time; returns how many."""
    count = min(move.per_second or AT_ONCE_MAX, AT_ONCE_MAX, move.to_move - move.moved)
    if count <= 0:
        return 0
    policy = Policy(source.config.rules)
    taken = await leased_queue.take(tx, now_us, source.store, policy, count, SECOND_US, sequence)
    targets: dict[int, Queue] = {}
    for leased in taken.messages:
        origin = 0 if move.target else leased.origin
        if origin not in targets:
            found = (
                await queues.find(tx, now_us, (move.target_scope, move.target))
                if move.target
                else await queues.find_by_id(tx, now_us, origin)
            )
            if found is None:
                raise QueueNotFoundError("that a message came from")
            targets[origin] = found
        target = targets[origin]
        rules = target.config.rules
        await leased_queue.move(tx, now_us, source.store, leased.id, source.config.rules, target.store, rules)
        if tx.witnessed:
            tx.signal(Happening(MESSAGE, target.scope, target.name, leased.body))
    return len(taken.messages)


async def _end(tx: Tx, move: Move, status: str, failure: str) -> None:
    await tx.run("UPDATE message_move SET status = $1, failure = $2 WHERE id = $3", status, failure, move.id)
