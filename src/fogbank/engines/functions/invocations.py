"""Invocations that nobody waits for: queued durably, run later, tried again on the leased queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.functions.model import QueuedInvocation, encode
from fogbank.storage import leased_queue
from fogbank.storage.leased_queue import Outgoing, Policy

if TYPE_CHECKING:
    from fogbank.storage import Tx

# Numbers below 1,000 are never drawn from `Ids.sequence`: they name the server's own queues.
QUEUE: Final = 1
_POLICY: Final = Policy()
_DECODER: Final = msgspec.msgpack.Decoder(QueuedInvocation)


class Due(NamedTuple):
    """A queued invocation under lease."""

    invocation: QueuedInvocation
    message: int
    token: int


async def enqueue(tx: Tx, now_us: int, sequence: int, invocation: QueuedInvocation, delay_us: int = 0) -> None:
    """Queue an invocation."""
    await leased_queue.put(tx, now_us, QUEUE, [Outgoing(sequence, encode(invocation), delay_us)])


async def take(tx: Tx, now_us: int, count: int, lease_us: int, token: int) -> tuple[list[Due], int | None]:
    """Lease invocations that are due; the number is when to look again if there are none."""
    taken = await leased_queue.take(tx, now_us, QUEUE, _POLICY, count, lease_us, token)
    return [Due(_DECODER.decode(each.body), each.id, each.token) for each in taken.messages], taken.next_us


async def extend(tx: Tx, now_us: int, due: Due, lease_us: int) -> bool:
    """Keep an invocation that still runs under lease."""
    return await leased_queue.extend(tx, now_us, QUEUE, due.message, due.token, lease_us)


async def finish(tx: Tx, now_us: int, due: Due) -> bool:
    """Take note that an invocation is over, one way or the other; False if somebody else has it by now."""
    return await leased_queue.ack(tx, now_us, QUEUE, due.message, due.token)


async def retry(tx: Tx, now_us: int, due: Due, sequence: int, delay_us: int, *, counts: bool) -> None:
    """Queue an invocation again, in place of the one under lease; `counts` as an attempt or not."""
    if await leased_queue.ack(tx, now_us, QUEUE, due.message, due.token):
        attempt = due.invocation.attempt + (1 if counts else 0)
        again = msgspec.structs.replace(due.invocation, attempt=attempt)
        await enqueue(tx, now_us, sequence, again, delay_us)
