"""Storage accounts: the development account that every emulator has, and those that ARM makes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.implied import imply
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import (
    AddressTakenError,
    KeyedConfig,
    KeyedResource,
    KeyedResourceNotFoundError,
)
from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx

KIND: Final = "storage"
DEVELOPMENT: Final = "devstoreaccount1"
# "Use the Azurite emulator", "Well-known storage account and key".
DEVELOPMENT_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
KEY_NAMES: Final = ("key1", "key2")


class Account(NamedTuple):
    """An account: its keys, what is known of it, and those of its keys that allow nothing but to read."""

    name: str
    keys: tuple[str, ...]
    config: KeyedConfig
    readonly: tuple[str, ...] = ()


def address_of(name: str) -> str:
    """Return under what address an account is found."""
    return f"storage/{name}"


def scope_of(name: str) -> str:
    """Return the scope of an account's queues."""
    return Scope("azure", "storage", name).key


_DEVELOPMENT: Final = Account(DEVELOPMENT, (DEVELOPMENT_KEY,), KeyedConfig())


async def find(store: Store, name: str, *, implied: bool = False) -> Account:
    """Return an account, or raise `KeyedResourceNotFoundError`; one that is implied is made if it isn't there.

    Whose signatures can't be verified has no keys.
    """
    if name == DEVELOPMENT:
        return _DEVELOPMENT
    try:
        return _account(name, await store.read(keyed_resources.find_at, address_of(name)))
    except KeyedResourceNotFoundError:
        if not implied:
            raise
        return _account(name, await imply(store, address_of(name), {}))


def _account(name: str, resource: KeyedResource) -> Account:
    keys = tuple(key for each, key in resource.config.keys.items() if each in KEY_NAMES)
    return Account(name, keys, resource.config)


async def exists(tx: Tx, now_us: int, name: str) -> bool:
    """Whether there is an account of that name."""
    if name == DEVELOPMENT:
        return True
    try:
        await keyed_resources.find_at(tx, now_us, address_of(name))
    except KeyedResourceNotFoundError:
        return False
    return True


async def facts(tx: Tx, now_us: int, name: str) -> dict[str, str]:
    """Return what was noted of an account."""
    try:
        return (await keyed_resources.find_at(tx, now_us, address_of(name))).config.facts
    except KeyedResourceNotFoundError:
        return {}


async def note(tx: Tx, now_us: int, name: str, fact: str, value: str) -> None:
    """Note something of an account, the development account's included."""
    if name == DEVELOPMENT:
        with suppress(AddressTakenError):
            await keyed_resources.create(tx, now_us, address_of(name), "development", "azure//", name, KeyedConfig())

    def change(config: KeyedConfig) -> KeyedConfig:
        return KeyedConfig(config.keys, {**config.facts, fact: value}, config.tags)

    await keyed_resources.update(tx, now_us, address_of(name), change)
