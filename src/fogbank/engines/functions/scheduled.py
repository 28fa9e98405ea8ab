"""Invocations that a clock sets off, or somebody in its place: queued durably, run one after another in each lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.engines.functions.model import encode
from fogbank.storage import leased_queue
from fogbank.storage.leased_queue import Outgoing, Policy

if TYPE_CHECKING:
    from fogbank.storage import Tx

# Numbers below 1,000 are never drawn from `Ids.sequence`: they name the server's own queues.
QUEUE: Final = 3
_POLICY: Final = Policy()


class ScheduledInvocation(msgspec.Struct, frozen=True, array_like=True):
    """An invocation of a function. Those of one `lane` are run in the order of `due_us`, never two at once.

    Unless `always`, one that came due while the one before it still ran is left out.
    """

    scope: str
    function: str
    lane: str
    event: bytes
    context: dict[str, Any]
    due_us: int
    always: bool = False


_DECODER: Final = msgspec.msgpack.Decoder(ScheduledInvocation)


class ScheduledDue(NamedTuple):
    """A scheduled invocation under lease."""

    invocation: ScheduledInvocation
    message: int
    token: int


async def enqueue(tx: Tx, now_us: int, sequence: int, invocation: ScheduledInvocation) -> None:
    """Queue an invocation."""
    await leased_queue.put(tx, now_us, QUEUE, [Outgoing(sequence, encode(invocation))])


async def take(tx: Tx, now_us: int, count: int, lease_us: int, token: int) -> tuple[list[ScheduledDue], int | None]:
    """Lease invocations; the number is when to look again if there are none."""
    taken = await leased_queue.take(tx, now_us, QUEUE, _POLICY, count, lease_us, token)
    return [ScheduledDue(_DECODER.decode(each.body), each.id, each.token) for each in taken.messages], taken.next_us


async def extend(tx: Tx, now_us: int, due: ScheduledDue, lease_us: int) -> bool:
    """Keep an invocation that still runs or waits under lease."""
    return await leased_queue.extend(tx, now_us, QUEUE, due.message, due.token, lease_us)


async def finish(tx: Tx, now_us: int, due: ScheduledDue) -> None:
    """Take note that an invocation is over, one way or the other."""
    await leased_queue.ack(tx, now_us, QUEUE, due.message, due.token)
