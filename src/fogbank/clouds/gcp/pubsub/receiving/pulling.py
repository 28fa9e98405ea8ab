"""Pull, Acknowledge and ModifyAckDeadline of google.pubsub.v1.Subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.pubsub.expiring import note_use
from fogbank.clouds.gcp.pubsub.receiving.received import read_ack_ids, write_ack_id, write_received
from fogbank.clouds.gcp.pubsub.subscriptions import read, refuse_detached
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import LeaseNotHeldError, MessageGoneError
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Handle, Name, Queue, Received
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

MESSAGES_MAX: Final = 1_000
# How long an empty-handed Pull waits; Google says "a bounded amount of time".
WAIT_SECONDS: Final = 10.0
# What the answer needs of a deadline.
MARGIN_SECONDS: Final = 0.2
DEADLINE_SECONDS_MAX: Final = 600
_INVALID_ACK_ID: Final = "PERMANENT_FAILURE_INVALID_ACK_ID"


async def pull(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Return messages, waiting for the first for a while."""
    name = read(request.subscription)
    if request.max_messages <= 0:
        raise invalid("max_messages", "The value for max_messages is too small. It must be at least 1.")
    wait = WAIT_SECONDS if call.timeout_seconds is None else max(0.0, call.timeout_seconds - MARGIN_SECONDS)
    if request.return_immediately:
        wait = 0
    refuse_detached((await pubsub.store.read(queues.find, name.key)).config)
    count = min(request.max_messages, MESSAGES_MAX)
    receipt = await pubsub.receiver.receive(name.key, count, None, min(wait, WAIT_SECONDS))
    await note_use(pubsub, receipt.queue)
    data = b"".join(write_received(each, attempt_of(receipt.queue, each)) for each in receipt.messages)
    return pubsub.message("PullResponse").FromString(data)


def attempt_of(queue: Queue, received: Received) -> int:
    """Return the number of an attempt, which is told where there is a dead-letter policy, else 0."""
    return received.receives if queue.config.dead_letter is not None else 0


async def acknowledge(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Acknowledge messages; where that isn't exact, those whose lease is over are passed over."""
    del call
    name = read(request.subscription)
    handles = _handles(request.ack_ids)
    exact, done = await pubsub.store.run(acknowledge_all, name.key, handles)
    if exact:
        _refuse_lost(pubsub, handles, done)
    return pubsub.types.message("google.protobuf.Empty")()


async def modify_ack_deadline(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Let leases end so many seconds from now; 0 gives messages back."""
    del call
    name = read(request.subscription)
    handles = _handles(request.ack_ids)
    seconds = request.ack_deadline_seconds
    if not 0 <= seconds <= DEADLINE_SECONDS_MAX:
        raise invalid(
            "ack_deadline_seconds",
            f"Invalid ack deadline given: {seconds}. Must be between 0 and {DEADLINE_SECONDS_MAX} seconds.",
        )
    exact, done = await pubsub.store.run(modify_all, name.key, [(handle, seconds) for handle in handles])
    if exact:
        _refuse_lost(pubsub, handles, done)
    return pubsub.types.message("google.protobuf.Empty")()


async def acknowledge_all(tx: Tx, now_us: int, name: Name, handles: Sequence[Handle]) -> tuple[bool, list[bool]]:
    """Acknowledge messages; returns whether the subscription is exact, and which were still held."""
    queue = await queues.find(tx, now_us, name)
    return queue.config.exactly_once, await messages.acknowledge_each(tx, now_us, name, handles)


async def modify_all(tx: Tx, now_us: int, name: Name, changes: Sequence[tuple[Handle, int]]) -> tuple[bool, list[bool]]:
    """Change when leases end, or give up those with 0 seconds; returns as above."""
    queue = await queues.find(tx, now_us, name)
    done = []
    for handle, seconds in changes:
        try:
            if seconds:
                await messages.extend(tx, now_us, name, handle, seconds)
            else:
                await messages.give_up(tx, now_us, name, handle)
        except (LeaseNotHeldError, MessageGoneError):
            done.append(False)
        else:
            done.append(True)
    return queue.config.exactly_once, done


def _handles(ack_ids: Sequence[str]) -> list[Handle]:
    if not ack_ids:
        raise invalid("ack_ids", "No ack ids specified.")
    return read_ack_ids(ack_ids)


def _refuse_lost(pubsub: PubSub, handles: Sequence[Handle], done: Sequence[bool]) -> None:
    """Raise the error that names the ack ids that count no more ("Exactly-once delivery")."""
    lost = [write_ack_id(handle) for handle, held in zip(handles, done, strict=True) if not held]
    if lost:
        info = pubsub.types.message("google.rpc.ErrorInfo")(reason=_INVALID_ACK_ID, domain="pubsub.googleapis.com")
        for ack_id in lost:
            info.metadata[ack_id] = _INVALID_ACK_ID
        raise GrpcError(Code.FAILED_PRECONDITION, "Some acknowledgement ids in the request were out of date.", (info,))
