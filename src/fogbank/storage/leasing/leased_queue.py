"""The leased queue: the one queue under every queue, asynchronous invocation, delivery and retry.

A message waits until it is visible, is leased to one receiver for a time, and is then acknowledged (gone),
released, or comes back when the lease runs out. Queues are numbers chosen by the caller. A lease is named by
the message's id and the token of the take that leased it; a later lease of the same message has another token.

Ordered queues keep messages of one ordering key (a lane) in order: while any of a lane's messages is leased,
no other of that lane can be. See `lanes` for how. What was acknowledged may be retained; see `retained`.

All functions are store operations: `await store.run(put, queue, …)`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.storage.leasing import fairness, lanes, retained
from fogbank.storage.leasing.lanes import TAKEN_COLUMNS
from fogbank.storage.signals import MESSAGE, Happening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage.store import Row, Tx

# Larger bodies stand apart, so that leasing a message doesn't rewrite them.
BODY_INLINE_BYTES_MAX: Final = 16_384
# How many expired or exhausted messages one take clears away before it gives others a turn.
CLEARED_PER_TAKE_MAX: Final = 1_000
DROPPED_PER_OPERATION_MAX: Final = 1_000

_PUT: Final = (
    "INSERT INTO message (id, queue, lane, rank, visible_us, sent_us, receives, lease, origin, body)"
    " VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7)"
)
_PUT_EXPIRING: Final = (
    "INSERT INTO message (id, queue, lane, rank, visible_us, sent_us, receives, lease, origin, body, expires_us)"
    " VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8)"
)
_PUT_BODY: Final = "INSERT INTO message_body (id, body) VALUES ($1, $2)"
# Which messages is settled once, ahead: PostgreSQL may run a subselect again for each row it joins, and each run
# would lock further messages.
_TAKE: Final = (
    "WITH picked AS (SELECT id FROM message WHERE queue = $4 AND lane = $5 AND rank <= $3"
    " ORDER BY rank, id LIMIT $6 FOR UPDATE SKIP LOCKED)"
    " UPDATE message SET rank = $1, visible_us = $1, receives = receives + 1, lease = $2,"
    f" first_us = COALESCE(first_us, $3) WHERE id IN (SELECT id FROM picked) RETURNING {TAKEN_COLUMNS}"
)
_ACKS_FEW: Final = 10
_ACKS_MAX: Final = 100
_ACK_EACH: Final = {
    size: "DELETE FROM message WHERE queue = $1 AND lease = $2 AND visible_us > $3"
    f" AND id IN ({', '.join(f'${number}' for number in range(4, 4 + size))}) RETURNING id, length(body)"
    for size in (_ACKS_FEW, _ACKS_MAX)
}
# Where TAKEN_COLUMNS have the body.
_BODY: Final = 6
_NEXT: Final = "SELECT rank FROM message WHERE queue = $1 AND lane = $2 ORDER BY rank LIMIT 1"


class Rules(NamedTuple):
    """How a queue treats its messages.

    `ordered`: by lanes; with `keyless`, messages of the empty lane have no order among themselves. `suffix`: if a
    message of a lane comes back, so does every later one of its lane, acknowledged or not. `exact`: a lease that
    is over doesn't count any more, even if nobody else has taken the message. `retain`: what is acknowledged is
    kept (see `retained`). `backoff_min_us`, `backoff_max_us`: how long a message whose lease ran out, or that was
    given up, waits before it can be leased again; twice as long each time. `fair`: in a
    queue without order, lanes are tenants that are served in turn (see `fairness`).
    """

    ordered: bool = False
    keyless: bool = False
    suffix: bool = False
    exact: bool = False
    retain: bool = False
    backoff_min_us: int = 0
    backoff_max_us: int = 0
    fair: bool = False

    def backoff_us(self, receives: int) -> int:
        """Return how long a message waits that has been leased that often."""
        return min(self.backoff_min_us << min(max(receives - 1, 0), 40), self.backoff_max_us)


PLAIN: Final = Rules()


class Policy(NamedTuple):
    """What happens when messages of a queue are taken.

    `retention_us`: a message older than this is dropped. `receives_max`: a message that was leased this often goes
    to the queue `dead_letters` (or is dropped, when that is None) instead of being leased once more; 0 means no
    limit. `origin` is what a dead-lettered message remembers of this queue. With `hand_over`, such messages are
    removed and returned to the caller, who knows better where they go. `to` is what witnesses are told of where they
    went: a scope key and a name.
    """

    rules: Rules = PLAIN
    retention_us: int = 0
    receives_max: int = 0
    dead_letters: int | None = None
    dead_letters_rules: Rules = PLAIN
    origin: int = 0
    hand_over: bool = False
    to: tuple[str, str] = ("", "")


class Outgoing(NamedTuple):
    """A message to put: its id is greater than all before it, `lane` is empty in unordered queues.

    It goes away at `expires_us`, unless that is 0.
    """

    id: int
    body: bytes
    delay_us: int = 0
    lane: bytes = b""
    expires_us: int = 0


class Leased(NamedTuple):
    """A message under lease."""

    id: int
    token: int
    body: bytes
    sent_us: int
    first_us: int
    receives: int
    origin: int


class Taken(NamedTuple):
    """What a take returned, and when to look again if it returned nothing.

    `next_us` is when the next message becomes visible, or None if the queue is empty. `exhausted` are messages that
    were received too often and handed over.
    """

    messages: list[Leased]
    next_us: int | None
    exhausted: list[Leased] = []  # noqa: RUF012 - never changed


class Peeked(NamedTuple):
    """A message as it stands in its queue; its lease's token is 0 if it has none."""

    message: Leased
    lane: bytes
    visible_us: int
    expires_us: int


async def put(tx: Tx, now_us: int, queue: int, messages: Sequence[Outgoing], rules: Rules = PLAIN) -> None:
    """Add messages and wake as many of those who listen to the queue."""
    rows: list[tuple[Any, ...]] = []
    expiring = False
    for message in messages:
        visible_us = now_us + message.delay_us
        body = message.body
        if len(body) > BODY_INLINE_BYTES_MAX:
            await tx.run(_PUT_BODY, message.id, body)
            body = b""
        in_order = rules.ordered and (message.lane or not rules.keyless)
        rank = 0 if in_order else visible_us
        expiring = expiring or message.expires_us != 0
        rows.append((message.id, queue, message.lane, rank, visible_us, now_us, body))
        if in_order:
            await lanes.enter(tx, queue, message.lane, visible_us)
        elif rules.fair:
            await fairness.enter(tx, queue, message.lane, visible_us)
    if expiring:
        await tx.many(_PUT_EXPIRING, [(*row, each.expires_us) for row, each in zip(rows, messages, strict=True)])
    elif len(rows) == 1:
        await tx.run(_PUT, *rows[0])
    else:
        await tx.many(_PUT, rows)
    tx.signal(topic(queue), len(messages))


def topic(queue: int) -> tuple[str, int]:
    """Return the signal that tells of news in a queue."""
    return ("queue", queue)


async def take(tx: Tx, now_us: int, queue: int, policy: Policy, count: int, lease_us: int, token: int) -> Taken:
    """Lease up to `count` messages for `lease_us`; `token` is new for each take."""
    found: list[Leased] = []
    exhausted: list[Leased] = []
    cleared = 0
    until_us = now_us + lease_us
    while len(found) < count and cleared < CLEARED_PER_TAKE_MAX:
        wanted = count - len(found)
        rows = await _take_rows(tx, now_us, queue, policy.rules, wanted, until_us, token)
        for row in sorted(rows, key=itemgetter(0)):
            if _is_spent(now_us, policy, row):
                await _clear(tx, now_us, queue, policy, row, exhausted)
                cleared += 1
            else:
                found.append(_made(row, token, row[_BODY]) if row[_BODY] else await _leased(tx, row, token))
        if len(rows) < wanted:
            break
    if found or cleared >= CLEARED_PER_TAKE_MAX:
        return Taken(found, now_us, exhausted)
    return Taken(found, await _next(tx, queue, policy.rules), exhausted)


async def _take_rows(
    tx: Tx, now_us: int, queue: int, rules: Rules, wanted: int, until_us: int, token: int
) -> list[Row]:
    rows: list[Row] = []
    if rules.fair:
        return await fairness.take(tx, now_us, queue, wanted, until_us, token, _TAKE)
    if rules.ordered:
        rows = await lanes.take(tx, now_us, queue, rules, wanted, until_us, token)
        if not rules.keyless or len(rows) == wanted:
            return rows
    free = await tx.all(_TAKE, until_us, token, now_us, queue, b"", wanted - len(rows))
    if rules.backoff_min_us:
        # A lease ends when it ends; whether its message can be leased again is another matter.
        ranks = [(until_us + rules.backoff_us(receives), message) for message, _lane, receives, *_ in free]
        await tx.many("UPDATE message SET rank = $1 WHERE id = $2", ranks)
    return rows + free if rows else free


async def ack(tx: Tx, now_us: int, queue: int, message: int, token: int, rules: Rules = PLAIN) -> bool:
    """Remove a leased message; False if it is gone or was leased to somebody else since.

    In an unordered queue that isn't exact, a lease that has run out still counts while nobody else has taken the
    message; in an ordered one it doesn't, since the key's next holder may be on its way.
    """
    live_us = now_us if rules.ordered or rules.exact else 0
    if rules.retain or rules.suffix:
        return await retained.ack(tx, now_us, queue, message, token, rules, live_us)
    row = await tx.one(
        "DELETE FROM message WHERE id = $1 AND queue = $2 AND lease = $3 AND visible_us > $4"
        " RETURNING lane, length(body)",
        message,
        queue,
        token,
        live_us,
    )
    if row is None:
        return False
    if not row[1]:
        await tx.run("DELETE FROM message_body WHERE id = $1", message)
    if rules.ordered:
        await lanes.reopen(tx, now_us, queue, row[0])
        tx.signal(topic(queue))
    return True


async def ack_each(
    tx: Tx, now_us: int, queue: int, leases: Sequence[tuple[int, int]], rules: Rules = PLAIN
) -> list[bool]:
    """Remove leased messages, given with the tokens of their leases; returns for each what `ack` would."""
    if len(leases) == 1 or rules.ordered or rules.retain or rules.suffix:
        return [await ack(tx, now_us, queue, message, token, rules) for message, token in leases]
    by_token: dict[int, list[int]] = {}
    for message, token in leases:
        by_token.setdefault(token, []).append(message)
    live_us = now_us if rules.exact else 0
    gone: dict[int, int] = {}
    for token, ids in by_token.items():
        for at in range(0, len(ids), _ACKS_MAX):
            some = ids[at : at + _ACKS_MAX]
            # Two forms of the statement are enough: what is too few for one is filled up with the last.
            size = _ACKS_FEW if len(some) <= _ACKS_FEW else _ACKS_MAX
            filled = some + some[-1:] * (size - len(some))
            rows = await tx.all(_ACK_EACH[size], queue, token, live_us, *filled)
            gone.update((row[0], token) for row in rows)
            apart = [(row[0],) for row in rows if not row[1]]
            if apart:
                await tx.many("DELETE FROM message_body WHERE id = $1", apart)
    # A message that is named twice was held once.
    held = []
    for message, token in leases:
        held.append(gone.get(message) == token)
        if held[-1]:
            del gone[message]
    return held


async def extend(
    tx: Tx, now_us: int, queue: int, message: int, token: int, lease_us: int, rules: Rules = PLAIN
) -> bool:
    """Let a lease end `lease_us` from now (0 gives the message back at once); False if it isn't held."""
    until_us = now_us + lease_us
    row = await tx.one(
        "UPDATE message SET visible_us = $1, rank = CASE WHEN rank = 0 THEN rank ELSE $1 END"
        " WHERE id = $2 AND queue = $3 AND lease = $4 AND visible_us > $5 RETURNING lane, receives, rank",
        until_us,
        message,
        queue,
        token,
        now_us,
    )
    if row is None:
        return False
    lane, receives, rank = row
    if rules.backoff_min_us and lease_us and rank:
        await tx.run("UPDATE message SET rank = $1 WHERE id = $2", until_us + rules.backoff_us(receives), message)
    if rules.ordered and not rank:
        await lanes.reopen(tx, now_us, queue, lane)
    elif rules.fair:
        await fairness.enter(tx, queue, bytes(lane), until_us)
    tx.signal(topic(queue))
    return True


async def renew(
    tx: Tx, now_us: int, queue: int, message: int, tokens: tuple[int, int], lease_us: int, rules: Rules = PLAIN
) -> bool:
    """Lease a message of an unordered queue anew, for `lease_us` from now: `tokens` are the old one and the new.

    As with `ack`, a lease that has run out counts while nobody else has taken the message, unless the queue is exact.
    The token 0 is that of a message that nobody has leased yet. False if it isn't held.
    """
    renewed = await tx.run(
        "UPDATE message SET visible_us = $1, rank = $1, lease = $2 WHERE id = $3 AND queue = $4 AND lease = $5"
        " AND visible_us > $6 AND rank > 0",
        now_us + lease_us,
        tokens[1],
        message,
        queue,
        tokens[0],
        now_us if rules.exact else 0,
    )
    if renewed:
        tx.signal(topic(queue))
    return bool(renewed)


async def release(
    tx: Tx, now_us: int, queue: int, message: int, token: int, delay_us: int, rules: Rules = PLAIN
) -> bool:
    """Give a message back, to be visible again after a delay or, if that is longer, the queue's backoff.

    False if it isn't held.
    """
    held = await tx.one(
        "SELECT receives, lane FROM message WHERE id = $1 AND queue = $2 AND lease = $3 AND visible_us > $4",
        message,
        queue,
        token,
        now_us,
    )
    if held is None:
        return False
    until_us = now_us + max(delay_us, rules.backoff_us(held[0]) if rules.backoff_min_us else 0)
    lane = bytes(held[1])
    await tx.run(
        "UPDATE message SET visible_us = $1, rank = CASE WHEN rank = 0 THEN rank ELSE $1 END, lease = 0 WHERE id = $2",
        until_us,
        message,
    )
    if rules.ordered and (lane or not rules.keyless):
        if rules.suffix:
            await lanes.give_back_later(tx, now_us, queue, lane, message)
        await lanes.reopen(tx, now_us, queue, lane)
    elif rules.fair:
        await fairness.enter(tx, queue, lane, until_us)
    tx.signal(topic(queue))
    return True


async def release_all(tx: Tx, now_us: int, queue: int) -> None:
    """Give back every message of an unordered queue that is leased: whoever leased them is no more."""
    await tx.run(
        "UPDATE message SET visible_us = $1, rank = $1, lease = 0 WHERE queue = $2 AND lease <> 0 AND visible_us > $1",
        now_us,
        queue,
    )
    tx.signal(topic(queue))


async def find(tx: Tx, _now_us: int, queue: int, message: int) -> tuple[int, int] | None:
    """Return the token and the end of a message's latest lease, or None if the message is gone."""
    row = await tx.one("SELECT lease, visible_us FROM message WHERE id = $1 AND queue = $2", message, queue)
    return None if row is None else (row[0], row[1])


async def peek(tx: Tx, _now_us: int, queue: int, count: int, after: int = 0, until_us: int = 0) -> list[Peeked]:
    """Return messages in the order of their ids, those that follow `after`, without leasing them.

    With `until_us`, only those that are visible by then, in the order in which they could be leased.
    """
    turn = "$4 = 0 ORDER BY id"
    if until_us:
        turn = "visible_us <= $4 AND (expires_us = 0 OR expires_us > $4) ORDER BY visible_us, id"
    rows = await tx.all(
        f"SELECT {TAKEN_COLUMNS}, lease, visible_us FROM message WHERE queue = $1 AND id > $2 AND {turn} LIMIT $3",
        queue,
        after,
        count,
        until_us,
    )
    return [Peeked(await _leased(tx, row[:-2], row[-2]), bytes(row[1]), row[-1], row[-3]) for row in rows]


async def latest(tx: Tx, _now_us: int, queue: int) -> int:
    """Return the id of a queue's newest message, 0 if it has none."""
    row = await tx.one("SELECT id FROM message WHERE queue = $1 ORDER BY id DESC LIMIT 1", queue)
    return 0 if row is None else int(row[0])


async def rewrite(tx: Tx, now_us: int, queue: int, message: int, token: int, body: bytes) -> bool:
    """Put another body in the place of a leased message's; False if it isn't held."""
    row = await tx.one(
        "SELECT id FROM message WHERE id = $1 AND queue = $2 AND lease = $3 AND visible_us > $4",
        message,
        queue,
        token,
        now_us,
    )
    if row is None:
        return False
    await replace_body(tx, now_us, queue, message, body)
    return True


async def replace_body(tx: Tx, _now_us: int, queue: int, message: int, body: bytes) -> None:
    """Put another body in the place of a message's, whoever has leased it."""
    await tx.run("DELETE FROM message_body WHERE id = $1", message)
    if len(body) > BODY_INLINE_BYTES_MAX:
        await tx.run(_PUT_BODY, message, body)
        body = b""
    await tx.run("UPDATE message SET body = $1 WHERE id = $2 AND queue = $3", body, message, queue)


async def body_of(tx: Tx, _now_us: int, queue: int, message: int) -> bytes | None:
    """Return a message's body, whoever has leased it; None if the message is gone."""
    row = await tx.one(
        "SELECT message.body, message_body.body FROM message LEFT JOIN message_body ON message_body.id = message.id"
        " WHERE message.id = $1 AND queue = $2",
        message,
        queue,
    )
    return None if row is None else bytes(row[0] or row[1] or b"")


async def move(tx: Tx, now_us: int, queue: int, message: int, rules: Rules, target: int, target_rules: Rules) -> None:
    """Put a message into another queue, as if it had just been sent there."""
    row = await tx.one("SELECT lane FROM message WHERE id = $1 AND queue = $2", message, queue)
    if row is not None:
        await _move_to(tx, now_us, queue, message, bytes(row[0]), rules, target, target_rules, 0)


async def drop(tx: Tx, _now_us: int, queue: int) -> bool:
    """Remove some of what a given-up queue still holds; True once nothing is left.

    Deduplication windows close by themselves.
    """
    rows = await tx.all("SELECT id FROM message WHERE queue = $1 LIMIT $2", queue, DROPPED_PER_OPERATION_MAX)
    await tx.many("DELETE FROM message_body WHERE id = $1", [(row[0],) for row in rows])
    await tx.many("DELETE FROM message WHERE id = $1", [(row[0],) for row in rows])
    if len(rows) == DROPPED_PER_OPERATION_MAX:
        return False
    await tx.run("DELETE FROM lane WHERE queue = $1", queue)
    return True


async def expired(tx: Tx, now_us: int, queue: int, retention_us: int) -> list[int]:
    """Return some of the messages that are older than the retention, or than they may become themselves.

    Reads all of the queue, so a scan.
    """
    rows = await tx.all(
        "SELECT id FROM message WHERE queue = $1 AND (sent_us <= $2 OR (expires_us > 0 AND expires_us <= $3)) LIMIT $4",
        queue,
        now_us - retention_us,
        now_us,
        DROPPED_PER_OPERATION_MAX,
    )
    return [row[0] for row in rows]


async def remove(tx: Tx, now_us: int, queue: int, messages: Sequence[int]) -> None:
    """Remove messages whatever their state."""
    for message in messages:
        await _remove(tx, now_us, queue, message)


async def _leased(tx: Tx, row: Row, token: int) -> Leased:
    body = row[_BODY]
    if not body:
        apart = await tx.one("SELECT body FROM message_body WHERE id = $1", row[0])
        assert apart is not None
        body = apart[0]
    return _made(row, token, body)


def _made(row: Row, token: int, body: bytes) -> Leased:
    message, _lane, receives, sent_us, first_us, origin, _body, _expires_us = row
    return Leased(message, token, bytes(body), sent_us, first_us, receives, origin)


def _is_outlived(now_us: int, policy: Policy, row: Row) -> bool:
    """Tell whether a message is too old."""
    retention_us, expires_us = policy.retention_us, row[7]
    return bool((retention_us and row[3] + retention_us <= now_us) or (expires_us and expires_us <= now_us))


def _is_spent(now_us: int, policy: Policy, row: Row) -> bool:
    """Tell whether a message is too old, or was leased too often."""
    return bool(policy.receives_max and row[2] > policy.receives_max) or _is_outlived(now_us, policy, row)


async def _clear(tx: Tx, now_us: int, queue: int, policy: Policy, row: Row, exhausted: list[Leased]) -> None:
    """Drop a message that is too old, move one that was leased too often."""
    message = row[0]
    if _is_outlived(now_us, policy, row):
        await _remove(tx, now_us, queue, message)
    elif policy.hand_over:
        exhausted.append(await _leased(tx, row, 0))
        await _remove(tx, now_us, queue, message)
    elif policy.dead_letters is None:
        await _remove(tx, now_us, queue, message)
    else:
        await _move(tx, now_us, queue, message, row[1], policy)
        if tx.witnessed:
            tx.signal(Happening(MESSAGE, *policy.to, (await _leased(tx, row, 0)).body))


async def _remove(tx: Tx, now_us: int, queue: int, message: int) -> None:
    row = await tx.one("DELETE FROM message WHERE id = $1 RETURNING lane, length(body), rank", message)
    if row is not None:
        if not row[1]:
            await tx.run("DELETE FROM message_body WHERE id = $1", message)
        if not row[2]:
            await lanes.reopen(tx, now_us, queue, row[0])


async def _move(tx: Tx, now_us: int, queue: int, message: int, lane: bytes, policy: Policy) -> None:
    assert policy.dead_letters is not None
    await _move_to(
        tx, now_us, queue, message, lane, policy.rules, policy.dead_letters, policy.dead_letters_rules, policy.origin
    )


async def _move_to(
    tx: Tx,
    now_us: int,
    queue: int,
    message: int,
    lane: bytes,
    rules: Rules,
    target: int,
    target_rules: Rules,
    origin: int,
) -> None:
    ordered = target_rules.ordered and (lane or not target_rules.keyless)
    await tx.run(
        "UPDATE message SET queue = $1, lane = $2, rank = $3, visible_us = $4, receives = 0, lease = 0,"
        " first_us = NULL, origin = $5, sent_us = CASE WHEN $6 THEN $4 ELSE sent_us END WHERE id = $7",
        target,
        lane if ordered or target_rules.fair else b"",
        0 if ordered else now_us,
        now_us,
        origin,
        bool(ordered) or not origin,
        message,
    )
    if ordered:
        await lanes.enter(tx, target, lane, now_us)
    elif target_rules.fair:
        await fairness.enter(tx, target, lane, now_us)
    if lane and rules.ordered:
        await lanes.reopen(tx, now_us, queue, lane)
    tx.signal(topic(target))


async def _next(tx: Tx, queue: int, rules: Rules) -> int | None:
    rows = []
    if rules.ordered or rules.fair:
        rows.append(await lanes.next_turn(tx, queue))
    if not (rules.ordered or rules.fair) or rules.keyless:
        rows.append(await tx.one(_NEXT, queue, b""))
    return min((int(row[0]) for row in rows if row is not None), default=None)
