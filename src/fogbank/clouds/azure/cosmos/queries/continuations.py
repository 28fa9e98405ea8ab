"""Where a query goes on: tokens that clients send back as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place in the results of a query whose text has the checksum `query`.

    Of results that need all documents first, `done` were told. Others go on in the `part`'th part after a document
    (`value` in the index, `partition` and `sort`), where of the next document `rows` results were told already; `done`
    counts those told or left out for OFFSET before. Of several ways to find documents it is the `choice`'th.
    """

    query: int
    done: int = 0
    part: int = 0
    value: bytes | None = None
    partition: bytes = b""
    sort: bytes = b""
    rows: int = 0
    choice: int = 0


_DECODER: Final = msgspec.json.Decoder(Position)
INVALID: Final = "Invalid Continuation Token"


def checksum(text: str) -> int:
    """Return what tells a query's tokens from those of others."""
    return crc32(text.encode(errors="replace"))


def read_position(call: CosmosCall, text: str) -> Position:
    """Return where a request wants to go on; at the beginning without a token."""
    given = call.header(b"x-ms-continuation")
    if not given:
        return Position(checksum(text))
    try:
        found = _DECODER.decode(given)
    except msgspec.MsgspecError:
        raise bad_request(INVALID) from None
    if found.query != checksum(text) or min(found.done, found.part, found.rows, found.choice) < 0:
        raise bad_request(INVALID)
    return found


def write_position(position: Position) -> bytes:
    """Return a token."""
    return msgspec.json.encode(position)
