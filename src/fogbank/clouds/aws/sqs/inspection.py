"""Looking into a queue without receiving: `GET /_aws/sqs/messages?QueueUrl=…`, as LocalStack has it.

Also `/_aws/sqs/messages/REGION/ACCOUNT/NAME`; `ShowInvisible` and `ShowDelayed` show these, too. XML, or JSON where
that is accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.sqs.checksums import body_md5
from fogbank.clouds.aws.sqs.content import system_attributes
from fogbank.clouds.aws.sqs.names import name_from_url
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.model import Handle, Received, decode_message
from fogbank.storage.leasing import leased_queue
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Store, Tx
    from fogbank.storage.leasing.leased_queue import Peeked
    from fogbank.wire.http import Request

REGION: Final = "us-east-1"
MESSAGES_MAX: Final = 10_000
# What stands in place of a receipt handle, since nothing was received.
_NO_RECEIPT: Final = "SQS/BACKDOOR/ACCESS"


async def show_messages(store: Store, request: Request) -> Response:
    """Answer with a queue's messages, the oldest first."""
    values = {key: each[-1] for key, each in parse_qs(request.raw_query).items()}
    as_json = "json" in request.header(b"accept")
    try:
        name = _read_queue(request.raw_path, values)
        shown = await store.scan(_messages, name, _is_set(values, "ShowInvisible"), _is_set(values, "ShowDelayed"))
    except AwsError as error:
        return _error(error.status or 400, error.code, error.message, as_json=as_json)
    except QueueNotFoundError:
        code = "AWS.SimpleQueueService.NonExistentQueue"
        return _error(400, code, "The specified queue does not exist.", as_json=as_json)
    if as_json:
        return _json(200, {"ReceiveMessageResponse": {"ReceiveMessageResult": {"Message": shown}}})
    inner = "".join(f"<Message>{_xml(message)}</Message>" for message in shown)
    text = f"<ReceiveMessageResponse><ReceiveMessageResult>{inner}</ReceiveMessageResult></ReceiveMessageResponse>"
    return Response(200, [(b"Content-Type", b"text/xml")], text.encode())


def _read_queue(path: str, values: dict[str, str]) -> Name:
    parts = path.strip("/").split("/")[3:]
    if len(parts) == 3:
        return scope_key(parts[1], parts[0]), parts[2]
    if parts or "QueueUrl" not in values:
        raise AwsError("MissingParameter", "The request must contain the parameter QueueUrl.")
    return name_from_url(values["QueueUrl"], REGION)


async def _messages(tx: Tx, now_us: int, name: Name, invisible: bool, delayed: bool) -> list[dict[str, Any]]:
    queue = await queues.find(tx, now_us, name)
    found = await leased_queue.peek(tx, now_us, queue.store, MESSAGES_MAX)
    return [
        _show(queue.id, each)
        for each in found
        if each.visible_us <= now_us or (invisible if each.message.token else delayed)
    ]


def _show(queue: int, peeked: Peeked) -> dict[str, Any]:
    leased = peeked.message
    message = decode_message(leased.body)
    handle = Handle(queue, leased.id, leased.token)
    received = Received(message, handle, leased.sent_us, leased.first_us or 0, leased.receives, 0)
    known = system_attributes(received, lambda _: None)
    if not leased.receives:
        del known["ApproximateFirstReceiveTimestamp"]
    return {
        "MessageId": message.id,
        "ReceiptHandle": _NO_RECEIPT,
        "MD5OfBody": body_md5(message.body),
        "Body": message.body.decode("utf-8", "replace"),
        "Attribute": [{"Name": key, "Value": value} for key, value in known.items()],
    }


def _is_set(values: dict[str, str], name: str) -> bool:
    return values.get(name, "").lower() in ("true", "1")


def _xml(value: dict[str, Any]) -> str:
    parts = []
    for key, each in value.items():
        if isinstance(each, list):
            parts += [f"<{key}>{_xml(inner)}</{key}>" for inner in each]
        else:
            parts.append(f"<{key}>{escape(each)}</{key}>")
    return "".join(parts)


def _error(status: int, code: str, message: str, *, as_json: bool) -> Response:
    if as_json:
        return _json(status, {"ErrorResponse": {"Error": {"Type": "Sender", "Code": code, "Message": message}}})
    inner = _xml({"Type": "Sender", "Code": code, "Message": message})
    text = f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>"
    return Response(status, [(b"Content-Type", b"text/xml")], text.encode())


def _json(status: int, value: Any) -> Response:
    return Response(status, [(b"Content-Type", b"application/json")], msgspec.json.encode(value))
