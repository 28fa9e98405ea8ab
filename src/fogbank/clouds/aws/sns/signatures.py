"""Signatures of what SNS sends to HTTP addresses and by e-mail as JSON.

Amazon SNS Developer Guide, "Verifying the signatures of Amazon SNS messages": some of the envelope's members, each
as its name and value on lines of their own, in byte order; version 1 signs with SHA-1, version 2 with SHA-256.
Copies for queues and functions are not signed: they never leave the server.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.certificates import SNS_KEY, sns_certificate_path
from fogbank.engines.messaging.delivery_model import MAIL
from fogbank.engines.outbox import outbox

if TYPE_CHECKING:
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.delivery_model import Delivery

# Facts of a delivery whose envelope is to be signed: the version of the signature, and where the server is.
VERSION: Final = "sign"
ORIGIN: Final = "origin"
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def to_be_signed(version: str, origin: str) -> dict[str, str]:
    """Return the facts of a delivery whose envelope is to be signed."""
    return {VERSION: version, ORIGIN: origin}


async def sign(signer: Signer, delivery: Delivery, _now_us: int) -> Delivery:
    """Return a delivery with its envelope signed, if that is to be."""
    version = delivery.facts.get(VERSION)
    if version is None:
        return delivery
    origin = delivery.facts[ORIGIN]
    key = await signer.key(SNS_KEY)

    def signed(envelope: dict[str, Any]) -> bytes:
        signature = key.sign(_text(envelope), "sha1" if version == "1" else "sha256")
        unsubscribe = envelope.pop("UnsubscribeURL", None)
        attributes = envelope.pop("MessageAttributes", None)
        envelope["SignatureVersion"] = version
        envelope["Signature"] = b64encode(signature).decode()
        envelope["SigningCertURL"] = origin + sns_certificate_path(key.id)
        if unsubscribe is not None:
            envelope["UnsubscribeURL"] = unsubscribe
        if attributes is not None:
            envelope["MessageAttributes"] = attributes
        return msgspec.json.encode(envelope)

    if delivery.kind == MAIL:
        mail = outbox.decode(delivery.content)
        text = signed(msgspec.json.decode(mail.text)).decode()
        content = outbox.encode(msgspec.structs.replace(mail, text=text))
    else:
        content = signed(msgspec.json.decode(delivery.content))
    return msgspec.structs.replace(delivery, content=content)


def _text(envelope: dict[str, Any]) -> bytes:
    members = _NOTIFICATION if envelope["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{envelope[name]}\n" for name in members if name in envelope).encode()
