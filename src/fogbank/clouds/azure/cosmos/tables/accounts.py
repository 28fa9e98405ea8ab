"""Accounts of Cosmos DB as tables know them: one that has tables was made for them, or is implied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY, KEY_NAMES, READONLY_KEY_NAMES
from fogbank.clouds.azure.cosmos.calls import EMULATOR
from fogbank.clouds.azure.cosmos.resources.accounts import CONSISTENCY, LEVEL, address_of
from fogbank.clouds.azure.implied import KIND as IMPLIED
from fogbank.clouds.azure.implied import imply
from fogbank.clouds.azure.storage.accounts import Account
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedConfig, KeyedResourceNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.identity.keyed_resources import KeyedResource
    from fogbank.storage import Store

CAPABILITY: Final = "EnableTable"
# What an account knows of it: "yes", or nothing.
TABLES: Final = "tables"
_EMULATED: Final = Account(EMULATOR, (EMULATOR_KEY,), KeyedConfig())


async def find(store: Store, name: str, *, implied: bool = False) -> Account:
    """Return an account, or raise `KeyedResourceNotFoundError`, or a `StorageError` for one that has no tables.

    One that is implied is made if it isn't there; it has no keys.
    """
    if name == EMULATOR:
        return _EMULATED
    try:
        found = await store.read(keyed_resources.find_at, address_of(name))
    except KeyedResourceNotFoundError:
        if not implied:
            raise
        found = await imply(store, address_of(name), {CONSISTENCY: LEVEL})
    if not has_tables(found):
        message = f"The database account '{name}' has no tables, since it lacks the capability {CAPABILITY}."
        raise StorageError(404, "ResourceNotFound", message)
    keys = found.config.keys
    full, readonly = (tuple(keys[each] for each in names if each in keys) for names in (KEY_NAMES, READONLY_KEY_NAMES))
    return Account(name, full, found.config, readonly)


def has_tables(account: KeyedResource) -> bool:
    """Whether an account has tables."""
    return account.kind == IMPLIED or bool(account.config.facts.get(TABLES))
