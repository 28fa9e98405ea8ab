"""Permissions of users: create, show, list, replace, delete; each is shown with a token of its own.

"REST: Permissions" (https://learn.microsoft.com/rest/api/cosmos-db/permissions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.access import primary_key
from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import (
    CosmosError,
    bad_request,
    conflict,
    not_found,
    owner_not_found,
    unsupported,
)
from fogbank.clouds.azure.cosmos.items.items import IS_UPSERT
from fogbank.clouds.azure.cosmos.items.keys import check_name, read_levels
from fogbank.clouds.azure.cosmos.items.shown import charged
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources import containers, databases
from fogbank.clouds.azure.cosmos.rids import etag_of, permission_rid
from fogbank.clouds.azure.cosmos.tokens import ALL, READ, Grant, write_token
from fogbank.clouds.azure.cosmos.users import records
from fogbank.clouds.azure.cosmos.users.records import PERMISSIONS, key_of
from fogbank.clouds.azure.cosmos.users.users import users_of
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Document, Name
    from fogbank.storage import Tx

EXPIRY: Final = b"x-ms-documentdb-expiry-seconds"
EXPIRY_SECONDS: Final = 3_600
EXPIRY_SECONDS_MAX: Final = 18_000
_MODES: Final = {"all": ALL, "read": READ}
_BELOW: Final = frozenset({"docs", "sprocs", "triggers", "udfs"})
_MEMBERS: Final = frozenset({
    "id", "permissionMode", "resource", "resourcePartitionKey", "_rid", "_self", "_etag", "_ts", "_token",
})  # fmt: skip


class Wanted(msgspec.Struct, frozen=True):
    """A permission as a request has it; `key` is a partition key, "" for none."""

    identifier: str
    mode: str
    resource: str
    key: str


async def _read(call: CosmosCall) -> Wanted:
    body = await call.read_object()
    for name in body:
        if name not in _MEMBERS:
            raise unsupported(f"the property {name} of permissions")
    identifier = check_name(body.get("id"))
    mode, resource = body.get("permissionMode"), body.get("resource")
    if str(mode).lower() not in _MODES:
        raise bad_request("The permissionMode must be All or Read.")
    segments = resource.strip("/").split("/") if isinstance(resource, str) else []
    kinds = tuple(segments[::2])
    if len(segments) % 2 or kinds[:2] != ("dbs", "colls") or len(kinds) > 3 or not _BELOW.issuperset(kinds[2:]):
        raise bad_request(f"The resource '{resource}' of a permission must be a container, or what is in one.")
    key = body.get("resourcePartitionKey")
    text = "" if key is None else msgspec.json.encode(key).decode()
    read_levels(text)
    return Wanted(identifier, _MODES[str(mode).lower()], "/".join(segments), text)


def _expiry(call: CosmosCall) -> int:
    """Return until when a new token is good, in seconds."""
    given = call.header(EXPIRY)
    if given and not (given.isdigit() and 0 < int(given[:10]) <= EXPIRY_SECONDS_MAX):
        raise bad_request(f"The expiry of a resource token must be from 1 to {EXPIRY_SECONDS_MAX} seconds.")
    return call.now_us // SECOND_US + int(given or EXPIRY_SECONDS)


def _permissions(call: CosmosCall) -> Name:
    return call.scope, PERMISSIONS


async def _user(tx: Tx, now_us: int, call: CosmosCall) -> Document:
    found = await records.find(tx, now_us, users_of(call), key_of(call.path[1], call.path[3]))
    if found is None:
        raise owner_not_found()
    return found


async def _container_of(tx: Tx, now_us: int, call: CosmosCall, resource: str) -> str:
    """Return the resource id of the container that a resource is or is in, by names or by resource ids."""
    _, database, _, container, *_ = resource.split("/")
    for each in await databases.list_databases(tx, now_us, call.databases):
        if database not in (each.name, each.rid):
            continue
        for found in await containers.list_in(tx, now_us, call.scope, each.name):
            if container in (found.collection.name.partition("/")[2], found.definition.rid):
                return found.definition.rid
    raise not_found()


async def _fields(tx: Tx, now_us: int, call: CosmosCall, user: Document, wanted: Wanted, rid: str) -> dict[str, Any]:
    """Return a permission as it is kept, or raise the error for why it can't be."""
    container = await _container_of(tx, now_us, call, wanted.resource)
    for each in await records.list_below(tx, now_us, _permissions(call), str(user.fields["rid"])):
        if each.fields["rid"] != rid and (each.fields["resource"], each.fields["key"]) == (wanted.resource, wanted.key):
            raise conflict()
    return {
        "id": wanted.identifier, "rid": rid, "user": user.fields["rid"], "database": user.fields["database"],
        "mode": wanted.mode, "resource": wanted.resource, "key": wanted.key, "container": container,
    }  # fmt: skip


def show(permission: Document, expires: int, secret: str) -> dict[str, Any]:
    """Return a permission as clients see it, with a token that is good until then."""
    fields = permission.fields
    below = tuple(str(fields["resource"]).split("/")[4:])
    grant = Grant(str(fields["rid"]), str(fields["container"]), str(fields["mode"]), expires, below, str(fields["key"]))
    shown = {
        "id": fields["id"],
        "permissionMode": fields["mode"],
        "resource": fields["resource"],
        "_rid": fields["rid"],
        "_self": f"dbs/{fields['database']!s}/users/{fields['user']!s}/permissions/{fields['rid']!s}/",
        "_etag": etag_of(permission.version),
        "_ts": permission.version // SECOND_US,
        "_token": write_token(grant, secret),
    }
    return {**shown, "resourcePartitionKey": msgspec.json.decode(grant.key)} if grant.key else shown


async def _answer(parts: Parts, call: CosmosCall, status: int, permission: Document) -> Response:
    shown = show(permission, _expiry(call), await primary_key(parts.store, call.account))
    return json_response(status, shown, [(b"etag", etag_of(permission.version).encode()), charged(4.95)])


async def create_permission(parts: Parts, call: CosmosCall) -> Response:
    """Create a permission, or with a header replace it if it is there."""
    wanted = await _read(call)
    _expiry(call)
    first, second = parts.ids.sequences(2)
    try:
        made = await parts.store.run(_create, call, wanted, (first, second))
    except CosmosError as error:
        if error.status != 409 or not call.is_set(IS_UPSERT):
            raise
        changed = await parts.store.run(_replace, call, wanted.identifier, wanted, first)
        return await _answer(parts, call, 200, changed)
    return await _answer(parts, call, 201, made)


async def _create(tx: Tx, now_us: int, call: CosmosCall, wanted: Wanted, numbers: tuple[int, int]) -> Document:
    user = await _user(tx, now_us, call)
    rid = str(user.fields["rid"])
    fields = await _fields(tx, now_us, call, user, wanted, permission_rid(rid, numbers[0]))
    key = key_of(rid, wanted.identifier)
    return await records.add(tx, now_us, _permissions(call), key, numbers, fields)


async def _find(tx: Tx, now_us: int, call: CosmosCall) -> Document:
    user = await _user(tx, now_us, call)
    found = await records.find(tx, now_us, _permissions(call), key_of(str(user.fields["rid"]), call.path[5]))
    if found is None:
        raise not_found()
    return found


async def get_permission(parts: Parts, call: CosmosCall) -> Response:
    """Show a permission with a new token."""
    return await _answer(parts, call, 200, await parts.store.read(_find, call))


async def query_permissions(parts: Parts, call: CosmosCall) -> Response:
    """List a user's permissions, or those that a query finds, each with a new token."""
    user = await parts.store.read(_user, call)
    found = await parts.store.read(records.list_below, _permissions(call), str(user.fields["rid"]))
    expires, secret = _expiry(call), await primary_key(parts.store, call.account)
    shown = [show(each, expires, secret) for each in found]
    return await answer_list(call, "Permissions", str(user.fields["rid"]), shown)


async def replace_permission(parts: Parts, call: CosmosCall) -> Response:
    """Change a permission."""
    wanted = await _read(call)
    changed = await parts.store.run(_replace, call, call.path[5], wanted, parts.ids.sequence())
    return await _answer(parts, call, 200, changed)


async def _replace(tx: Tx, now_us: int, call: CosmosCall, identifier: str, wanted: Wanted, number: int) -> Document:
    user = await _user(tx, now_us, call)
    rid = str(user.fields["rid"])
    keys = key_of(rid, identifier), key_of(rid, wanted.identifier)
    before = await records.find(tx, now_us, _permissions(call), keys[0])
    if before is None:
        raise not_found()
    fields = await _fields(tx, now_us, call, user, wanted, str(before.fields["rid"]))
    return await records.replace(tx, now_us, _permissions(call), keys, number, lambda _before: fields)


async def delete_permission(parts: Parts, call: CosmosCall) -> Response:
    """Delete a permission; tokens that it was shown with are good until they expire."""
    await parts.store.run(_delete, call)
    return Response(204, [charged(4.95)])


async def _delete(tx: Tx, now_us: int, call: CosmosCall) -> None:
    found = await _find(tx, now_us, call)
    await records.remove(tx, now_us, _permissions(call), key_of(str(found.fields["user"]), call.path[5]))
