"""Publish: google.pubsub.v1.Publisher's busiest method.

A message is stored as its own bytes in protobuf, so that what subscribers get is put together without parsing.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.pubsub.names import TOPICS, read_name
from fogbank.clouds.gcp.pubsub.schemas.topics import check_messages
from fogbank.clouds.gcp.pubsub.service import FACTS, PACKAGE, not_found
from fogbank.clouds.gcp.pubsub.shapes import publish_time, pubsub_types
from fogbank.clouds.gcp.pubsub.topics import SCHEMA
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered, Subscription, Topic
from fogbank.languages.pubsub_filter import compile_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.clouds.gcp.pubsub.service import PubSub
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# Google Cloud, "Pub/Sub quotas and limits".
MESSAGES_MAX: Final = 1_000
REQUEST_BYTES_MAX: Final = 10_000_000
ATTRIBUTES_MAX: Final = 100
KEY_BYTES_MAX: Final = 256
VALUE_BYTES_MAX: Final = 1_024
ORDERING_KEY_BYTES_MAX: Final = 1_024


async def publish(pubsub: PubSub, call: Call, request: Any) -> Any:
    """Publish messages to a topic; their ids are in the messages' order."""
    del call
    name = read_name(request.topic, TOPICS, "topic")
    _check(request)
    now_us = pubsub.clock.now()
    items = _publications(pubsub, request, now_us)
    try:
        unchecked = await pubsub.store.run(_publish, name.key, items, pubsub.ids.sequence)
        if unchecked is not None:
            topic = pubsub.message("Topic").FromString(b64decode(unchecked.config.labels[FACTS]))
            await check_messages(pubsub, topic.schema_settings, request.messages)
            items = _publications(pubsub, request, now_us)
            await pubsub.store.run(publishing.publish, name.key, items, pubsub.ids.sequence)
    except TopicNotFoundError:
        raise not_found(request.topic) from None
    response = pubsub.message("PublishResponse")()
    response.message_ids.extend([item.message.id for item in items])
    return response


def _publications(pubsub: PubSub, request: Any, now_us: int) -> list[Publication]:
    numbers = pubsub.ids.sequences(len(request.messages))
    return [publication(each, number, now_us) for each, number in zip(request.messages, numbers, strict=True)]


async def _publish(tx: Tx, now_us: int, name: Name, items: list[Publication], draw: Callable[[], int]) -> Topic | None:
    """Publish, unless the topic has a schema, which is checked outside of the store: then return the topic."""
    topic = await topics.find(tx, now_us, name)
    if SCHEMA in topic.config.labels:
        return topic
    await publishing.publish_to(tx, now_us, topic, items, draw)
    return None


def publication(message: Any, sequence: int, now_us: int, hops: int = 0) -> Publication:
    """Return what is published of a PubsubMessage: its bytes, with its id (field 3) and its time behind them."""
    number = str(sequence)
    if message.HasField("publish_time"):
        message.ClearField("publish_time")
    body = b"%b\x1a%c%b%b" % (message.SerializeToString(), len(number), number.encode(), publish_time(now_us))
    stored = Message(number, body, {}, message.ordering_key)
    render = partial(_render, message.attributes) if message.attributes else _render_bare
    return Publication(stored, sequence, render, _as_cloud_event, hops)


def _render(attributes: Mapping[str, str], subscription: Subscription, message: Message) -> Rendered | None:
    """Return what a subscription gets: the message, unless its filter says no."""
    text = subscription.config.filter
    if text and not compile_filter(text)(attributes):
        return None
    return Rendered(message)


def _render_bare(subscription: Subscription, message: Message) -> Rendered | None:
    text = subscription.config.filter
    return Rendered(message) if not text or compile_filter(text)({}) else None


def read_message(stored: Message) -> Any:
    """Return the PubsubMessage that a stored message is."""
    return pubsub_types().message(f"{PACKAGE}.PubsubMessage").FromString(stored.body)


def _as_cloud_event(topic: Topic, stored: Message) -> bytes:
    """Return a message as a CloudEvent ("CloudEvents - JSON event format: Pub/Sub")."""
    message = read_message(stored)
    project = topic.scope.split("/")[1]
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": message.message_id,
            "source": f"//pubsub.googleapis.com/projects/{project}/{topic.name}",
            "type": "google.cloud.pubsub.topic.v1.messagePublished",
            "datacontenttype": "application/json",
            "time": show_time(message.publish_time),
            "data": {"message": as_json(message)},
        }
    )


def show_time(timestamp: Any) -> str:
    """Return a time in ProtoJSON's form."""
    return str(timestamp.ToJsonString())


def as_json(message: Any) -> dict[str, Any]:
    """Return a message as push requests have it ("Receive push messages")."""
    shown: dict[str, Any] = {}
    if message.attributes:
        shown["attributes"] = dict(message.attributes)
    if message.data:
        shown["data"] = b64encode(message.data).decode()
    time = show_time(message.publish_time)
    shown |= {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": time,
        "publish_time": time,
    }
    if message.ordering_key:
        shown["orderingKey"] = message.ordering_key
    return shown


def _check(request: Any) -> None:
    messages = request.messages
    if not messages:
        raise invalid("messages", "The value for message_count is too small. You passed 0 in the request, but the"
                                  " minimum value is 1.")  # fmt: skip
    if len(messages) > MESSAGES_MAX:
        raise invalid("messages", f"The value for message_count is too large. You passed {len(messages)} in the"
                                  f" request, but the maximum value is {MESSAGES_MAX}.")  # fmt: skip
    size = request.ByteSize()
    if size > REQUEST_BYTES_MAX:
        raise invalid("messages", f"The value for request_size is too large. You passed {size} in the request, but"
                                  f" the maximum value is {REQUEST_BYTES_MAX}.")  # fmt: skip
    for message in messages:
        if not message.data and not message.attributes:
            raise invalid("messages", "Some messages in the batch are empty: a message has data or attributes.")
        if message.attributes:
            _check_attributes(message.attributes)
        if message.ordering_key and len(message.ordering_key.encode()) > ORDERING_KEY_BYTES_MAX:
            raise invalid("messages", f"An ordering key has at most {ORDERING_KEY_BYTES_MAX} bytes.")


def _check_attributes(attributes: Mapping[str, str]) -> None:
    if len(attributes) > ATTRIBUTES_MAX:
        raise invalid("messages", f"A message has at most {ATTRIBUTES_MAX} attributes, not {len(attributes)}.")
    for key, value in attributes.items():
        if not 0 < len(key.encode()) <= KEY_BYTES_MAX or key.startswith("goog"):
            raise invalid("messages", f"Invalid attribute key {key[:64]!r}: 1 to 256 bytes, not beginning with goog.")
        if len(value.encode()) > VALUE_BYTES_MAX:
            raise invalid("messages", f"The value of the attribute {key!r} has more than {VALUE_BYTES_MAX} bytes.")
