"""What subscribers receive, in protobuf's bytes: messages are stored as such and put together without parsing.

Google Cloud, "google.pubsub.v1": ReceivedMessage has the ack id as field 1, the message as 2, the attempt as 3;
responses of Pull and StreamingPull have these as field 1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.messaging.model import Handle
from fogbank.wire.grpc.encoded import varint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.engines.messaging.model import Received

_ACK_ID: Final = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})-([0-9a-f]{1,16})")


def write_ack_id(handle: Handle) -> str:
    """Return the ack id of a lease."""
    return f"{handle.queue:x}-{handle.message:x}-{handle.token:x}"


def read_ack_id(text: str) -> Handle | None:
    """Return the lease of an ack id, None for what is none."""
    match = _ACK_ID.fullmatch(text)
    if match is None:
        return None
    first, second, third = match.groups()
    handle = Handle(int(first, 16), int(second, 16), int(third, 16))
    return handle if max(handle) < 1 << 63 else None


def read_ack_ids(texts: Iterable[str]) -> list[Handle]:
    """Return the leases of ack ids; raises `GrpcError` for what is none."""
    handles = []
    for text in texts:
        handle = read_ack_id(text)
        if handle is None:
            raise invalid("ack_ids", f"You have passed an invalid ack ID to the service (ack_id={text}).")
        handles.append(handle)
    return handles


def write_received(received: Received, attempt: int) -> bytes:
    """Return a message as field 1 of a response; attempt 0 is none."""
    ack_id = write_ack_id(received.handle).encode()
    body = received.message.body
    inner = b"\x0a%b%b\x12%b%b" % (varint(len(ack_id)), ack_id, varint(len(body)), body)
    if attempt:
        inner += b"\x18" + varint(attempt)
    return b"\x0a%b%b" % (varint(len(inner)), inner)
