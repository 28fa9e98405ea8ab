"""Tables in Azure Resource Manager: those of an account, and their throughput.

"Azure Cosmos DB resource provider REST API, Table resources"
(https://learn.microsoft.com/rest/api/cosmos-db-resource-provider/table-resources). A table's throughput stands in the
labels of its collection.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.arm.resources import scope_of
from fogbank.clouds.azure.cosmos.access import KIND
from fogbank.clouds.azure.cosmos.managed import (
    check_only_id,
    given_throughput,
    no_throughput,
    read_resource,
    shown,
    throughput_response,
    worded,
)
from fogbank.clouds.azure.cosmos.resources.containers import CONTAINERS_MAX
from fogbank.clouds.azure.cosmos.resources.definitions import Offer
from fogbank.clouds.azure.cosmos.rids import container_rid, database_rid, etag_of
from fogbank.clouds.azure.cosmos.tables.accounts import CAPABILITY, has_tables
from fogbank.clouds.azure.errors import AzureError, bad_request, json_response
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.tables.resources import check_cosmos_table, cosmos_scope
from fogbank.clouds.azure.tables.tables import NAME, new_config
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError
from fogbank.engines.identity import keyed_resources
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.arm.resources import Run
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Collection, CollectionConfig, Name
    from fogbank.storage import Tx

_KIND: Final = "tables"
_OFFER: Final = "offer"


def _scope(call: ArmCall) -> str:
    return cosmos_scope(call.path[1].lower())


def _name(call: ArmCall) -> Name:
    return _scope(call), call.path[3]


def _of_tables(run: Run) -> Run:
    """Return an operation whose account must have tables."""

    async def checked(parts: Parts, call: ArmCall) -> Response:
        account = await parts.store.read(keyed_resources.find, KIND, scope_of(call), call.path[1].lower())
        if not has_tables(account):
            raise bad_request(f"The account {account.name} has no tables, since it lacks the capability {CAPABILITY}.")
        return await run(parts, call)

    return worded(checked)


def _show(call: ArmCall, collection: Collection) -> dict[str, Any]:
    told = {
        "id": collection.config.labels[NAME],
        "_rid": container_rid(database_rid(collection.id), collection.id),
        "_ts": collection.created_us // SECOND_US,
        "_etag": etag_of(collection.created_us),
    }
    return shown(call, _KIND, (collection.name,), told)


async def put_table(parts: Parts, call: ArmCall) -> Response:
    """Create a table, or leave it as it is."""
    resource, offer = read_resource(call, call.path[3])
    check_only_id(resource)
    try:
        check_cosmos_table(call.path[3])
    except StorageError as error:
        raise bad_request(error.message) from None
    config = new_config(call.path[3])
    if offer is not None:
        config = _with_offer(config, offer)
    try:
        made = await parts.store.run(collections.create, _name(call), parts.ids.sequence(), config)
    except CollectionExistsError:
        made = await parts.store.read(collections.find, _name(call))
    return json_response(200, _show(call, made))


async def get_table(parts: Parts, call: ArmCall) -> Response:
    """Show a table."""
    return json_response(200, _show(call, await _table(parts, call)))


async def _table(parts: Parts, call: ArmCall) -> Collection:
    try:
        return await parts.store.read(collections.find, _name(call))
    except CollectionNotFoundError:
        raise AzureError(404, "NotFound", f"The table {call.path[3]} was not found.") from None


async def list_tables(parts: Parts, call: ArmCall) -> Response:
    """List an account's tables."""
    found = await parts.store.read(_all, _scope(call))
    return json_response(200, {"value": [_show(call, each) for each in found]})


async def _all(tx: Tx, now_us: int, scope: str) -> list[Collection]:
    names = await collections.list_names(tx, now_us, scope, "", CONTAINERS_MAX)
    return [await collections.find(tx, now_us, (scope, name)) for name in names]


async def delete_table(parts: Parts, call: ArmCall) -> Response:
    """Delete a table with its entities; one that isn't there counts as deleted."""
    with suppress(CollectionNotFoundError):
        await parts.store.run(collections.delete, _name(call))
    return Response(204, [])


def _offer_of(config: CollectionConfig) -> Offer | None:
    kept = config.labels.get(_OFFER)
    return None if kept is None else msgspec.json.decode(kept, type=Offer)


def _with_offer(config: CollectionConfig, offer: Offer) -> CollectionConfig:
    return msgspec.structs.replace(config, labels={**config.labels, _OFFER: msgspec.json.encode(offer).decode()})


async def get_throughput(parts: Parts, call: ArmCall) -> Response:
    """Show a table's throughput."""
    return throughput_response(call, (_KIND,), _offer_of((await _table(parts, call)).config))


async def put_throughput(parts: Parts, call: ArmCall) -> Response:
    """Change a table's throughput."""
    offer = given_throughput(call)

    def change(config: CollectionConfig) -> CollectionConfig:
        if _offer_of(config) is None:
            raise no_throughput()
        return _with_offer(config, offer)

    await _table(parts, call)
    changed = await parts.store.run(collections.update, _name(call), change)
    return throughput_response(call, (_KIND,), _offer_of(changed.config))


_TABLE: Final = "databaseaccounts//tables/"
_RUNS: Final[dict[tuple[str, str], Callable[[Parts, ArmCall], Coroutine[object, object, Response]]]] = {
    ("GET", _TABLE.rstrip("/")): list_tables,
    ("GET", _TABLE): get_table,
    ("PUT", _TABLE): put_table,
    ("DELETE", _TABLE): delete_table,
    ("GET", f"{_TABLE}/throughputsettings/default"): get_throughput,
    ("PUT", f"{_TABLE}/throughputsettings/default"): put_throughput,
}
OPERATIONS: Final[dict[tuple[str, str], Run]] = {key: _of_tables(run) for key, run in _RUNS.items()}
