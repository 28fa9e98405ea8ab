"""Containers: create, show, list, replace, delete; their range of partition keys.

"REST: Collections" (https://learn.microsoft.com/rest/api/cosmos-db/collections).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import bad_request, conflict, not_found, owner_not_found, precondition_failed
from fogbank.clouds.azure.cosmos.items.keys import check_name
from fogbank.clouds.azure.cosmos.items.shown import RANGE, charged, feed_response
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources import databases
from fogbank.clouds.azure.cosmos.resources.definitions import (
    DEFINITION,
    PATHS,
    Definition,
    Offer,
    config_of,
    definition_of,
    read_definition,
)
from fogbank.clouds.azure.cosmos.resources.retention import settle
from fogbank.clouds.azure.cosmos.resources.search_indexes import check_kept
from fogbank.clouds.azure.cosmos.resources.throughput import DEFAULT, read_offer
from fogbank.clouds.azure.cosmos.rids import container_rid, decoded, etag_of, range_rid
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

CONTAINERS_MAX: Final = 10_000


class Container(NamedTuple):
    """A container: the engine's collection, and what it is defined to be."""

    collection: Collection
    definition: Definition


def show(container: Container) -> dict[str, Any]:
    """Return a container as clients see it."""
    definition = container.definition
    found: dict[str, Any] = {
        "id": container.collection.name.partition("/")[2],
        "indexingPolicy": definition.indexing,
        "partitionKey": definition.partition_key,
        "uniqueKeyPolicy": {"uniqueKeys": definition.unique.get("uniqueKeys", [])},
        "conflictResolutionPolicy": definition.conflicts,
        "geospatialConfig": {"type": definition.geospatial},
        "_rid": definition.rid,
        "_ts": definition.changed_us // SECOND_US,
        "_self": f"dbs/{definition.database}/colls/{definition.rid}/",
        "_etag": etag_of(definition.changed_us),
        "_docs": "docs/",
        "_sprocs": "sprocs/",
        "_triggers": "triggers/",
        "_udfs": "udfs/",
        "_conflicts": "conflicts/",
    }
    if definition.vectors:
        found["vectorEmbeddingPolicy"] = definition.vectors
    if definition.texts:
        found["fullTextPolicy"] = definition.texts
    if definition.ttl is not None:
        found["defaultTtl"] = definition.ttl
    if definition.computed:
        found["computedProperties"] = definition.computed
    if definition.retention_minutes:
        found["changeFeedPolicy"] = {"retentionDuration": definition.retention_minutes}
    return found


async def find(tx: Tx, now_us: int, name: Name) -> Container:
    """Return a container; raises `CollectionNotFoundError`."""
    collection = await collections.find(tx, now_us, name)
    return Container(collection, definition_of(collection.config))


async def list_in(tx: Tx, now_us: int, scope: str, database: str) -> list[Container]:
    """Return a database's containers in the order of their names."""
    names = await collections.list_names(tx, now_us, scope, f"{database}/", CONTAINERS_MAX)
    return [await find(tx, now_us, (scope, name)) for name in names if name.startswith(f"{database}/")]


async def create_container(parts: Parts, call: CosmosCall) -> Response:
    """Create a container."""
    body = await call.read_object()
    identifier = check_name(body.get("id"))
    definition = read_definition(body, call.now_us)
    name = (call.scope, f"{call.path[1]}/{identifier}")
    numbers = parts.ids.sequences(3)
    made = await parts.store.run(create, call.databases, name, numbers, definition, read_offer(call))
    return json_response(201, show(made), _headers(made.definition, 4.95))


def _headers(definition: Definition, charge: float) -> list[tuple[bytes, bytes]]:
    return [
        (b"etag", etag_of(definition.changed_us).encode()),
        charged(charge),
    ]


async def create(
    tx: Tx, now_us: int, account: Name, name: Name, numbers: list[int], definition: Definition, offer: Offer | None
) -> Container:
    """Make a container, or raise the error for why it can't be; the three numbers are new ones."""
    database = await databases.find(tx, now_us, account, name[1].partition("/")[0])
    if database is None:
        raise owner_not_found()
    if offer is None and database.offer is None:
        offer = Offer(DEFAULT, changed_us=now_us)
    rid = container_rid(database.rid, numbers[0])
    whole = msgspec.structs.replace(definition, database=database.rid, rid=rid, offer=offer)
    try:
        await collections.create(tx, now_us, name, numbers[0], config_of(whole, numbers[1:]))
    except CollectionExistsError:
        raise conflict() from None
    return Container(await settle(tx, now_us, name), whole)


async def get_container(parts: Parts, call: CosmosCall) -> Response:
    """Show a container; how many items it has only on request."""
    try:
        found = await parts.store.read(find, call.container)
    except CollectionNotFoundError:
        raise not_found() from None
    headers = _headers(found.definition, 1)
    if call.is_set(b"x-ms-documentdb-populatequotainfo"):
        totals = await parts.store.scan(collections.totals, found.collection.id)
        kib = -(-totals.size // 1_024)
        usage = (
            f"documentSize={kib // 1_024};documentsSize={kib};documentsCount={totals.documents};collectionSize={kib}"
        )
        quota = "documentSize=51200;documentsSize=52428800;documentsCount=-1;collectionSize=52428800"
        headers += [(b"x-ms-resource-usage", usage.encode()), (b"x-ms-resource-quota", quota.encode())]
        headers.append((b"x-ms-documentdb-collection-index-transformation-progress", _progress(found)))
    body = show(found)
    if call.is_set(b"x-ms-documentdb-populatepartitionstatistics"):
        body["statistics"] = [{"id": RANGE, "sizeInKB": 0, "documentCount": 0, "partitionKeys": []}]
    return json_response(200, body, headers)


def _progress(container: Container) -> bytes:
    return b"0" if any(index.building for index in container.collection.config.indexes) else b"100"


async def query_containers(parts: Parts, call: CosmosCall) -> Response:
    """List a database's containers, or those that a query finds."""
    if await parts.store.read(databases.find, call.databases, call.path[1]) is None:
        raise owner_not_found()
    found = await parts.store.read(list_in, call.scope, call.path[1])
    rid = found[0].definition.database if found else ""
    return await answer_list(call, "DocumentCollections", rid, [show(each) for each in found])


async def replace_container(parts: Parts, call: CosmosCall) -> Response:
    """Change a container: its indexing policy and its default time to live."""
    body = await call.read_object()
    if body.get("id") != call.path[3]:
        raise bad_request("The id of a container can't be changed.")
    if_match = call.header(b"if-match")

    def change(old: Definition) -> Definition:
        if if_match and if_match.strip('"') != etag_of(old.changed_us).strip('"'):
            raise precondition_failed()
        # Policies that a request doesn't say stay as they are.
        kept = {"vectorEmbeddingPolicy": old.vectors, "fullTextPolicy": old.texts}
        said = {name: value for name, value in body.items() if value is not None}
        wanted = read_definition({**kept, **said}, call.now_us)
        if wanted.partition_key != old.partition_key:
            raise bad_request("Document collection partition key cannot be changed.")
        if wanted.unique != old.unique and body.get("uniqueKeyPolicy") is not None:
            raise bad_request("Document collection unique key policy cannot be changed.")
        if wanted.conflicts != old.conflicts and body.get("conflictResolutionPolicy") is not None:
            raise bad_request("Document collection conflict resolution policy cannot be changed.")
        check_kept(old.vectors, wanted.vectors)
        changed_us = max(wanted.changed_us, old.changed_us + 1)
        return msgspec.structs.replace(
            old,
            indexing=wanted.indexing,
            ttl=wanted.ttl,
            geospatial=wanted.geospatial,
            vectors=wanted.vectors,
            texts=wanted.texts,
            changed_us=changed_us,
            retention_minutes=wanted.retention_minutes,
            computed=wanted.computed,
        )

    try:
        changed = await parts.store.run(redefine, call.container, change, parts.ids.sequence())
    except CollectionNotFoundError:
        raise not_found() from None
    return json_response(200, show(changed), _headers(changed.definition, 9.9))


async def redefine(
    tx: Tx, now_us: int, name: Name, change: Callable[[Definition], Definition], number: int = 0
) -> Container:
    """Change what a container is defined to be.

    If its items stand elsewhere in the index then, or go away at other times, they are entered into an index anew in
    the background, which has the `number`.
    """

    def reconfigure(config: CollectionConfig) -> CollectionConfig:
        old = definition_of(config)
        new = change(old)
        if (new.indexing, new.ttl, new.computed) == (old.indexing, old.ttl, old.computed):
            labels = {DEFINITION: msgspec.json.encode(new).decode()}
            return msgspec.structs.replace(config, labels=labels)
        kept = [index.number for index in config.indexes if index.name != PATHS]
        whole = config_of(new, [number, *kept], building=True)
        return msgspec.structs.replace(whole, watched=config.watched, feed=config.feed)

    await collections.update(tx, now_us, name, reconfigure)
    collection = await settle(tx, now_us, name)
    return Container(collection, definition_of(collection.config))


async def delete_container(parts: Parts, call: CosmosCall) -> Response:
    """Delete a container with its items."""
    try:
        await parts.store.run(databases.drop_container, call.container)
    except CollectionNotFoundError:
        raise not_found() from None
    return Response(204, [charged(4.95)])


async def list_ranges(parts: Parts, call: CosmosCall) -> Response:
    """Show the only range of partition keys; to whom has seen it that there is nothing new."""
    try:
        found = await parts.store.read(find, call.container)
    except CollectionNotFoundError:
        raise owner_not_found() from None
    definition = found.definition
    etag = etag_of(found.collection.created_us)
    headers = [(b"etag", etag.encode()), charged(1)]
    if call.header(b"if-none-match").strip('"') == etag.strip('"'):
        return Response(304, headers)
    rid = range_rid(decoded(definition.rid))
    shown = {
        "_rid": rid,
        "id": RANGE,
        "_etag": etag,
        "minInclusive": "",
        "maxExclusive": "FF",
        "ridPrefix": 0,
        "_self": f"dbs/{definition.database}/colls/{definition.rid}/pkranges/{rid}/",
        "throughputFraction": 1,
        "status": "online",
        "parents": [],
        "ownedArchivalPKRangeIds": [],
        "_ts": found.collection.created_us // SECOND_US,
    }
    return feed_response("PartitionKeyRanges", definition.rid, [shown], headers)
