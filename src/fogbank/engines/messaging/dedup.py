"""Removing duplicates: by ids, within a window, for queues and topics alike."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import msgspec

from fogbank.engines.messaging.errors import DedupIdMissingError
from fogbank.kernel.clock import SECOND_US
from fogbank.storage.leasing import duplicates

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Message
    from fogbank.kernel.errors import EngineError
    from fogbank.storage import Tx


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """What the sender is told; the sender of a duplicate is told what the first one was."""

    id: str
    sequence: int


class DedupPolicy(Protocol):
    """The part of a configuration that says how duplicates are told."""

    @property
    def content_dedup(self) -> bool:
        """Whether a message without an id goes by a hash of its body."""

    @property
    def dedup_by_key(self) -> bool:
        """Whether ids count within their ordering key only."""

    @property
    def dedup_window_seconds(self) -> int:
        """How long an id is remembered."""


async def admit(
    tx: Tx, now_us: int, owner: int, policy: DedupPolicy, message: Message, sequence: int
) -> Message | Sent | EngineError:
    """Return the message with its dedup id, or what the first one with that id became, or why it can't be.

    `owner` is the number of the queue or topic that the ids count in.
    """
    if not message.dedup_id:
        if not policy.content_dedup:
            return DedupIdMissingError()
        message = msgspec.structs.replace(message, dedup_id=sha256(message.body).hexdigest())
    key = f"{message.ordering_key}\0{message.dedup_id}" if policy.dedup_by_key else message.dedup_id
    window_us = policy.dedup_window_seconds * SECOND_US
    mine = msgspec.msgpack.encode(Sent(message.id, sequence))
    first = await duplicates.remember(tx, now_us, owner, key.encode(), window_us, mine)
    return message if first is None else msgspec.msgpack.decode(first, type=Sent)
