"""Tables: create, list, delete.

A table is a collection; its name is found in whatever letters it is written, but in Cosmos DB, and shown as it was
created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from fogbank.clouds.azure.storage import accounts
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.edm import PARTITION_KEY, ROW_KEY
from fogbank.clouds.azure.tables.errors import NEED_VALUE, NOT_FOUND, invalid_input, refusal
from fogbank.clouds.azure.tables.limits import limits_of
from fogbank.clouds.azure.tables.payloads import (
    many,
    one,
    read_frame,
    read_json,
    read_select,
    show_table,
    table_link,
)
from fogbank.clouds.azure.tables.resources import cosmos_scope, name_of
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.model import CollectionConfig, KeyField
from fogbank.languages.odata_filters import FilterError, compile_filter
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.languages.odata_filters import Condition
    from fogbank.storage import Tx

BODY_BYTES_MAX: Final = 65_536
PAGE_MAX: Final = 1_000
TABLE_NAME: Final = "TableName"
# The label that has a table's name as it was created.
NAME: Final = "name"
_NEXT: Final = b"x-ms-continuation-NextTableName"


def prefers_nothing(call: StorageCall) -> bool:
    """Whether a client doesn't want to see what it created."""
    return "return-no-content" in call.request.header(b"prefer").lower()


def preferred(call: StorageCall) -> list[tuple[bytes, bytes]]:
    """Return the header that tells a client that its preference was heard."""
    given = call.request.header(b"prefer")
    return [(b"Preference-Applied", given.encode("latin-1"))] if given else []


def new_config(table: str) -> CollectionConfig:
    """Return how a new table keeps its entities."""
    key = KeyField(PARTITION_KEY, "text")
    return CollectionConfig(key, KeyField(ROW_KEY, "text"), versioned=True, labels={NAME: table})


async def create_table(parts: Parts, call: StorageCall, _resource: Resource) -> Response:
    """Create a table."""
    frame = read_frame(call)
    given = await read_json(call.request, BODY_BYTES_MAX)
    table = given.get(TABLE_NAME) if isinstance(given, dict) else None
    if not isinstance(table, str):
        raise refusal(NEED_VALUE)
    name = name_of(call, table)
    await parts.store.run(collections.create, name, parts.ids.sequence(), new_config(table))
    address = f"{frame.root}/{table_link(table)}".encode()
    headers = [(b"Location", address), *preferred(call)]
    if prefers_nothing(call):
        return Response(204, [*headers, (b"DataServiceId", address)])
    return one(frame, 201, TABLE_NAME.removesuffix("Name") + "s", show_table(frame, table), headers)


async def delete_table(parts: Parts, call: StorageCall, resource: Resource) -> Response:
    """Delete a table with its entities."""
    try:
        await parts.store.run(collections.delete, name_of(call, resource.table))
    except CollectionNotFoundError:
        raise refusal(NOT_FOUND) from None
    return Response(204, [])


async def get_table(parts: Parts, call: StorageCall, resource: Resource) -> Response:
    """Show one of the tables."""
    frame = read_frame(call)
    try:
        found = await parts.store.read(collections.find, name_of(call, resource.table))
    except CollectionNotFoundError:
        raise refusal(NOT_FOUND) from None
    return one(frame, 200, "Tables", show_table(frame, found.config.labels[NAME]))


async def list_tables(parts: Parts, call: StorageCall, _resource: Resource) -> Response:
    """List tables in the order of their names, page by page."""
    frame = read_frame(call)
    condition, count = read_filter(call), read_top(call)
    read_select(call)
    start = unquote(call.query.get("nexttablename", ""))
    scope = cosmos_scope(call.account) if call.cosmos else accounts.scope_of(call.account)
    first = name_of(call, start)[1] if start else ""
    found, rest = await parts.store.read(_page, scope, first, count, condition)
    headers = [(_NEXT, quote(rest, safe="").encode())] if rest else []
    return many(frame, "Tables", [show_table(frame, each) for each in found], headers)


async def _page(
    tx: Tx, now_us: int, scope: str, start: str, count: int, condition: Condition | None
) -> tuple[list[str], str]:
    """Return names of tables from one on, and the name that the next page begins with, "" for none."""
    # Just before the name that is to be the first, in the order of names.
    after = start[:-1] + chr(ord(start[-1]) - 1) + "\U0010ffff" if start else ""
    found: list[str] = []
    while True:
        names = await collections.list_names(tx, now_us, scope, after, PAGE_MAX)
        for name in names:
            shown = (await collections.find(tx, now_us, (scope, name))).config.labels[NAME]
            if condition is not None and not condition.holds({TABLE_NAME: shown}):
                continue
            if len(found) == count:
                return found, shown
            found.append(shown)
        if len(names) < PAGE_MAX:
            return found, ""
        after = names[-1]


def read_filter(call: StorageCall) -> Condition | None:
    """Return the condition that a request has, None for none."""
    text = call.query.get("$filter", "")
    if not text.strip():
        return None
    try:
        return compile_filter(text)
    except FilterError as error:
        raise invalid_input(f"$filter: {error}") from None


def read_top(call: StorageCall) -> int:
    """Return how many a request wants at most."""
    text = call.query.get("$top", "")
    if not text:
        return PAGE_MAX
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= limits_of(call).page):
        raise StorageError(
            400, "InvalidInput", f"One of the request inputs is not valid. ($top must be 1 to {PAGE_MAX})"
        )
    return int(text)
