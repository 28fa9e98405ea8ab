"""Users of a database, who have permissions: create, show, list, rename, delete.

"REST: Users" (https://learn.microsoft.com/rest/api/cosmos-db/users).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import CosmosError, not_found, owner_not_found, unsupported
from fogbank.clouds.azure.cosmos.items.items import IS_UPSERT
from fogbank.clouds.azure.cosmos.items.keys import check_name
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources import databases
from fogbank.clouds.azure.cosmos.rids import etag_of, user_rid
from fogbank.clouds.azure.cosmos.users import records
from fogbank.clouds.azure.cosmos.users.records import USERS, key_of
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.resources.databases import Database
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Document, Name
    from fogbank.storage import Tx

_MEMBERS: Final = frozenset({"id", "_rid", "_self", "_etag", "_ts", "_permissions"})


def show(user: Document) -> dict[str, Any]:
    """Return a user as clients see it."""
    fields = user.fields
    return {
        "id": fields["id"],
        "_rid": fields["rid"],
        "_self": f"dbs/{fields['database']!s}/users/{fields['rid']!s}/",
        "_etag": etag_of(user.version),
        "_permissions": "permissions/",
        "_ts": user.version // SECOND_US,
    }


async def find_database(tx: Tx, now_us: int, call: CosmosCall) -> Database:
    """Return the database that a request goes through, or raise the error for one that isn't there."""
    found = await databases.find(tx, now_us, call.databases, call.path[1])
    if found is None:
        raise owner_not_found()
    return found


def users_of(call: CosmosCall) -> Name:
    """Return the collection of an account's users."""
    return call.scope, USERS


def _answer(status: int, user: Document) -> Response:
    return json_response(status, show(user), [(b"etag", etag_of(user.version).encode()), charged(4.95)])


async def _read(call: CosmosCall) -> str:
    body = await call.read_object()
    for name in body:
        if name not in _MEMBERS:
            raise unsupported(f"the property {name} of users")
    return check_name(body.get("id"))


async def create_user(parts: Parts, call: CosmosCall) -> Response:
    """Create a user; with a header one that is there will do."""
    identifier = await _read(call)
    first, second = parts.ids.sequences(2)
    try:
        return _answer(201, await parts.store.run(_create, call, identifier, (first, second)))
    except CosmosError as error:
        if error.status != 409 or not call.is_set(IS_UPSERT):
            raise
    found = await parts.store.read(records.find, users_of(call), key_of(call.path[1], identifier))
    if found is None:
        raise not_found()
    return _answer(200, found)


async def _create(tx: Tx, now_us: int, call: CosmosCall, identifier: str, numbers: tuple[int, int]) -> Document:
    database = await find_database(tx, now_us, call)
    fields = {"id": identifier, "rid": user_rid(database.rid, numbers[0]), "database": database.rid}
    return await records.add(tx, now_us, users_of(call), key_of(call.path[1], identifier), numbers, fields)


async def get_user(parts: Parts, call: CosmosCall) -> Response:
    """Show a user."""
    found = await parts.store.read(records.find, users_of(call), key_of(call.path[1], call.path[3]))
    if found is None:
        raise not_found()
    return _answer(200, found)


async def query_users(parts: Parts, call: CosmosCall) -> Response:
    """List a database's users, or those that a query finds."""
    database = await parts.store.read(find_database, call)
    found = await parts.store.read(records.list_below, users_of(call), call.path[1])
    return await answer_list(call, "Users", database.rid, [show(each) for each in found])


async def replace_user(parts: Parts, call: CosmosCall) -> Response:
    """Give a user another name; what is permitted stays."""
    identifier = await _read(call)
    keys = key_of(call.path[1], call.path[3]), key_of(call.path[1], identifier)
    changed = await parts.store.run(
        records.replace, users_of(call), keys, parts.ids.sequence(), lambda user: {**user.fields, "id": identifier}
    )
    return _answer(200, changed)


async def delete_user(parts: Parts, call: CosmosCall) -> Response:
    """Delete a user with its permissions."""
    await parts.store.run(records.remove_user, call.scope, call.path[1], call.path[3])
    return Response(204, [charged(4.95)])
