"""Messages in queues: send, receive, acknowledge, extend, release."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.engines.messaging import queues
from fogbank.engines.messaging.dedup import Sent, admit
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
from fogbank.storage import leased_queue
from fogbank.storage.leased_queue import Outgoing, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage import Tx


class Send(NamedTuple):
    """A message to send.

    `sequence` is its place in time (from `Ids.sequence`), `delay_seconds` None means the queue's own delay,
    `size` is what it counts against the queue's limit, in bytes.
    """

    message: Message
    sequence: int
    delay_seconds: int | None = None
    size: int = 0


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
    outcomes: list[Sent | EngineError] = []
    outgoing = []
    for message, sequence, delay_seconds, size in items:
        delay_us = (config.delay_seconds if delay_seconds is None else delay_seconds) * SECOND_US
        lane = b""
        if size > config.message_bytes_max:
            outcomes.append(MessageTooLargeError(config.message_bytes_max))
            continue
        if config.ordered:
            lane = message.ordering_key.encode()
            told = await admit(tx, now_us, queue.id, config, message, sequence)
            if not isinstance(told, Message):
                outcomes.append(told)
                continue
            content = encode_message(told)
        else:
            content = encode_message(message)
        outgoing.append(Outgoing(sequence, content, delay_us, lane))
        outcomes.append(Sent(message.id, sequence))
    if outgoing:
        await leased_queue.put(tx, now_us, queue.store, outgoing, ordered=config.ordered)
    return outcomes


async def receive(tx: Tx, now_us: int, name: Name, count: int, lease_seconds: int | None, token: int) -> Receipt:
    """Lease up to `count` messages; None means the queue's own lease time."""
    queue = await queues.find(tx, now_us, name)
    config = queue.config
    lease_us = (config.lease_seconds if lease_seconds is None else lease_seconds) * SECOND_US
    policy = await _policy(tx, now_us, queue)
    taken = await leased_queue.take(tx, now_us, queue.store, policy, count, lease_us, token)
    messages = [
        Received(
            decode_message(leased.body),
            Handle(queue.id, leased.id, token),
            leased.sent_us,
            leased.first_us,
            leased.receives,
            leased.origin,
        )
        for leased in taken.messages
    ]
    return Receipt(messages, queue, taken.next_us)


async def acknowledge(tx: Tx, now_us: int, name: Name, handle: Handle) -> bool:
    """Remove a leased message; False if it is gone already or leased to somebody else."""
    queue = await _queue_of(tx, now_us, name, handle)
    ordered = queue.config.ordered
    return await leased_queue.ack(tx, now_us, queue.store, handle.message, handle.token, ordered=ordered)


async def acknowledge_all(tx: Tx, now_us: int, name: Name, handles: Sequence[Handle]) -> int:
    """Remove leased messages; returns how many were still held."""
    return sum([await acknowledge(tx, now_us, name, handle) for handle in handles])


async def extend(tx: Tx, now_us: int, name: Name, handle: Handle, lease_seconds: int) -> None:
    """Let the lease end that long from now; 0 gives the message back.

    Raises `MessageGoneError`, `LeaseNotHeldError`.
    """
    queue = await _queue_of(tx, now_us, name, handle)
    lease_us = lease_seconds * SECOND_US
    ordered = queue.config.ordered
    held = await leased_queue.extend(tx, now_us, queue.store, handle.message, handle.token, lease_us, ordered=ordered)
    if not held:
        if await leased_queue.find(tx, now_us, queue.store, handle.message) is None:
            raise MessageGoneError
        raise LeaseNotHeldError


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
        return Policy(config.ordered, retention_us)
    try:
        target = await queues.find(tx, now_us, (dead_letter.scope, dead_letter.name))
    except QueueNotFoundError:
        return Policy(config.ordered, retention_us)
    return Policy(
        config.ordered,
        retention_us,
        dead_letter.receives_max,
        target.store,
        target.config.ordered,
        queue.id,
    )
