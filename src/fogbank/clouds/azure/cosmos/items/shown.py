"""Items as they are shown, and what replies about them have in their headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import JSON
from fogbank.clouds.azure.cosmos.rids import document_rid, etag_of
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.engines.documents.model import Document

    Headers = list[tuple[bytes, bytes]]

# The only range of partition keys that a container has.
RANGE: Final = "0"
_encode: Final = msgspec.json.Encoder().encode


def show_item(layout: Layout, document: Document) -> dict[str, Any]:
    """Return an item with what the service adds to it."""
    rid = document_rid(layout.rid, document.created)
    return {
        **document.fields,
        "_rid": rid,
        "_self": f"{layout.link}{rid}/",
        "_etag": etag_of(document.version),
        "_attachments": "attachments/",
        "_ts": document.version // SECOND_US,
    }


def session_headers(version: int) -> Headers:
    """Return the headers that tell up to which write a reply has seen a container."""
    number = b"%d" % version
    return [
        (b"x-ms-session-token", b"0:-1#" + number),
        (b"lsn", number),
        (b"x-ms-documentdb-partitionkeyrangeid", RANGE.encode()),
    ]


def charge_of(size: int, each_kib: float, least: float) -> float:
    """Return about how many request units it takes, by the size in bytes."""
    return round(max(least, least + each_kib * (size - 1_024) / 1_024), 2)


def write_charge(size: int, entries: int = 0) -> float:
    """Return about how many request units a write takes."""
    return round(charge_of(size, 4.76, 5.71) + 0.1 * entries, 2)


def read_charge(size: int) -> float:
    """Return about how many request units a point read takes."""
    return charge_of(size, 0.5, 1.0)


def charged(charge: float) -> tuple[bytes, bytes]:
    """Return the header that tells of a charge."""
    return (b"x-ms-request-charge", b"%.2f" % charge)


def item_response(status: int, layout: Layout, document: Document, charge: float, *, minimal: bool = False) -> Response:
    """Return a reply with an item, or without it where the client wants as little as possible."""
    headers = [
        (b"etag", etag_of(document.version).encode()),
        *session_headers(document.version),
        charged(charge),
    ]
    if minimal:
        return Response(status, headers)
    return Response(status, [JSON, *headers], _encode(show_item(layout, document)))


def feed_response(kind: str, rid: str, items: Iterable[Any], headers: Headers, status: int = 200) -> Response:
    """Return a reply with a list; `kind` is the name of the list's member."""
    found = list(items)
    body = _encode({"_rid": rid, kind: found, "_count": len(found)})
    return Response(status, [JSON, (b"x-ms-item-count", b"%d" % len(found)), *headers], body)
