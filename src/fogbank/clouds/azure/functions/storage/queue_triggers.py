"""Queue triggers: each is a trigger of the engine, made and changed when the app is indexed.

"Azure Queue storage trigger for Azure Functions": a message is leased while its function runs; if that fails, it is
seen again after the visibilityTimeout of host.json, and after maxDequeueCount attempts goes to the poison queue. So
does at once what isn't in base64 where host.json says that messages are. Nothing is polled for: a message that comes
is handed over, so maxPollingInterval has no consequences.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.functions.apps import QueueSettings
from fogbank.clouds.azure.functions.storage.connections import account_of
from fogbank.clouds.azure.functions.triggering.following import id_of
from fogbank.clouds.azure.queues.messages import expires_us, new_message_at, receipt_of
from fogbank.clouds.azure.queues.queues import NEW_QUEUE
from fogbank.clouds.azure.storage.accounts import scope_of
from fogbank.connectors.queue_triggers import KIND, UnreadableError
from fogbank.engines.functions.model import TriggerConfig
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import LeaseNotHeldError, MessageGoneError, QueueNotFoundError
from fogbank.engines.messaging.messages import Send
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.functions.apps import App, Entry
    from fogbank.engines.functions.model import Trigger
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.storage import Tx

FORMAT: Final = "azure.storage-queue"
TYPE: Final = "queuetrigger"
LEASE_SECONDS: Final = 600
# What a function's time limit leaves to the server for what follows.
MARGIN_SECONDS: Final = 60
POISON: Final = "-poison"


def queue_of(binding: Mapping[str, Any], settings: Mapping[str, str]) -> Name:
    """Return the queue that a binding names; raises `ConnectionNameError`."""
    account = account_of(str(binding.get("connection") or ""), settings)
    return scope_of(account), str(binding.get("queueName", "")).lower()


def trigger_of(app: App, entry: Entry, settings: Mapping[str, str]) -> tuple[str, str, TriggerConfig]:
    """Return a queue trigger's id, its source and how it takes messages."""
    scope, queue = queue_of(entry.trigger, settings)
    told = app.host.queues
    config = TriggerConfig(
        KIND,
        FORMAT,
        batch_size=1,
        concurrency_max=told.batch_size + told.threshold,
        labels={"settings": msgspec.json.encode(told).decode()},
        context={"function": entry.name, "reason": f"New queue message detected on '{queue}'.", "text": "1"},
        lease_seconds=max(LEASE_SECONDS, app.function.config.timeout_seconds + MARGIN_SECONDS),
    )
    return id_of(app.function, entry.name), f"{scope}/{queue}", config


def metadata_of(received: Received, now_us: int) -> dict[str, Any]:
    """Return what a function is told of a message besides its content."""
    return {
        "DequeueCount": received.receives,
        "ExpirationTime": _moment(expires_us(received.message)),
        "Id": received.message.id,
        "InsertionTime": _moment(received.sent_us),
        "NextVisibleTime": _moment(now_us + LEASE_SECONDS * SECOND_US),
        "PopReceipt": receipt_of(received.handle),
    }


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // SECOND_US, UTC).isoformat()


def _settings(trigger: Trigger) -> QueueSettings:
    return msgspec.json.decode(trigger.config.labels["settings"], type=QueueSettings)


def event(trigger: Trigger, _queue: Queue, batch: list[Received]) -> bytes:
    """Return what a function gets of a message."""
    return decode_body(batch[0].message.body, _settings(trigger).encoding)


def decode_body(body: bytes, encoding: str) -> bytes:
    """Return a message's content; raises `UnreadableError`."""
    if encoding == "none":
        return body
    try:
        return b64decode(body, validate=True)
    except (Base64Error, ValueError):
        raise UnreadableError from None


async def failed(tx: Tx, now_us: int, trigger: Trigger, received: Received, unreadable: bool, sequence: int) -> None:
    """Let a message be seen again, or put it into the poison queue, which is made if it isn't there."""
    settings = _settings(trigger)
    scope, _, name = trigger.source.rpartition("/")
    queue = (scope, name)
    try:
        if not unreadable and received.receives < settings.attempts_max:
            await messages.give_up(tx, now_us, queue, received.handle, settings.again_seconds)
            return
        if not await messages.acknowledge(tx, now_us, queue, received.handle):
            return
    except (LeaseNotHeldError, MessageGoneError, QueueNotFoundError):
        return
    poison = (scope, name + POISON)
    await queues.create(tx, now_us, poison, sequence, NEW_QUEUE)
    message = new_message_at(sequence, received.message.body, now_us, 0)
    await messages.send(tx, now_us, poison, [Send(message, sequence, 0, len(message.body))])
