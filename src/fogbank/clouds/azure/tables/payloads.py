"""Answers in OData's JSON, with the metadata that a client asks for.

"Payload format for Table service operations"
(https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations): none, minimal, full.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import (
    PARTITION_KEY,
    ROW_KEY,
    TIMESTAMP,
    TYPE,
    properties_of,
    show_moment,
    show_properties,
)
from fogbank.clouds.azure.tables.errors import NO_ATOM, NO_SUCH_MEDIA, invalid_input, refusal
from fogbank.clouds.azure.tables.resources import link_of, root_of
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.engines.documents.model import Document
    from fogbank.wire.http import Request

    Headers = list[tuple[bytes, bytes]]

NONE: Final = "nometadata"
MINIMAL: Final = "minimalmetadata"
FULL: Final = "fullmetadata"
_LEVELS: Final = {"odata=nometadata": NONE, "odata=minimalmetadata": MINIMAL, "odata=fullmetadata": FULL}
_KEYS: Final = frozenset({PARTITION_KEY, ROW_KEY, TIMESTAMP})


class Frame(NamedTuple):
    """Where an answer goes: the level of metadata, the address of the account's tables, the account's name."""

    level: str
    root: str
    account: str


def read_frame(call: StorageCall) -> Frame:
    """Return how a request wants its answer, or raise the error for a form that there isn't."""
    return Frame(_level(call.query.get("$format") or call.request.header(b"accept")), root_of(call), call.account)


def _level(accept: str) -> str:
    for each in accept.lower().split(",") if accept else ("*/*",):
        media, *parameters = (part.strip() for part in each.split(";"))
        if media in ("application/json", "*/*", "application/*", "json", "text/plain"):
            return next((_LEVELS[each] for each in parameters if each in _LEVELS), MINIMAL)
    raise refusal(NO_ATOM) if "atom" in accept.lower() else refusal(NO_SUCH_MEDIA)


async def read_json(request: Request, limit: int) -> Any:
    """Return the value that a request's body is."""
    media = request.header(b"content-type").lower()
    if "atom" in media:
        raise refusal(NO_ATOM)
    data = await request.read(limit)
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise invalid_input("The body must be JSON.") from None


def told_version(version: int) -> str:
    """Return the time of a write as `Timestamp` tells it."""
    at = datetime.fromtimestamp(version // SECOND_US, UTC).replace(tzinfo=None)
    return show_moment(f"{at.isoformat()}.{version % SECOND_US:06d}0Z")


def etag_of(version: int) -> str:
    """Return the entity tag of a write."""
    return f"W/\"datetime'{quote(told_version(version), safe='')}'\""


def show_entity(frame: Frame, table: str, document: Document, select: Sequence[str] = ()) -> dict[str, Any]:
    """Return an entity as JSON has it, or those of its properties that are wanted; what it lacks is null."""
    properties = properties_of(document)
    partition, row = properties[PARTITION_KEY], properties[ROW_KEY]
    shown: dict[str, Any] = {}
    if frame.level == FULL:
        link = link_of(table, partition, row)
        shown["odata.type"] = f"{frame.account}.{table}"
        shown["odata.id"] = f"{frame.root}/{link}"
        shown["odata.etag"] = etag_of(document.version)
        shown["odata.editLink"] = link
    elif frame.level == MINIMAL:
        shown["odata.etag"] = etag_of(document.version)
    wanted = {name: properties.get(name) for name in select if name != TIMESTAMP} if select else properties
    typed = frame.level != NONE
    shown |= show_properties({name: value for name, value in wanted.items() if name in _KEYS}, typed=typed)
    if not select or TIMESTAMP in select:
        if frame.level == FULL:
            shown[TIMESTAMP + TYPE] = "Edm.DateTime"
        shown[TIMESTAMP] = told_version(document.version)
    shown |= show_properties({name: value for name, value in wanted.items() if name not in _KEYS}, typed=typed)
    return shown


def show_table(frame: Frame, table: str) -> dict[str, Any]:
    """Return a table as JSON has it."""
    if frame.level != FULL:
        return {"TableName": table}
    link = table_link(table)
    return {
        "odata.type": f"{frame.account}.Tables",
        "odata.id": f"{frame.root}/{link}",
        "odata.editLink": link,
        "TableName": table,
    }


def table_link(table: str) -> str:
    """Return a table's address below that of the account's tables."""
    name = quote(table.replace("'", "''"), safe="")
    return f"Tables('{name}')"


def one(frame: Frame, status: int, of: str, shown: dict[str, Any], headers: Headers | None = None) -> Response:
    """Return the answer that one thing of a set makes."""
    metadata = {} if frame.level == NONE else {"odata.metadata": f"{frame.root}/$metadata#{of}/@Element"}
    return _json(frame, status, {**metadata, **shown}, headers)


def many(frame: Frame, of: str, shown: Iterable[dict[str, Any]], headers: Headers | None = None) -> Response:
    """Return the answer that some of a set make."""
    metadata = {} if frame.level == NONE else {"odata.metadata": f"{frame.root}/$metadata#{of}"}
    return _json(frame, 200, {**metadata, "value": list(shown)}, headers)


def _json(frame: Frame, status: int, value: Any, headers: Headers | None) -> Response:
    content = f"application/json;odata={frame.level};streaming=true;charset=utf-8".encode()
    return Response(status, [(b"Content-Type", content), *(headers or ())], msgspec.json.encode(value))


def read_select(call: StorageCall) -> tuple[str, ...]:
    """Return the names of the properties that a request wants, none for all."""
    given = call.query.get("$select", "").strip()
    if not given or given == "*":
        return ()
    names = tuple(name.strip() for name in given.split(","))
    if len(names) > 255 or not all(names):
        raise StorageError(400, "InvalidInput", "One of the request inputs is not valid. ($select)")
    return names
