"""Resources that are reached under an address of their own, by callers who have one of their keys.

An address is unique over all scopes; within a kind and scope, so is a name. All functions are store operations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.kernel.errors import AlreadyExistsError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.storage import Row, Tx

_COLUMNS: Final = "address, kind, scope, name, config, created_us"


class KeyedConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource's keys by name, and what its cloud knows of it besides."""

    keys: dict[str, str] = {}
    facts: dict[str, str] = {}
    tags: dict[str, str] = {}


class KeyedResource(NamedTuple):
    """A resource as stored."""

    address: str
    kind: str
    scope: str
    name: str
    config: KeyedConfig
    created_us: int


class KeyedResourceNotFoundError(NotFoundError):
    """There is no resource of that address or name."""


class AddressTakenError(AlreadyExistsError):
    """Another resource has that address."""


_CONFIG: Final = msgspec.msgpack.Decoder(KeyedConfig)
_encode: Final = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=1024)
def _config(data: bytes) -> KeyedConfig:
    return _CONFIG.decode(data)


def _resource(row: Row) -> KeyedResource:
    address, kind, scope, name, config, created_us = row
    return KeyedResource(address, kind, scope, name, _config(bytes(config)), created_us)


async def create(tx: Tx, now_us: int, address: str, kind: str, scope: str, name: str, config: KeyedConfig) -> None:
    """Make a resource; raises `AddressTakenError` if another has its address, or its name."""
    made = await tx.run(
        f"INSERT INTO keyed_resource ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        address,
        kind,
        scope,
        name,
        _encode(config),
        now_us,
    )
    if not made:
        raise AddressTakenError(address)


async def find_at(tx: Tx, _now_us: int, address: str) -> KeyedResource:
    """Return the resource of an address, or raise `KeyedResourceNotFoundError`."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM keyed_resource WHERE address = $1", address)
    if row is None:
        raise KeyedResourceNotFoundError(address)
    return _resource(row)


async def find(tx: Tx, _now_us: int, kind: str, scope: str, name: str) -> KeyedResource:
    """Return a resource by its name, or raise `KeyedResourceNotFoundError`."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM keyed_resource WHERE kind = $1 AND scope = $2 AND name = $3", kind, scope, name
    )
    if row is None:
        raise KeyedResourceNotFoundError(name)
    return _resource(row)


async def list_resources(tx: Tx, _now_us: int, kind: str, prefix: str) -> list[KeyedResource]:
    """Return the resources of a kind whose scopes begin with `prefix`, in the order of scope and name."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM keyed_resource WHERE kind = $1 ORDER BY scope, name", kind)
    return [resource for resource in map(_resource, rows) if resource.scope.startswith(prefix)]


async def update(tx: Tx, now_us: int, address: str, change: Callable[[KeyedConfig], KeyedConfig]) -> KeyedResource:
    """Change what is known of a resource; `change` may refuse by raising."""
    resource = await find_at(tx, now_us, address)
    config = change(resource.config)
    await tx.run("UPDATE keyed_resource SET config = $1 WHERE address = $2", _encode(config), address)
    return resource._replace(config=config)


async def delete(tx: Tx, _now_us: int, address: str) -> bool:
    """Delete a resource; False if there is none."""
    return bool(await tx.run("DELETE FROM keyed_resource WHERE address = $1", address))
