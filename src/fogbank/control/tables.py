"""The endpoints of documents: look at collections of any cloud, write into them, copy them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.connectors.tables.copying import copy_page
from fogbank.connectors.tables.model import TableError
from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.engines.documents.portable import notation
from fogbank.engines.documents.portable.notation import NotationError
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.connectors.tables.model import Page, Row, Tables
    from fogbank.engines.documents.portable.keys import Parts
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/documents"
COPY_PATH: Final = "/_fogbank/documents/copy"
LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000
# The largest documents are Cosmos DB's, of 2 MiB; in our notation they may be longer.
BODY_BYTES_MAX: Final = 8 * 1_048_576


class Documents:
    """Answers what is asked of collections of documents."""

    def __init__(self, known: Tables) -> None:
        self._known = known

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        try:
            if path == COPY_PATH:
                allow(request, path, "POST")
                return await self._copy(request)
            if path == PATH:
                allow(request, path, "GET", "HEAD", "POST")
                return await (self._put(request) if request.method == "POST" else self._list(request))
        except TableError as error:
            raise RefusedError(error.status, str(error)) from None
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _list(self, request: Request) -> Response:
        values = read_query(request, "name", "partition", "sort_prefix", "after", "limit")
        table = self._known.read(_given(values, "name"))
        limit = read_number(values, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT)
        after, prefix = values.get("after", ""), values.get("sort_prefix", "")
        if "partition" in values:
            page = await table.query(values["partition"], prefix, after, limit)
        elif prefix:
            raise RefusedError(400, "sort_prefix is for one partition.")
        else:
            page = await table.browse(after, limit)
        return json_reply(200, _show(page))

    async def _put(self, request: Request) -> Response:
        table = self._known.read(_given(read_query(request, "name"), "name"))
        try:
            fields = notation.read_fields(await request.read(BODY_BYTES_MAX))
        except BodyTooLargeError as error:
            raise RefusedError(413, str(error)) from None
        except NotationError as error:
            raise RefusedError(400, str(error)) from None
        return json_reply(200, {"key": _key(await table.put(fields))})

    async def _copy(self, request: Request) -> Response:
        values = read_query(request, "from", "to", "after", "limit")
        source, target = self._known.read(_given(values, "from")), self._known.read(_given(values, "to"))
        limit = read_number(values, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT)
        copied = await copy_page(source, target, values.get("after", ""), limit)
        return json_reply(
            200,
            {
                "copied": copied.documents,
                "changes": [each._asdict() for each in copied.changes],
                "skipped": [each._asdict() for each in copied.skipped],
                "next": copied.follows or None,
            },
        )


def _given(values: dict[str, str], name: str) -> str:
    if not values.get(name):
        raise RefusedError(400, f"The parameter {name} is missing.")
    return values[name]


def _show(page: Page) -> dict[str, Any]:
    return {"documents": [_show_row(row) for row in page.rows], "next": page.follows or None}


def _show_row(row: Row) -> dict[str, Any]:
    return {"key": _key(row.key), "document": notation.write(row.fields)}


def _key(parts: Parts) -> list[Any]:
    return [None if part is msgspec.UNSET else notation.write(part) for part in parts]
