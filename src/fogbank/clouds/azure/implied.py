"""Accounts that programs take for granted: asked for at Azure's own host names, and made by nobody here.

A program that is run unchanged names its account and has a key of it that only Azure knows. Such an account is there
from its first request on, without keys: who asks isn't verified. Under names that are Fogbank's own (`*.localhost`,
paths) there are only accounts that somebody made.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.storage import Store
    from fogbank.wire.http import Request

KIND: Final = "implied"
# No subscription and no group: none of the lists of Azure Resource Manager has them.
SCOPE: Final = "azure//"
_AZURES: Final = (".core.windows.net", ".documents.azure.com", ".cosmos.azure.com", ".cosmosdb.azure.com")


def is_implied(request: Request) -> bool:
    """Whether a request is for one of Azure's own host names."""
    return request.header(b"host").lower().partition(":")[0].endswith(_AZURES)


async def imply(store: Store, address: str, facts: Mapping[str, str]) -> KeyedResource:
    """Return an account that is there since it was asked for."""
    with suppress(AddressTakenError):
        await store.run(keyed_resources.create, address, KIND, SCOPE, address, KeyedConfig(facts={**facts}))
    return await store.read(keyed_resources.find_at, address)
