"""What a topic itself retains, for subscriptions that go back to before they were there, or to what they never kept.

Google Cloud, "Replay and purge messages with seek", Topic message retention: the topic has a queue of its own, which
nobody receives from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.pubsub.names import TOPICS, read_name
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.archiving import archives
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import decode_message
from fogbank.languages.pubsub_filter import compile_filter
from fogbank.storage.leasing import leased_queue
from fogbank.wire.grpc.status import GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx

LOG: Final = "retained"
_PAGE: Final = 1_000


def log_of(topic: Name) -> Name:
    """Return the name of a topic's log."""
    scope, name = topic
    return scope, f"{LOG}/{name.partition('/')[2]}"


async def keep(tx: Tx, now_us: int, topic: Name, number: int, seconds: int) -> None:
    """Have a topic retain its messages for so long, 0 for not at all: a store operation."""
    if seconds:
        await archives.keep(tx, now_us, topic, log_of(topic), number, seconds)
    else:
        await drop(tx, now_us, topic)


async def drop(tx: Tx, now_us: int, topic: Name) -> None:
    """Forget what a topic retains: a store operation."""
    await archives.drop(tx, now_us, log_of(topic))


async def replay(tx: Tx, now_us: int, subscription: Name, message: Any, at_us: int, draw: Callable[[], int]) -> None:
    """Give a subscription what its topic retains since a time and it hasn't itself: a store operation."""
    try:
        topic = read_name(message.topic, TOPICS, "topic")
        log = await queues.find(tx, now_us, log_of(topic.key))
    except (GrpcError, QueueNotFoundError):
        return
    queue = await queues.find(tx, now_us, subscription)
    has = {*await _ids(tx, now_us, queue.store), *await _ids(tx, now_us, -queue.store)}
    wanted = compile_filter(message.filter) if message.filter else None
    after = 0
    while page := await leased_queue.peek(tx, now_us, log.store, _PAGE, after):
        after = page[-1].message.id
        found = [decode_message(each.message.body) for each in page if each.message.sent_us >= at_us]
        sends = [
            Send(each, draw())
            for each in found
            if each.id not in has and (wanted is None or wanted(_attributes(each.body)))
        ]
        if sends:
            await messages.send_to(tx, now_us, queue, sends)


def _attributes(body: bytes) -> Any:
    return pubsub_types().message("google.pubsub.v1.PubsubMessage").FromString(body).attributes


async def _ids(tx: Tx, now_us: int, store: int) -> list[str]:
    ids: list[str] = []
    after = 0
    while page := await leased_queue.peek(tx, now_us, store, _PAGE, after):
        after = page[-1].message.id
        ids += [decode_message(each.message.body).id for each in page]
    return ids
