"""Items one by one: create, upsert, read, replace, patch, delete; and all of a partition key.

"REST: Documents" (https://learn.microsoft.com/rest/api/cosmos-db/documents).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.calls import BODY_BYTES_MAX, decode_json
from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, not_found
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, check_levels, encode_levels, read_levels
from fogbank.clouds.azure.cosmos.items.patches import read_patch
from fogbank.clouds.azure.cosmos.items.shapes import SHAPE
from fogbank.clouds.azure.cosmos.items.shown import charged, item_response, read_charge, session_headers, write_charge
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, check_rid, read_item, write
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.cosmos.rids import etag_of
from fogbank.engines.documents import documents, ranges
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.keys import BEYOND
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ranges import Range
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Collection, Document, Name
    from fogbank.storage import Store, Tx

IS_UPSERT: Final = b"x-ms-documentdb-is-upsert"
RID: Final = b"x-ms-cosmos-intended-collection-rid"
DELETED_AT_ONCE: Final = 100


async def create_item(parts: Parts, call: CosmosCall) -> Response:
    """Create an item, or with a header replace it if it is there."""
    return await _write(parts, call, await _read_creation(call))


async def replace_item(parts: Parts, call: CosmosCall) -> Response:
    """Replace an item; its id and partition key stay."""
    return await _write(parts, call, await _read_replacement(call))


async def patch_item(parts: Parts, call: CosmosCall) -> Response:
    """Change parts of an item."""
    change = read_patch(await call.read_json(), call.now_us)
    return await _write(parts, call, ItemWrite("patch", _target(call), _conditions(call), change=change))


async def delete_item(parts: Parts, call: CosmosCall) -> Response:
    """Delete an item."""
    return await _write(parts, call, _read_deletion(call))


async def read_write(call: CosmosCall) -> ItemWrite:
    """Return the write of an item that a request asks for, which is no patch."""
    if call.request.method == "DELETE":
        return _read_deletion(call)
    return await (_read_creation(call) if call.request.method == "POST" else _read_replacement(call))


async def _read_creation(call: CosmosCall) -> ItemWrite:
    fields, document = await _read_document(call)
    target = Target(str(document.fields["id"]), read_levels(call.header(PARTITION_KEY)), call.header(RID), fields)
    kind = "upsert" if call.is_set(IS_UPSERT) else "create"
    return ItemWrite(kind, target, _conditions(call), document)


async def _read_replacement(call: CosmosCall) -> ItemWrite:
    fields, document = await _read_document(call)
    if document.fields["id"] != call.path[5]:
        raise bad_request("The id of an item can't be changed: the one in the body isn't that of the request.")
    target = Target(call.path[5], read_levels(call.header(PARTITION_KEY)), call.header(RID), fields)
    return ItemWrite("replace", target, _conditions(call), document)


def _read_deletion(call: CosmosCall) -> ItemWrite:
    return ItemWrite("delete", _target(call), _conditions(call))


async def _read_document(call: CosmosCall) -> tuple[dict[str, Any], Document]:
    data = await call.read_body()
    document = read_item(decode_json(data), len(data))
    return document.fields, document


def _target(call: CosmosCall) -> Target:
    return Target(call.path[5], read_levels(call.header(PARTITION_KEY)), call.header(RID))


def _conditions(call: CosmosCall) -> Conditions:
    return Conditions(call.header(b"if-match"), call.header(b"if-none-match"))


async def _write(parts: Parts, call: CosmosCall, item: ItemWrite) -> Response:
    layout, written = await write_item(parts.store, call.container, parts.ids.sequence(), item)
    return answer(call, layout, written)


def answer(call: CosmosCall, layout: Layout, written: Written) -> Response:
    """Return the reply to the write of an item."""
    if written.after is None:
        assert written.before is not None
        charge = write_charge(written.before.size)
        return Response(204, [*session_headers(written.before.version), charged(charge)])
    status = 201 if written.before is None else 200
    minimal = call.header(b"prefer").lower() == "return=minimal"
    return item_response(status, layout, written.after, write_charge(written.after.size), minimal=minimal)


async def write_item(store: Store, container: Name, number: int, item: ItemWrite) -> tuple[Layout, Written]:
    """Write an item; returns its container with what was written, or raises the error for why nothing was."""
    outcome = await store.run(_attempt, container, number, item)
    if isinstance(outcome, CosmosError):
        raise outcome
    return outcome


async def _attempt(
    tx: Tx, now_us: int, name: Name, number: int, item: ItemWrite
) -> tuple[Layout, Written] | CosmosError:
    """Write an item, or return the error: nothing is written then that would have to be undone."""
    try:
        return await write(tx, now_us, name, number, item)
    except CosmosError as error:
        return error


async def read_one(parts: Parts, call: CosmosCall) -> Response:
    """Read an item."""
    found = await parts.store.read(find_item, call.container, _target(call))
    collection, document = found
    if document is None:
        raise not_found()
    layout = layout_of(collection.config)
    given = call.header(b"if-none-match")
    if given and given.strip('"') == etag_of(document.version).strip('"'):
        headers = [(b"etag", etag_of(document.version).encode()), *session_headers(document.version), charged(1)]
        return Response(304, headers)
    return item_response(200, layout, document, read_charge(document.size))


async def find_item(tx: Tx, now_us: int, name: Name, target: Target) -> tuple[Collection, Document | None]:
    """Return a container, and an item of it if it is there."""
    known: list[Collection] = []

    def locate(collection: Collection) -> Key:
        known.append(collection)
        return target.locate(collection)

    document = await documents.get(tx, now_us, name, locate)
    return known[-1], document


async def delete_partition(parts: Parts, call: CosmosCall) -> Response:
    """Delete all items of a partition key."""
    header = call.header(PARTITION_KEY)
    while await parts.store.run(_delete_some, call.container, header, call.header(RID)):
        pass
    return Response(200, [charged(10)])


async def _delete_some(tx: Tx, now_us: int, name: Name, header: str, rid: str) -> bool:
    """Delete some of a partition's items; False once none is left."""

    def select(collection: Collection) -> Range:
        layout = layout_of(collection.config)
        check_rid(layout, rid)
        return Range(encode_levels(check_levels(read_levels(header), layout.levels)), b"", BEYOND)

    page = await ranges.query(tx, now_us, name, select, DELETED_AT_ONCE, BODY_BYTES_MAX)
    partition = select(page.collection).partition
    keys = [Key(partition, str(document.fields["id"]).encode()) for document in page.documents]
    writes = [Write(name, 0, partial(_at, key), _nothing) for key in keys]
    await documents.write_each(tx, now_us, writes, SHAPE)
    return not page.ended


def _at(key: Key, _collection: Collection) -> Key:
    return key


def _nothing(_before: Document | None) -> None:
    return None
