"""Messages: put, get, peek, update, delete, clear.

A pop receipt names a lease. The one that Put Message returns is that of a message nobody has leased yet; each Get and
each Update makes a new one. As in Azure, a receipt counts until somebody gets or updates the message, however long
ago its invisibility ended.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.queues.queues import MESSAGE_BYTES_MAX, name_of, read_number
from fogbank.clouds.azure.storage.documents import NEVER_US, date_of, read_xml, xml_response
from fogbank.clouds.azure.storage.errors import (
    StorageError,
    body_too_large,
    invalid_value,
    invalid_xml,
    out_of_range,
    text_of,
)
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import MessageGoneError
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Handle, Message
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.engines.messaging.model import Name, Received
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

DAY_SECONDS: Final = 86_400
INVISIBLE_SECONDS_MAX: Final = 7 * DAY_SECONDS
LIVES_SECONDS: Final = 7 * DAY_SECONDS
LIVES_SECONDS_MAX: Final = 2**31 - 1
INVISIBLE_SECONDS: Final = 30
TOGETHER_MAX: Final = 32
# A text of the greatest length, each character escaped, and the elements around it.
BODY_BYTES_MAX: Final = 6 * MESSAGE_BYTES_MAX + 1_024
EXPIRES: Final = "expires_us"
_RECEIPT: Final = struct.Struct(">qqq")


def new_message(ids: Ids, sequence: int, body: bytes, now_us: int, lives_seconds: int) -> Message:
    """Return a message; its id tells its place, it lives for so many seconds, or for ever with 0."""
    return new_message_at(sequence, body, now_us, lives_seconds, ids.hex(8))


def new_message_at(
    sequence: int, body: bytes, now_us: int, lives_seconds: int, rest: str = "8000000000000000"
) -> Message:
    """Return a message as above, whose id has nothing random but what is given."""
    h = f"{sequence:016x}{rest}"
    expires_us = now_us + lives_seconds * SECOND_US if lives_seconds else NEVER_US
    identifier = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return Message(identifier, body, system={EXPIRES: str(expires_us)})


def receipt_of(handle: Handle) -> str:
    """Return a lease as a pop receipt."""
    return b64encode(_RECEIPT.pack(*handle)).decode()


def expires_us(message: Message) -> int:
    """Return when a message goes away; those of other services say nothing."""
    return int(message.system.get(EXPIRES, NEVER_US))


def _handle(call: StorageCall) -> Handle:
    """Return the lease that a request's pop receipt is."""
    given = call.query.get("popreceipt")
    if not given:
        raise StorageError(
            400,
            "MissingRequiredQueryParameter",
            "A required query parameter was not specified for this request.",
            {"QueryParameterName": "popreceipt"},
        )
    try:
        handle = Handle(*_RECEIPT.unpack(b64decode(given.replace(" ", "+"), validate=True)))
    except (ValueError, struct.error):
        raise invalid_value("popreceipt", given, "Invalid pop receipt format.") from None
    return handle


async def _check_id(tx: Tx, now_us: int, name: Name, handle: Handle, identifier: str) -> None:
    """Raise `MessageGoneError` for a receipt of another message than the one whose id the request has."""
    if f"{handle.message:016x}" == identifier.replace("-", "")[:16]:
        return
    if (await messages.find(tx, now_us, name, handle)).id.lower() != identifier.lower():
        raise MessageGoneError


def _read_text(data: bytes) -> bytes:
    """Return the text of a message in a request's body."""
    element = read_xml(data, "QueueMessage").find("MessageText")
    if element is None or len(element):
        raise invalid_xml("QueueMessage must have a MessageText.")
    text = (element.text or "").encode()
    if len(text) > MESSAGE_BYTES_MAX:
        raise body_too_large(MESSAGE_BYTES_MAX)
    return text


async def put_message(parts: Parts, call: StorageCall) -> Response:
    """Add a message."""
    lives = read_number(call.query, "messagettl", -1, LIVES_SECONDS_MAX)
    if lives == 0:
        raise out_of_range("messagettl", 0, 1, LIVES_SECONDS_MAX)
    lives_seconds = LIVES_SECONDS if lives is None else max(lives, 0)
    hidden = read_number(call.query, "visibilitytimeout", 0, INVISIBLE_SECONDS_MAX) or 0
    if hidden and lives_seconds and hidden >= lives_seconds:
        raise out_of_range("visibilitytimeout", hidden, 0, lives_seconds - 1)
    text = _read_text(await call.request.read(BODY_BYTES_MAX))
    sequence, now_us = parts.ids.sequence(), parts.clock.now()
    message = new_message(parts.ids, sequence, text, now_us, lives_seconds)
    name = name_of(call)
    queue = await parts.store.run(_put, name, Send(message, sequence, hidden, len(text), lives_seconds))
    receipt = receipt_of(Handle(queue, sequence, 0))
    return xml_response(
        201,
        f"<QueueMessagesList><QueueMessage><MessageId>{message.id}</MessageId><InsertionTime>{date_of(now_us)}"
        f"</InsertionTime><ExpirationTime>{date_of(expires_us(message))}</ExpirationTime><PopReceipt>{receipt}"
        f"</PopReceipt><TimeNextVisible>{date_of(now_us + hidden * SECOND_US)}</TimeNextVisible></QueueMessage>"
        "</QueueMessagesList>",
    )


async def _put(tx: Tx, now_us: int, name: Name, send: Send) -> int:
    queue = await queues.find(tx, now_us, name)
    await messages.send_to(tx, now_us, queue, [send])
    return queue.id


async def get_messages(parts: Parts, call: StorageCall) -> Response:
    """Get messages, which nobody else sees for a while."""
    count = read_number(call.query, "numofmessages", 1, TOGETHER_MAX) or 1
    hidden = read_number(call.query, "visibilitytimeout", 1, INVISIBLE_SECONDS_MAX) or INVISIBLE_SECONDS
    receipt = await parts.receiver.receive(name_of(call), count, hidden, 0)
    visible_us = parts.clock.now() + hidden * SECOND_US
    return _listed(receipt.messages, visible_us)


async def peek_messages(parts: Parts, call: StorageCall) -> Response:
    """Show messages that could be got now."""
    count = read_number(call.query, "numofmessages", 1, TOGETHER_MAX) or 1
    return _listed(await parts.store.read(messages.peek, name_of(call), count), None)


def _listed(found: list[Received], visible_us: int | None) -> Response:
    shown = []
    for received in found:
        message = received.message
        lease = ""
        if visible_us is not None:
            lease = (
                f"<PopReceipt>{receipt_of(received.handle)}</PopReceipt>"
                f"<TimeNextVisible>{date_of(visible_us)}</TimeNextVisible>"
            )
        shown.append(
            f"<QueueMessage><MessageId>{message.id}</MessageId><InsertionTime>{date_of(received.sent_us)}"
            f"</InsertionTime><ExpirationTime>{date_of(expires_us(message))}</ExpirationTime>{lease}<DequeueCount>"
            f"{received.receives}</DequeueCount><MessageText>{text_of(message.body.decode('utf-8', 'replace'))}"
            "</MessageText></QueueMessage>"
        )
    return xml_response(200, f"<QueueMessagesList>{''.join(shown)}</QueueMessagesList>")


async def update_message(parts: Parts, call: StorageCall) -> Response:
    """Let a message be seen at another time, and change its text if the request has one."""
    hidden = read_number(call.query, "visibilitytimeout", 0, INVISIBLE_SECONDS_MAX)
    if hidden is None:
        message = "A required query parameter was not specified for this request."
        details = {"QueryParameterName": "visibilitytimeout"}
        raise StorageError(400, "MissingRequiredQueryParameter", message, details)
    data = await call.request.read(BODY_BYTES_MAX)
    text = _read_text(data) if data else None
    handle, name = _handle(call), name_of(call)
    renewed = await parts.store.run(_update, name, handle, call.path[2], hidden, parts.ids.sequence(), text)
    headers = [
        (b"x-ms-popreceipt", receipt_of(renewed).encode()),
        (b"x-ms-time-next-visible", date_of(parts.clock.now() + hidden * SECOND_US).encode()),
    ]
    return Response(204, headers)


async def _update(
    tx: Tx,
    now_us: int,
    name: Name,
    handle: Handle,
    identifier: str,
    hidden_seconds: int,
    token: int,
    text: bytes | None,
) -> Handle:
    await _check_id(tx, now_us, name, handle, identifier)
    message = await messages.find(tx, now_us, name, handle)
    if hidden_seconds and now_us + hidden_seconds * SECOND_US >= expires_us(message):
        left = max(0, (expires_us(message) - now_us) // SECOND_US)
        raise out_of_range("visibilitytimeout", hidden_seconds, 0, left)
    changed = None if text is None else msgspec.structs.replace(message, body=text)
    return await messages.renew(tx, now_us, name, handle, hidden_seconds, token, changed)


async def delete_message(parts: Parts, call: StorageCall) -> Response:
    """Delete a message by its pop receipt."""
    await parts.store.run(_delete, name_of(call), _handle(call), call.path[2])
    return Response(204, [])


async def _delete(tx: Tx, now_us: int, name: Name, handle: Handle, identifier: str) -> None:
    await _check_id(tx, now_us, name, handle, identifier)
    if not await messages.acknowledge(tx, now_us, name, handle):
        await messages.refuse(tx, now_us, name, handle)


async def clear_messages(parts: Parts, call: StorageCall) -> Response:
    """Delete all messages of a queue."""
    await parts.store.run(queues.empty, name_of(call), parts.ids.sequence())
    return Response(204, [])
