"""Topics, subscriptions and deliveries, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec

from fogbank.engines.messaging.delivery_model import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.model import Message


# The states of replays.
PENDING: Final = "pending"
RUNNING: Final = "running"
COMPLETED: Final = "completed"
FAILED: Final = "failed"


class TopicConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a topic treats its messages; a cloud's own facts stand in `labels`.

    `ordered`, `content_dedup`, `dedup_by_key` and the window are as in queues; a window of 0 removes none.
    `dialect` names the service that the topic belongs to: how it words what comes to it from other services. With
    `in_turn`, one publication waits for another, so that its copies have numbers in the order in which it publishes:
    replays need that.
    """

    ordered: bool = False
    content_dedup: bool = False
    dedup_by_key: bool = False
    dedup_window_seconds: int = 300
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}
    # The first service to have any: what is stored without a word was made when there was no other.
    dialect: str = "sns"
    in_turn: bool = False


class Topic(NamedTuple):
    """A topic as stored."""

    scope: str
    name: str
    id: int
    config: TopicConfig
    created_us: int


class Replay(msgspec.Struct, frozen=True, array_like=True):
    """A subscription's way through its topic's archive.

    It gets what was published from `since_us` to `until_us` once more, and then what has been published since the
    replay began, which waits until then: `after` is the number of the last message that it got, `known` of the last
    one that it had got, or could have, without the replay.
    """

    since_us: int
    until_us: int
    after: int
    known: int
    state: str = PENDING

    @property
    def going_on(self) -> bool:
        """Whether it isn't over."""
        return self.state in (PENDING, RUNNING)


class SubscriptionConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a subscription takes a topic's messages.

    `filter` is the text of a pattern that messages must match, on their attributes or, with `filter_body`, on
    their body; "" lets all pass. A subscription that isn't `confirmed` gets nothing but the question whether it
    is meant, which is answered with `token`. One that isn't `enabled` gets nothing.

    `courier` names the rules by which deliveries succeed or fail, `retry` is how they are tried again, `dead_letter`
    the endpoint of the queue where those go that were given up, `per_second` how many are sent to an HTTP address in a
    second at most, 0 for no limit. `route`: it was made between services, so it gets
    CloudEvents, and its filter is on these. While its `replay` goes on, it gets nothing else.
    """

    raw: bool = False
    filter: str = ""
    filter_body: bool = False
    confirmed: bool = True
    token: str = ""
    labels: dict[str, str] = {}
    enabled: bool = True
    courier: str = ""
    retry: Retry | None = None
    dead_letter: str = ""
    seconds_max: float = 15
    route: bool = False
    per_second: float = 0
    replay: Replay | None = None

    @property
    def takes(self) -> bool:
        """Whether it gets what is published now."""
        return self.confirmed and self.enabled and not (self.replay is not None and self.replay.going_on)


class Subscription(NamedTuple):
    """A subscription as stored: `kind` says what the endpoint is."""

    topic: int
    id: str
    scope: str
    topic_name: str
    kind: str
    endpoint: str
    config: SubscriptionConfig


class Rendered(NamedTuple):
    """What a subscription gets: for a queue a whole message, for others the content of a delivery.

    `facts` are what the subscription's courier wants to know if the delivery fails. In a queue, a message goes away
    after `lives_seconds`, unless that is 0.
    """

    message: Message | None = None
    content: bytes = b""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    facts: dict[str, str] = {}  # noqa: RUF012 - never changed
    method: str = "POST"
    lives_seconds: float = 0


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
