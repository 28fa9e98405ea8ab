"""Stored procedures, triggers and user-defined functions: created, shown, listed, replaced, deleted.

"REST: Stored procedures", "Triggers", "User defined functions"
(https://learn.microsoft.com/rest/api/cosmos-db/stored-procedures). All scripts of an account are documents of one
collection: a container's are a partition, named by its resource id, so that they are gone with it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, conflict, not_found
from fogbank.clouds.azure.cosmos.items.keys import check_name
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.clouds.azure.cosmos.items.writing import Conditions
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.queries.requests import is_query
from fogbank.clouds.azure.cosmos.resources.definitions import DIALECT, layout_of
from fogbank.clouds.azure.cosmos.rids import etag_of, script_rid
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.engines.documents.keys import BEYOND
from fogbank.engines.documents.model import CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.ranges import Range
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Tx

SCRIPTS: Final = "scripts"
CONFIG: Final = CollectionConfig(
    KeyField("container", "bytes"), KeyField("id", "bytes"), dialect=DIALECT, versioned=True
)
SPROCS, TRIGGERS, UDFS = "sprocs", "triggers", "udfs"
TRIGGER_TYPES: Final = ("Pre", "Post")
TRIGGER_OPERATIONS: Final = ("All", "Create", "Update", "Delete", "Replace", "Upsert")
# The longest script, in bytes.
BODY_BYTES_MAX: Final = 1024 * 1024
_MEMBERS: Final = frozenset({"id", "body", "_rid", "_self", "_etag", "_ts"})


class Kind(NamedTuple):
    """A kind of scripts: what their list is called, the last byte of their resource ids, how many a container has."""

    listed: str
    mark: int
    most: int


# "Azure Cosmos DB service quotas", "Per-container limits".
KINDS: Final = {
    SPROCS: Kind("StoredProcedures", 0x80, 100),
    TRIGGERS: Kind("Triggers", 0x70, 25),
    UDFS: Kind("UserDefinedFunctions", 0x60, 25),
}


class Scripts(NamedTuple):
    """Scripts of one kind of one container."""

    scripts: Name
    container: Name
    kind: str

    @classmethod
    def of(cls, call: CosmosCall) -> Scripts:
        """Return those that a request is about."""
        return cls((call.scope, SCRIPTS), call.container, call.path[4])

    def key(self, layout: Layout, identifier: str) -> Key:
        """Return where a script stands."""
        return Key(layout.rid, f"{self.kind}/{identifier}".encode())


def _show(layout: Layout, kind: str, document: Document) -> dict[str, Any]:
    rid = script_rid(layout.rid, document.created, KINDS[kind].mark)
    definition = layout.definition
    return {
        **document.fields,
        "_rid": rid,
        "_self": f"dbs/{definition.database}/colls/{definition.rid}/{kind}/{rid}/",
        "_etag": etag_of(document.version),
        "_ts": document.version // SECOND_US,
    }


def _read(body: dict[str, Any], kind: str) -> Document:
    """Return a script as it is kept, or raise the error for what is none."""
    identifier, text = check_name(body.get("id")), body.get("body")
    if not isinstance(text, str) or not text.strip():
        raise bad_request("The input content is invalid because the required properties - 'body; ' - are missing")
    if len(text.encode()) > BODY_BYTES_MAX:
        raise CosmosError(413, f"The script is longer than {BODY_BYTES_MAX} bytes.")
    fields: dict[str, Any] = {"id": identifier, "body": text}
    known = _MEMBERS
    if kind == TRIGGERS:
        known |= {"triggerType", "triggerOperation"}
        for name, choices in (("triggerType", TRIGGER_TYPES), ("triggerOperation", TRIGGER_OPERATIONS)):
            given = body.get(name)
            found = next((each for each in choices if isinstance(given, str) and each.lower() == given.lower()), None)
            if found is None:
                raise bad_request(f"The value '{given}' specified for {name} is invalid.")
            fields[name] = found
    for name, value in body.items():
        if name not in known and value is not None:
            raise bad_request(f"Fogbank does not support the property {name} of {kind}.")
    return Document(len(text), fields)


async def create_or_query(parts: Parts, call: CosmosCall) -> Response:
    """Create a script (with a header also replace it), or list those that a query finds."""
    if is_query(call):
        return await list_scripts(parts, call)
    document = _read(await call.read_object(), call.path[4])
    replaces = call.is_set(b"x-ms-documentdb-is-upsert")

    def change(before: Document | None) -> Document:
        if before is not None and not replaces:
            raise conflict()
        return document

    return await _write(parts, call, str(document.fields["id"]), change)


async def replace_script(parts: Parts, call: CosmosCall) -> Response:
    """Replace a script."""
    document = _read(await call.read_object(), call.path[4])
    if document.fields["id"] != call.path[5]:
        raise bad_request("The id of a script can't be changed.")
    return await _write(parts, call, call.path[5], partial(_replaced, _conditions(call), document))


async def delete_script(parts: Parts, call: CosmosCall) -> Response:
    """Delete a script."""
    return await _write(parts, call, call.path[5], partial(_replaced, _conditions(call), None))


def _conditions(call: CosmosCall) -> Conditions:
    return Conditions(call.header(b"if-match"), call.header(b"if-none-match"))


def _replaced(conditions: Conditions, after: Document | None, before: Document | None) -> Document | None:
    if before is None:
        raise not_found()
    conditions.check(before)
    return after


async def _write(
    parts: Parts, call: CosmosCall, identifier: str, change: Callable[[Document | None], Document | None]
) -> Response:
    numbers = parts.ids.sequences(2)
    layout, before, after = await parts.store.run(_change, Scripts.of(call), identifier, numbers, change)
    if after is None:
        return Response(204, [charged(4.95)])
    headers = [(b"etag", etag_of(after.version).encode()), charged(4.95)]
    return json_response(201 if before is None else 200, _show(layout, call.path[4], after), headers)


async def _change(
    tx: Tx,
    now_us: int,
    scripts: Scripts,
    identifier: str,
    numbers: list[int],
    change: Callable[[Document | None], Document | None],
) -> tuple[Layout, Document | None, Document | None]:
    layout = layout_of((await collections.find(tx, now_us, scripts.container)).config)
    await _have_collection(tx, now_us, scripts.scripts, numbers[0])
    key = scripts.key(layout, identifier)
    written = await documents.write(tx, now_us, scripts.scripts, numbers[1], lambda _collection: key, change)
    kind = KINDS[scripts.kind]
    if (
        written.before is None
        and len(await find_all(tx, now_us, scripts.scripts, scripts.kind, layout.rid)) > kind.most
    ):
        raise bad_request(f"The container already has {kind.most} {kind.listed}, which is the most that it may have.")
    return layout, written.before, written.after


async def _have_collection(tx: Tx, now_us: int, name: Name, number: int) -> None:
    try:
        await collections.find(tx, now_us, name)
    except CollectionNotFoundError:
        try:
            await collections.create(tx, now_us, name, number, CONFIG)
        except CollectionExistsError:
            await collections.find(tx, now_us, name)


async def find_all(tx: Tx, now_us: int, scripts: Name, kind: str, container_rid: bytes) -> list[Document]:
    """Return a container's scripts of one kind in the order of their ids."""
    low = f"{kind}/".encode()

    def select(_collection: Collection) -> Range:
        return Range(container_rid, low, low + BEYOND)

    try:
        page = await ranges.query(tx, now_us, scripts, select, None, 1 << 40)
    except CollectionNotFoundError:
        return []
    return page.documents


async def find(tx: Tx, now_us: int, scripts: Scripts, identifier: str) -> tuple[Layout, Document | None]:
    """Return a script, None if there is none, with the layout of its container."""
    layout = layout_of((await collections.find(tx, now_us, scripts.container)).config)
    key = scripts.key(layout, identifier)
    try:
        return layout, await documents.get(tx, now_us, scripts.scripts, lambda _collection: key)
    except CollectionNotFoundError:
        return layout, None


async def forget(tx: Tx, now_us: int, scope: str, container_rid: bytes) -> None:
    """Delete all scripts of a container that is deleted."""
    name = (scope, SCRIPTS)
    for kind in KINDS:
        for document in await find_all(tx, now_us, name, kind, container_rid):
            key = Key(container_rid, f"{kind}/{document.fields['id']!s}".encode())
            await documents.write(tx, now_us, name, 0, partial(_at, key), _nothing)


def _at(key: Key, _collection: Collection) -> Key:
    return key


def _nothing(_before: Document | None) -> None:
    return None


async def get_script(parts: Parts, call: CosmosCall) -> Response:
    """Show a script."""
    layout, found = await parts.store.read(find, Scripts.of(call), call.path[5])
    if found is None:
        raise not_found()
    headers = [(b"etag", etag_of(found.version).encode()), charged(1)]
    return json_response(200, _show(layout, call.path[4], found), headers)


async def list_scripts(parts: Parts, call: CosmosCall) -> Response:
    """List scripts, or those that a query finds."""
    collection = await parts.store.read(collections.find, call.container)
    layout, scripts = layout_of(collection.config), Scripts.of(call)
    found = await parts.store.read(find_all, scripts.scripts, scripts.kind, layout.rid)
    shown = [_show(layout, scripts.kind, each) for each in found]
    return await answer_list(call, KINDS[scripts.kind].listed, layout.definition.rid, shown)
