"""Databases, which are documents of a collection of their own: create, show, list, delete.

"REST: Databases" (https://learn.microsoft.com/rest/api/cosmos-db/databases).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import conflict, not_found, unsupported
from fogbank.clouds.azure.cosmos.items.keys import check_name
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources.definitions import DIALECT, Offer, layout_of
from fogbank.clouds.azure.cosmos.resources.throughput import read_offer
from fogbank.clouds.azure.cosmos.rids import database_rid, etag_of
from fogbank.clouds.azure.cosmos.scripts import definitions as scripts
from fogbank.clouds.azure.cosmos.users import records
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.keys import BEYOND
from fogbank.engines.documents.model import CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.ranges import Stretch
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Tx

# The collection of an account's databases has names without slashes, those of containers have one.
CONFIG: Final = CollectionConfig(KeyField("key", "bytes"), dialect=DIALECT, versioned=True)
DATABASES_MAX: Final = 10_000
COLLECTIONS_AT_ONCE: Final = 100
_MEMBERS: Final = frozenset({"id", "_rid", "_self", "_etag", "_ts", "_colls", "_users"})


class Database(NamedTuple):
    """A database as stored."""

    name: str
    rid: str
    version: int
    offer: Offer | None


def _key(name: str) -> Key:
    return Key(name.encode(), b"")


def _read(document: Document) -> Database:
    offer = document.fields["offer"]
    found = None if offer is None else msgspec.convert(offer, Offer)
    return Database(str(document.fields["id"]), str(document.fields["rid"]), document.version, found)


async def find(tx: Tx, now_us: int, databases: Name, name: str) -> Database | None:
    """Return a database, None if there is none."""
    try:
        found = await documents.get(tx, now_us, databases, lambda _collection: _key(name))
    except CollectionNotFoundError:
        return None
    return None if found is None else _read(found)


async def list_databases(tx: Tx, now_us: int, databases: Name) -> list[Database]:
    """Return an account's databases in the order of their names."""

    def everything(_collection: Collection) -> Stretch:
        return Stretch(Key(b"", b""), BEYOND * 2)

    try:
        page = await ranges.scan(tx, now_us, databases, everything, DATABASES_MAX, 1 << 40)
    except CollectionNotFoundError:
        return []
    return [_read(document) for document in page.documents]


def show(database: Database) -> dict[str, Any]:
    """Return a database as clients see it."""
    return {
        "id": database.name,
        "_rid": database.rid,
        "_self": f"dbs/{database.rid}/",
        "_etag": etag_of(database.version),
        "_colls": "colls/",
        "_users": "users/",
        "_ts": database.version // SECOND_US,
    }


async def create_database(parts: Parts, call: CosmosCall) -> Response:
    """Create a database."""
    body = await call.read_object()
    for name in body:
        if name not in _MEMBERS:
            raise unsupported(f"the property {name} of databases")
    identifier = check_name(body.get("id"))
    offer = read_offer(call)
    first, second = parts.ids.sequences(2)
    made = await parts.store.run(create, call.databases, identifier, (first, second), offer)
    return json_response(201, show(made), [(b"etag", etag_of(made.version).encode()), charged(4.95)])


async def create(
    tx: Tx, now_us: int, databases: Name, identifier: str, numbers: tuple[int, int], offer: Offer | None
) -> Database:
    """Make a database, or raise the error for one that is there; the numbers are new ones."""
    number, other = numbers
    await records.ensure(tx, now_us, databases, other, CONFIG)
    fields = {"id": identifier, "rid": database_rid(number), "offer": msgspec.to_builtins(offer)}

    def unless_there(before: Document | None) -> Document:
        if before is not None:
            raise conflict()
        return Document(0, fields)

    written = await documents.write(tx, now_us, databases, number, lambda _collection: _key(identifier), unless_there)
    assert written.after is not None
    return _read(written.after)


async def set_offer(tx: Tx, now_us: int, databases: Name, name: str, offer: Offer) -> None:
    """Change the throughput of a database."""

    def change(before: Document | None) -> Document:
        if before is None:
            raise not_found()
        return Document(0, {**before.fields, "offer": msgspec.to_builtins(offer)})

    await documents.write(tx, now_us, databases, 0, lambda _collection: _key(name), change)


async def get_database(parts: Parts, call: CosmosCall) -> Response:
    """Show a database."""
    found = await parts.store.read(find, call.databases, call.path[1])
    if found is None:
        raise not_found()
    return json_response(200, show(found), [(b"etag", etag_of(found.version).encode()), charged(2)])


async def query_databases(parts: Parts, call: CosmosCall) -> Response:
    """List databases, or those that a query finds."""
    found = await parts.store.read(list_databases, call.databases)
    return await answer_list(call, "Databases", "", [show(each) for each in found])


async def delete_database(parts: Parts, call: CosmosCall) -> Response:
    """Delete a database with its containers."""
    await remove(parts, call.databases, call.path[1])
    return Response(204, [charged(4.95)])


async def remove(parts: Parts, databases: Name, name: str) -> None:
    """Delete a database with its containers, or raise the error for none."""
    while not await parts.store.run(_delete, databases, name):
        pass


async def _delete(tx: Tx, now_us: int, databases: Name, name: str) -> bool:
    """Delete some of a database's containers and users, and with the last of them the database."""
    if await find(tx, now_us, databases, name) is None:
        raise not_found()
    scope = databases[0]
    names = await collections.list_names(tx, now_us, scope, f"{name}/", COLLECTIONS_AT_ONCE)
    mine = [each for each in names if each.startswith(f"{name}/")]
    for each in mine:
        await drop_container(tx, now_us, (scope, each))
    if len(mine) == COLLECTIONS_AT_ONCE:
        return False
    users = (await records.list_below(tx, now_us, (scope, records.USERS), name))[:COLLECTIONS_AT_ONCE]
    for user in users:
        await records.remove_user(tx, now_us, scope, name, str(user.fields["id"]))
    if len(users) == COLLECTIONS_AT_ONCE:
        return False
    await documents.write(tx, now_us, databases, 0, lambda _collection: _key(name), lambda _before: None)
    return True


async def drop_container(tx: Tx, now_us: int, name: Name) -> None:
    """Remove a container with all that it has, or raise `CollectionNotFoundError`."""
    gone = await collections.delete(tx, now_us, name)
    await scripts.forget(tx, now_us, name[0], layout_of(gone.config).rid)
