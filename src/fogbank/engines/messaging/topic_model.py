"""Topics, subscriptions and deliveries, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Message

QUEUE: Final = "queue"
"""The kind of subscription whose endpoint is a queue of this engine: its scope and name, joined by a slash."""


class TopicConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a topic treats its messages; a cloud's own facts stand in `labels`.

    `ordered`, `content_dedup`, `dedup_by_key` and the window are as in queues.
    """

    ordered: bool = False
    content_dedup: bool = False
    dedup_by_key: bool = False
    dedup_window_seconds: int = 300
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}


class Topic(NamedTuple):
    """A topic as stored."""

    scope: str
    name: str
    id: int
    config: TopicConfig
    created_us: int


class SubscriptionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a subscription takes a topic's messages.

    `filter` is the text of a pattern that messages must match, on their attributes or, with `filter_body`, on
    their body; "" lets all pass. A subscription that isn't `confirmed` gets nothing but the question whether it
    is meant, which is answered with `token`.
    """

    raw: bool = False
    filter: str = ""
    filter_body: bool = False
    confirmed: bool = True
    token: str = ""
    labels: dict[str, str] = {}


class Subscription(NamedTuple):
    """A subscription as stored: `kind` says what the endpoint is."""

    topic: int
    id: str
    scope: str
    topic_name: str
    kind: str
    endpoint: str
    config: SubscriptionConfig


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """A message on its way to an endpoint outside this engine; `content` is what the endpoint gets.

    `headers` are facts that the connector hands on; `attempt` counts from 1.
    """

    kind: str
    endpoint: str
    content: bytes
    subscription: str = ""
    headers: dict[str, str] = {}
    attempt: int = 1


class Rendered(NamedTuple):
    """What a subscription gets: for a queue a whole message, for others the content of a delivery."""

    message: Message | None = None
    content: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


Render: TypeAlias = "Callable[[Subscription, Message], Rendered | None]"
"""Makes what a subscription gets of the message, as the topic admitted it; None if its filter says no."""

_TOPIC: Final = msgspec.msgpack.Decoder(TopicConfig)
_SUBSCRIPTION: Final = msgspec.msgpack.Decoder(SubscriptionConfig)
encode: Final = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=4096)
def decode_topic(data: bytes) -> TopicConfig:
    """Read a stored topic's configuration; the same bytes give the same (immutable) object."""
    return _TOPIC.decode(data)


@lru_cache(maxsize=16_384)
def decode_subscription(data: bytes) -> SubscriptionConfig:
    """Read a stored subscription's configuration."""
    return _SUBSCRIPTION.decode(data)
