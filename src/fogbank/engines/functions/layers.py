"""Layers: archives that functions share, in numbered versions that never change. All are store operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.engines.functions.errors import LayerNotFoundError
from fogbank.engines.functions.model import encode
from fogbank.storage import blobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.functions.model import Name
    from fogbank.storage import Row, Tx

_COLUMNS: Final = "scope, name, number, config, created_us"


class LayerConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a layer's version is: the digest and sizes of its archive, what it is meant for, a cloud's own facts."""

    code: bytes
    code_bytes: int
    unpacked_bytes: int
    description: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class LayerVersion(NamedTuple):
    """A version of a layer as stored."""

    scope: str
    name: str
    number: int
    config: LayerConfig
    created_us: int


_DECODER: Final = msgspec.msgpack.Decoder(LayerConfig)


def _version(row: Row) -> LayerVersion:
    scope, name, number, config, created_us = row
    return LayerVersion(scope, name, number, _DECODER.decode(bytes(config)), created_us)


def _holder(name: Name, number: int) -> str:
    return f"layer/{name[0]}/{name[1]}/{number}"


async def publish(tx: Tx, now_us: int, name: Name, config: LayerConfig, data: bytes) -> LayerVersion:
    """Publish a version of a layer, which is new if it is the first; numbers are never used again."""
    row = await tx.one(
        "INSERT INTO layer (scope, name, versions) VALUES ($1, $2, 1)"
        " ON CONFLICT (scope, name) DO UPDATE SET versions = layer.versions + 1 RETURNING versions",
        *name,
    )
    assert row is not None
    number = row[0]
    await tx.run(
        f"INSERT INTO layer_version ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5)", *name, number, encode(config), now_us
    )
    await blobs.hold(tx, now_us, config.code, data, _holder(name, number))
    return LayerVersion(*name, number, config, now_us)


async def find(tx: Tx, _now_us: int, name: Name, number: int) -> LayerVersion:
    """Return a version of a layer, or raise `LayerNotFoundError`."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM layer_version WHERE scope = $1 AND name = $2 AND number = $3", *name, number
    )
    if row is None:
        raise LayerNotFoundError(name[1])
    return _version(row)


async def list_layers(tx: Tx, _now_us: int, scope: str, after: str, limit: int) -> list[str]:
    """Return the names of a scope's layers that have versions, in their order, those that follow `after`."""
    rows = await tx.all(
        "SELECT DISTINCT name FROM layer_version WHERE scope = $1 AND name > $2 ORDER BY name LIMIT $3",
        scope,
        after,
        limit,
    )
    return [row[0] for row in rows]


async def list_versions(tx: Tx, _now_us: int, name: Name, before: int, limit: int) -> list[LayerVersion]:
    """Return a layer's versions, the newest first, those with numbers below `before`."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM layer_version WHERE scope = $1 AND name = $2 AND number < $3"
        " ORDER BY number DESC LIMIT $4",
        *name,
        before,
        limit,
    )
    return [_version(row) for row in rows]


async def stored_bytes(tx: Tx, _now_us: int, scope: str) -> int:
    """Return what all versions of a scope's layers take; reads them all."""
    rows = await tx.all(f"SELECT {_COLUMNS} FROM layer_version WHERE scope = $1", scope)
    return sum(_version(row).config.code_bytes for row in rows)


async def label(
    tx: Tx, now_us: int, name: Name, number: int, change: Callable[[LayerVersion], dict[str, str]]
) -> LayerVersion:
    """Change what a cloud says of a version; `change` returns all its labels, and may refuse by raising."""
    await tx.one("SELECT versions FROM layer WHERE scope = $1 AND name = $2 FOR UPDATE", *name)
    version = await find(tx, now_us, name, number)
    config = msgspec.structs.replace(version.config, labels=change(version))
    await tx.run(
        "UPDATE layer_version SET config = $1 WHERE scope = $2 AND name = $3 AND number = $4",
        encode(config),
        *name,
        number,
    )
    return version._replace(config=config)


async def delete(tx: Tx, now_us: int, name: Name, number: int) -> None:
    """Delete a version, which functions that have it keep; one that isn't there counts as deleted."""
    try:
        version = await find(tx, now_us, name, number)
    except LayerNotFoundError:
        return
    await tx.run("DELETE FROM layer_version WHERE scope = $1 AND name = $2 AND number = $3", *name, number)
    await blobs.drop(tx, now_us, version.config.code, _holder(name, number))
