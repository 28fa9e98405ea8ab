"""Queues and messages, in neutral words."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing.leased_queue import Rules

Name: TypeAlias = "tuple[str, str]"
"""A resource's scope key and its name within that scope."""


class DeadLetterPolicy(msgspec.Struct, frozen=True, array_like=True):
    """Where a message goes that was received `receives_max` times and not acknowledged.

    To a queue or, with `to_topic`, to a topic; to none, if `name` is empty: it is dropped.
    """

    scope: str
    name: str
    receives_max: int
    to_topic: bool = False


class PushPolicy(msgspec.Struct, frozen=True, array_like=True):
    """Where a queue's messages are pushed, and how long an answer may take."""

    endpoint: str
    seconds_max: float


class QueueConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a queue treats its messages; a cloud's own settings that no policy reads stand in `labels`.

    `ordered`: messages of one ordering key are delivered in order, one holder at a time. `content_dedup`: a
    message without a dedup id goes by a hash of its body. `dedup_by_key`: dedup ids count within their
    ordering key only. `keyless`: in an ordered queue, messages without a key have no order. `redeliver_suffix`:
    with a message that comes back, all later ones of its key do. `exactly_once`: only a lease that is not over
    can be acknowledged. `retain_acked`: acknowledged messages are kept, for as long as others, to go back to them
    (`queues.go_back`, `snapshots`). `backoff_min_seconds`, `backoff_max_seconds`: how long a message waits that was
    given up or whose lease ran out, twice as long each time. `dialect` names the service that the queue belongs to.
    A queue with `push` is worked off by the server. `fair_by_key`: in a queue without order, ordering keys are tenants;
    once a message has one, the queue is `fair` and serves its tenants in turn. Times are in seconds.
    """

    lease_seconds: int = 30
    delay_seconds: int = 0
    retention_seconds: int = 345_600
    wait_seconds: int = 0
    message_bytes_max: int = 1_048_576
    ordered: bool = False
    content_dedup: bool = False
    dedup_by_key: bool = False
    dedup_window_seconds: int = 300
    dead_letter: DeadLetterPolicy | None = None
    labels: dict[str, str] = {}
    tags: dict[str, str] = {}
    keyless: bool = False
    redeliver_suffix: bool = False
    exactly_once: bool = False
    retain_acked: bool = False
    backoff_min_seconds: float = 0
    backoff_max_seconds: float = 0
    # The first service to have any: what is stored without a word was made when there was no other.
    dialect: str = "sqs"
    push: PushPolicy | None = None
    fair_by_key: bool = True
    fair: bool = False

    @property
    def rules(self) -> Rules:
        """The configuration as the leased queue has it."""
        return Rules(
            self.ordered,
            self.keyless,
            self.redeliver_suffix,
            self.exactly_once,
            self.retain_acked,
            int(self.backoff_min_seconds * SECOND_US),
            int(self.backoff_max_seconds * SECOND_US),
            self.fair,
        )


class Queue(NamedTuple):
    """A queue as stored."""

    scope: str
    name: str
    id: int
    store: int
    config: QueueConfig
    created_us: int
    modified_us: int


class Attribute(msgspec.Struct, frozen=True, array_like=True):
    """A typed attribute of a message; the type's words are the sender's. Text is kept in UTF-8."""

    type: str
    value: bytes
    binary: bool = False


class Message(msgspec.Struct, frozen=True, array_like=True):
    """What a sender hands over, and what a receiver gets back unchanged. Text is kept in UTF-8.

    `system` holds facts that a cloud attaches, such as a trace header or who sent it.
    """

    id: str
    body: bytes
    attributes: dict[str, Attribute] = {}
    ordering_key: str = ""
    dedup_id: str = ""
    system: dict[str, str] = {}


class Received(NamedTuple):
    """A message under lease. `handle` names the lease; `receives` counts this one.

    `origin` is the id of the queue that dead-lettered it, 0 if none did.
    """

    message: Message
    handle: Handle
    sent_us: int
    first_us: int
    receives: int
    origin: int


class Handle(NamedTuple):
    """A lease: the queue's id, the message in it, and the token of this lease."""

    queue: int
    message: int
    token: int


_CONFIG: Final = msgspec.msgpack.Decoder(QueueConfig)
_MESSAGE: Final = msgspec.msgpack.Decoder(Message)
_ENCODER: Final = msgspec.msgpack.Encoder()


@lru_cache(maxsize=4096)
def decode_config(data: bytes) -> QueueConfig:
    """Read a stored configuration; the same bytes give the same (immutable) object."""
    return _CONFIG.decode(data)


def encode_config(config: QueueConfig) -> bytes:
    """Write a configuration for storing."""
    return _ENCODER.encode(config)


def decode_message(data: bytes) -> Message:
    """Read a stored message."""
    return _MESSAGE.decode(data)


def encode_message(message: Message) -> bytes:
    """Write a message for storing."""
    return _ENCODER.encode(message)
