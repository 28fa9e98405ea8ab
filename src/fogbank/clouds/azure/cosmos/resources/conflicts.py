"""The feed of conflicts: there is one region, and so there never is any.

"Manage conflict resolution policies in Azure Cosmos DB", "Read from conflict feed"
(https://learn.microsoft.com/azure/cosmos-db/how-to-manage-conflicts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.azure.cosmos.errors import not_found
from fogbank.clouds.azure.cosmos.queries.listing import answer_list
from fogbank.clouds.azure.cosmos.resources import containers

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Response


async def query_conflicts(parts: Parts, call: CosmosCall) -> Response:
    """List a container's conflicts, or those that a query finds; raises `CollectionNotFoundError`."""
    found = await parts.store.read(containers.find, call.container)
    return await answer_list(call, "Conflicts", found.definition.rid, [])


async def get_conflict(parts: Parts, call: CosmosCall) -> Response:
    """Raise the error for a conflict that isn't there: none is; raises `CollectionNotFoundError`."""
    await parts.store.read(containers.find, call.container)
    raise not_found()
