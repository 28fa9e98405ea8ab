"""Cosmos DB input bindings: items that a function gets besides what sets it off.

"Azure Cosmos DB input binding for Azure Functions" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-
cosmosdb-v2-input): one item by its id and partition key, or those that a query finds, whose expressions are its
parameters, or all of a container. An item that isn't there is nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import scope_of
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.items import find_item
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.items.writing import Target
from fogbank.clouds.azure.cosmos.queries.continuations import Position, checksum
from fogbank.clouds.azure.cosmos.queries.requests import ITEMS_MAX, query_of
from fogbank.clouds.azure.cosmos.queries.running import Request, run
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.functions.apps import read_app, settings_of
from fogbank.clouds.azure.functions.bindings import is_input
from fogbank.clouds.azure.functions.cosmos.connections import account_of
from fogbank.clouds.azure.functions.cosmos.properties import folded
from fogbank.clouds.azure.functions.storage.connections import ConnectionNameError
from fogbank.clouds.azure.functions.triggering.expressions import ExpressionError, Known, names_in, replaced
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.languages.cosmos_sql.values import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.engines.functions.model import Function
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Invocation
    from fogbank.storage import Store

_EVERYTHING: Final = "SELECT * FROM c"


async def with_inputs(parts: tuple[Store, Clock, Ids], function: Function, invocation: Invocation) -> Invocation:
    """Return an invocation whose context has the function's `inputs` as JSON, or why it is `refused`."""
    store, clock, ids = parts
    context = invocation.context
    entry = read_app(function).entry(str(context["function"]))
    bindings = [each for each in entry.bindings if is_input(each)] if entry is not None else []
    if not bindings:
        return invocation
    known = Known(invocation, clock.now(), ids.uuid)
    settings = settings_of(function.config)
    inputs: dict[str, str] = {}
    for binding in bindings:
        name = str(binding.get("name"))
        try:
            found = await _find(store, clock.now(), folded(binding), settings, known)
        except CosmosError as error:
            return _refused(invocation, name, error.message)
        except (ConnectionNameError, ExpressionError) as error:
            return _refused(invocation, name, str(error))
        except CollectionNotFoundError:
            missing = f"there is no container {binding.get('containerName')} in the database"
            return _refused(invocation, name, f"{missing} {binding.get('databaseName')}.")
        if found is not None:
            inputs[name] = msgspec.json.encode(found).decode()
    return invocation._replace(context={**context, "inputs": inputs})


def _refused(invocation: Invocation, name: str, reason: str) -> Invocation:
    return invocation._replace(
        context={**invocation.context, "refused": f"Exception binding parameter '{name}': {reason}"}
    )


async def _find(
    store: Store, now_us: int, told: Mapping[str, Any], settings: Mapping[str, str], known: Known
) -> dict[str, Any] | list[Any] | None:
    account = account_of(str(told.get("connection", "")), settings)
    name = (scope_of(account), f"{told['databasename']}/{told['containername']}")
    levels: Levels | None = None
    if told.get("partitionkey"):
        levels = (known.resolve(str(told["partitionkey"])),)
    if told.get("id"):
        target = Target(known.resolve(str(told["id"])), levels or (UNDEFINED,))
        collection, document = await store.read(find_item, name, target)
        return None if document is None else show_item(layout_of(collection.config), document)
    text = str(told.get("sqlquery") or _EVERYTHING)
    parameters = {_parameter(each): known.value(each) for each in names_in(text)}
    query = query_of(replaced(text, _parameter), parameters, now_us)
    return await _query(store, Request(name, query, levels, None, ITEMS_MAX, Position(checksum(query.text))))


def _parameter(name: str) -> str:
    return f"@{name.strip().replace('.', '_').replace('-', '_')}"


async def _query(store: Store, request: Request) -> list[Any]:
    found: list[Any] = []
    while True:
        results = await store.scan(run, request)
        if isinstance(results, CosmosError):
            raise results
        found += results.values
        if results.rest is None:
            return found
        request = request._replace(position=results.rest)
