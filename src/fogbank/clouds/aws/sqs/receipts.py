"""Receipt handles: leases as opaque text."""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

from fogbank.clouds.aws.sqs.errors import invalid_receipt
from fogbank.engines.messaging.model import Handle

_FORM: Final = struct.Struct(">3sQQQ")
_MARK: Final = b"\x01\x01\x01"


def write_receipt(handle: Handle) -> str:
    """Return the receipt handle of a lease."""
    return b64encode(_FORM.pack(_MARK, *handle)).decode()


def read_receipt(text: str) -> Handle:
    """Return the lease of a receipt handle, or raise `ReceiptHandleIsInvalid`."""
    try:
        mark, *parts = _FORM.unpack(b64decode(text, validate=True))
    except (struct.error, Base64Error, ValueError):
        raise invalid_receipt(text) from None
    if mark != _MARK:
        raise invalid_receipt(text)
    return Handle(*parts)
