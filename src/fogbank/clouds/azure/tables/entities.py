"""Single entities: insert, update, delete, get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.tables.errors import FORBIDDEN, NOT_FOUND, refusal
from fogbank.clouds.azure.tables.limits import limits_of
from fogbank.clouds.azure.tables.payloads import etag_of, one, read_frame, read_json, read_select, show_entity
from fogbank.clouds.azure.tables.resources import link_of, name_of, place_of, root_of
from fogbank.clouds.azure.tables.tables import NAME, preferred, prefers_nothing
from fogbank.clouds.azure.tables.writing import DELETE, INSERT, check_grant, read_write
from fogbank.engines.documents import collections, documents
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.clouds.azure.storage.sas import Grant
    from fogbank.clouds.azure.tables.resources import Resource
    from fogbank.clouds.azure.tables.writing import EntityWrite
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Document, Key, Name
    from fogbank.storage import Tx

# An entity of 1 MiB, with its text escaped, and then some.
BODY_BYTES_MAX: Final = 8 * 1024 * 1024


async def write_entity(
    parts: Parts, call: StorageCall, resource: Resource, grant: Grant | None, method: str
) -> Response:
    """Write an entity as a request says; `method` is the request's, or the one that it stands for."""
    frame = read_frame(call)
    given = None if method == "DELETE" else await read_json(call.request, BODY_BYTES_MAX)
    write = read_write(method, resource, call.request.header(b"if-match"), given, limits_of(call))
    check_grant(grant, write)
    table, written = await parts.store.run(_write, name_of(call, resource.table), parts.ids.sequence(), write)
    if write.kind == INSERT and not prefers_nothing(call):
        assert written.after is not None
        shown = show_entity(frame, table, written.after)
        return one(frame, 201, table, shown, [*written_headers(call, table, write, written), *preferred(call)])
    return Response(
        204, [*written_headers(call, table, write, written), *(preferred(call) if write.kind == INSERT else ())]
    )


def written_headers(call: StorageCall, table: str, write: EntityWrite, written: Written) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell what was written."""
    if write.kind == DELETE:
        return []
    assert written.after is not None
    headers = [(b"ETag", etag_of(written.after.version).encode())]
    if write.kind == INSERT:
        address = f"{root_of(call)}/{link_of(table, write.partition, write.row)}".encode()
        headers += [(b"Location", address), (b"DataServiceId", address)]
    return headers


async def _write(tx: Tx, now_us: int, name: Name, number: int, write: EntityWrite) -> tuple[str, Written]:
    """Write an entity; returns the table's name with what was written."""
    collection = await collections.find(tx, now_us, name)
    written = await documents.write(tx, now_us, name, number, write.locate, write.change)
    return collection.config.labels[NAME], written


async def get_entity(parts: Parts, call: StorageCall, resource: Resource, grant: Grant | None) -> Response:
    """Show an entity, or some of its properties."""
    frame, select = read_frame(call), read_select(call)
    if grant is not None and not grant.covers(resource.partition, resource.row):
        raise refusal(FORBIDDEN)
    name = name_of(call, resource.table)
    table, found = await parts.store.read(_get, name, place_of(resource.partition, resource.row))
    if found is None:
        raise refusal(NOT_FOUND)
    shown = show_entity(frame, table, found, select)
    return one(frame, 200, _set_of(table, select), shown, [(b"ETag", etag_of(found.version).encode())])


async def _get(tx: Tx, now_us: int, name: Name, place: Key) -> tuple[str, Document | None]:
    collection = await collections.find(tx, now_us, name)
    found = await documents.get_at(tx, now_us, collection, place)
    return collection.config.labels[NAME], found


def _set_of(table: str, select: tuple[str, ...]) -> str:
    return f"{table}&$select={','.join(select)}" if select else table
