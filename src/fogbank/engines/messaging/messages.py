"""Messages in queues: send, receive, acknowledge, extend, release."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.engines.messaging import queues
from fogbank.engines.messaging.dedup import Sent, admit
from fogbank.engines.messaging.delivery_model import DEAD_LETTER, DELIVERIES, TOPIC, Delivery, endpoint_of
from fogbank.engines.messaging.errors import (
    HandleInvalidError,
    LeaseNotHeldError,
    MessageGoneError,
    MessageTooLargeError,
    QueueNotFoundError,
)
from fogbank.engines.messaging.model import (
    Handle,
    Message,
    Name,
    Queue,
    Received,
    decode_message,
    encode_message,
)
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.errors import EngineError
from fogbank.storage.leasing import leased_queue
from fogbank.storage.leasing.leased_queue import Outgoing, Policy
from fogbank.storage.signals import MESSAGE, Happening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage import Tx
    from fogbank.storage.leasing.leased_queue import Leased


class Send(NamedTuple):
    """A message to send.

    `sequence` is its place in time (from `Ids.sequence`), `delay_seconds` None means the queue's own delay,
    `size` is what it counts against the queue's limit, in bytes. It goes away after `lives_seconds`, if that is
    shorter than the queue's retention; 0 means nothing. What is sent `again` on purpose is no duplicate.
    """

    message: Message
    sequence: int
    delay_seconds: float | None = None
    size: int = 0
    lives_seconds: float = 0
    again: bool = False


class Receipt(NamedTuple):
    """What a receive returned. `next_us` is when to look again if it returned nothing, None for no idea."""

    messages: list[Received]
    queue: Queue
    next_us: int | None


async def send(tx: Tx, now_us: int, name: Name, items: Sequence[Send]) -> list[Sent]:
    """Send messages in their order, all or none.

    In an ordered queue duplicates within the window are not added again; their senders are told of the first.
    Raises `MessageTooLargeError`, `DedupIdMissingError`, `QueueNotFoundError`.
    """
    outcomes = await send_each(tx, now_us, name, items)
    for outcome in outcomes:
        if isinstance(outcome, EngineError):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Sent)]


async def send_each(tx: Tx, now_us: int, name: Name, items: Sequence[Send]) -> list[Sent | EngineError]:
    """Send messages in their order; those that the queue doesn't take have errors in their places."""
    return await send_to(tx, now_us, await queues.find(tx, now_us, name), items)


async def send_to(tx: Tx, now_us: int, queue: Queue, items: Sequence[Send]) -> list[Sent | EngineError]:
    """Send to a queue that was found in the same transaction."""
    config = queue.config
    if not (config.fair or config.ordered) and config.fair_by_key and any(item.message.ordering_key for item in items):
        queue = await queues.begin_fairness(tx, queue)
        config = queue.config
    outcomes: list[Sent | EngineError] = []
    outgoing = []
    for message, sequence, delay_seconds, size, lives_seconds, again in items:
        delay_us = int((config.delay_seconds if delay_seconds is None else delay_seconds) * SECOND_US)
        lane = b""
        if size > config.message_bytes_max:
            outcomes.append(MessageTooLargeError(config.message_bytes_max))
            continue
        if config.ordered or config.fair:
            lane = message.ordering_key.encode()
        if config.ordered and config.dedup_window_seconds and not again:
            told = await admit(tx, now_us, queue.id, config, message, sequence)
            if not isinstance(told, Message):
                outcomes.append(told)
                continue
            content = encode_message(told)
        else:
            content = encode_message(message)
        expires_us = now_us + int(lives_seconds * SECOND_US) if lives_seconds else 0
        outgoing.append(Outgoing(sequence, content, delay_us, lane, expires_us))
        outcomes.append(Sent(message.id, sequence))
        if tx.witnessed:
            tx.signal(Happening(MESSAGE, queue.scope, queue.name, content))
    if outgoing:
        await leased_queue.put(tx, now_us, queue.store, outgoing, config.rules)
    return outcomes


async def receive(tx: Tx, now_us: int, name: Name, count: int, lease_seconds: float | None, token: int) -> Receipt:
    """Lease up to `count` messages; None means the queue's own lease time.

    Those that were received too often go to the queue's dead letters; those for a topic are published by and by.
    """
    queue = await queues.find(tx, now_us, name)
    config = queue.config
    lease_us = int((config.lease_seconds if lease_seconds is None else lease_seconds) * SECOND_US)
    policy = await _policy(tx, now_us, queue)
    taken = await leased_queue.take(tx, now_us, queue.store, policy, count, lease_us, token)
    messages = [_received(queue, leased) for leased in taken.messages]
    if taken.exhausted:
        # Their own numbers are free now.
        letters = [(leased.id, _letter(now_us, queue, leased)) for leased in taken.exhausted]
        await DELIVERIES.put(tx, now_us, letters)
    return Receipt(messages, queue, taken.next_us)


def _letter(now_us: int, queue: Queue, leased: Leased) -> Delivery:
    """Return the delivery of a message to the topic that its queue's dead letters go to."""
    policy = queue.config.dead_letter
    assert policy is not None
    facts = {"queue": endpoint_of(queue.scope, queue.name), "receives": str(leased.receives - 1)}
    return Delivery(
        TOPIC,
        endpoint_of(policy.scope, policy.name),
        leased.body,
        courier=f"{queue.config.dialect}.{DEAD_LETTER}",
        first_us=now_us,
        facts={**facts, "sent_us": str(leased.sent_us)},
    )


async def peek(tx: Tx, now_us: int, name: Name, count: int) -> list[Received]:
    """Return the messages that could be received now, without leasing them."""
    queue = await queues.find(tx, now_us, name)
    found = await leased_queue.peek(tx, now_us, queue.store, count, until_us=now_us)
    return [_received(queue, each.message) for each in found]


async def acknowledge(tx: Tx, now_us: int, name: Name, handle: Handle) -> bool:
    """Remove a leased message; False if it is gone already or leased to somebody else."""
    queue = await _queue_of(tx, now_us, name, handle)
    return await leased_queue.ack(tx, now_us, queue.store, handle.message, handle.token, queue.config.rules)


async def acknowledge_each(tx: Tx, now_us: int, name: Name, handles: Sequence[Handle]) -> list[bool]:
    """Remove leased messages; returns which of them were still held."""
    queue = await queues.find(tx, now_us, name)
    leases = [(handle.message, handle.token) for handle in handles if handle.queue == queue.id]
    held = iter(await leased_queue.ack_each(tx, now_us, queue.store, leases, queue.config.rules))
    return [handle.queue == queue.id and next(held) for handle in handles]


async def acknowledge_all(tx: Tx, now_us: int, name: Name, handles: Sequence[Handle]) -> int:
    """Remove leased messages; returns how many were still held."""
    return sum(await acknowledge_each(tx, now_us, name, handles))


async def extend(tx: Tx, now_us: int, name: Name, handle: Handle, lease_seconds: float) -> None:
    """Let the lease end that long from now; 0 gives the message back.

    Raises `MessageGoneError`, `LeaseNotHeldError`.
    """
    queue = await _queue_of(tx, now_us, name, handle)
    lease_us = int(lease_seconds * SECOND_US)
    rules = queue.config.rules
    if not await leased_queue.extend(tx, now_us, queue.store, handle.message, handle.token, lease_us, rules):
        await _refuse(tx, now_us, queue, handle)


async def renew(
    tx: Tx, now_us: int, name: Name, handle: Handle, lease_seconds: float, token: int, message: Message | None = None
) -> Handle:
    """Lease a message of an unordered queue anew, for that long from now, and put another in its place if one is given.

    The old lease's handle is worth nothing then. Raises `MessageGoneError`, `LeaseNotHeldError`.
    """
    queue = await _queue_of(tx, now_us, name, handle)
    tokens = (handle.token, token)
    lease_us = int(lease_seconds * SECOND_US)
    if not await leased_queue.renew(tx, now_us, queue.store, handle.message, tokens, lease_us, queue.config.rules):
        await _refuse(tx, now_us, queue, handle)
    renewed = handle._replace(token=token)
    if message is not None:
        await leased_queue.replace_body(tx, now_us, queue.store, handle.message, encode_message(message))
    return renewed


async def find(tx: Tx, now_us: int, name: Name, handle: Handle) -> Message:
    """Return a message, whoever has leased it; raises `MessageGoneError`."""
    queue = await _queue_of(tx, now_us, name, handle)
    body = await leased_queue.body_of(tx, now_us, queue.store, handle.message)
    if body is None:
        raise MessageGoneError
    return decode_message(body)


async def give_up(tx: Tx, now_us: int, name: Name, handle: Handle, delay_seconds: float = 0) -> None:
    """Give a message back, to be received again after that time or the queue's backoff, if that is longer.

    Raises `MessageGoneError`, `LeaseNotHeldError`.
    """
    queue = await _queue_of(tx, now_us, name, handle)
    delay_us = int(delay_seconds * SECOND_US)
    rules = queue.config.rules
    if not await leased_queue.release(tx, now_us, queue.store, handle.message, handle.token, delay_us, rules):
        await _refuse(tx, now_us, queue, handle)


async def rewrite(tx: Tx, now_us: int, name: Name, handle: Handle, message: Message) -> None:
    """Put another message in the place of a leased one; raises `MessageGoneError`, `LeaseNotHeldError`."""
    queue = await _queue_of(tx, now_us, name, handle)
    body = encode_message(message)
    if not await leased_queue.rewrite(tx, now_us, queue.store, handle.message, handle.token, body):
        await _refuse(tx, now_us, queue, handle)


async def refuse(tx: Tx, now_us: int, name: Name, handle: Handle) -> None:
    """Raise what is wrong with a lease that isn't held: `MessageGoneError` or `LeaseNotHeldError`."""
    await _refuse(tx, now_us, await _queue_of(tx, now_us, name, handle), handle)


async def _refuse(tx: Tx, now_us: int, queue: Queue, handle: Handle) -> None:
    if await leased_queue.find(tx, now_us, queue.store, handle.message) is None:
        raise MessageGoneError
    raise LeaseNotHeldError


def _received(queue: Queue, leased: Leased) -> Received:
    return Received(
        decode_message(leased.body),
        Handle(queue.id, leased.id, leased.token),
        leased.sent_us,
        leased.first_us,
        leased.receives,
        leased.origin,
    )


async def _queue_of(tx: Tx, now_us: int, name: Name, handle: Handle) -> Queue:
    queue = await queues.find(tx, now_us, name)
    if handle.queue != queue.id:
        raise HandleInvalidError
    return queue


async def _policy(tx: Tx, now_us: int, queue: Queue) -> Policy:
    config = queue.config
    retention_us = config.retention_seconds * SECOND_US
    dead_letter = config.dead_letter
    if dead_letter is None:
        return Policy(config.rules, retention_us)
    if dead_letter.to_topic or not dead_letter.name:
        return Policy(config.rules, retention_us, dead_letter.receives_max, hand_over=dead_letter.to_topic)
    try:
        target = await queues.find(tx, now_us, (dead_letter.scope, dead_letter.name))
    except QueueNotFoundError:
        return Policy(config.rules, retention_us)
    return Policy(
        config.rules,
        retention_us,
        dead_letter.receives_max,
        target.store,
        target.config.rules,
        queue.id,
        to=(target.scope, target.name),
    )
