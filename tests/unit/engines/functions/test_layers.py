"""Layers and their versions, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.functions import layers
from fogbank.engines.functions.errors import LayerNotFoundError
from fogbank.engines.functions.layers import LayerConfig
from fogbank.storage import blobs
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from fogbank.storage import Store

SCOPE = "aws/1/r"


async def publish(store: Store, name: str, data: bytes) -> int:
    config = LayerConfig(digest_of(data), len(data), 2 * len(data))
    return (await store.run(layers.publish, (SCOPE, name), config, data)).number


async def test_versions_are_numbered_listed_and_deleted(store: Store) -> None:
    assert [await publish(store, "l", b"%d" % number) for number in range(3)] == [1, 2, 3]
    assert await publish(store, "m", b"0") == 1
    assert await store.read(layers.list_layers, SCOPE, "", 9) == ["l", "m"]
    assert await store.read(layers.list_layers, SCOPE, "l", 9) == ["m"]
    assert [each.number for each in await store.read(layers.list_versions, (SCOPE, "l"), 3, 9)] == [2, 1]
    assert await store.read(layers.stored_bytes, SCOPE) == 4
    await store.run(layers.delete, (SCOPE, "l"), 3)
    await store.run(layers.delete, (SCOPE, "l"), 3)
    assert await store.read(blobs.fetch, digest_of(b"2")) is None
    assert await publish(store, "l", b"again") == 4
    await store.run(layers.delete, (SCOPE, "m"), 1)
    assert await store.read(blobs.fetch, digest_of(b"0")) == b"0", "version 1 of l has the same content"
    assert await store.read(layers.list_layers, SCOPE, "", 9) == ["l"]
    with pytest.raises(LayerNotFoundError):
        await store.read(layers.find, (SCOPE, "m"), 1)


async def test_labels_change_and_nothing_else(store: Store) -> None:
    await publish(store, "l", b"x")
    before = await store.read(layers.find, (SCOPE, "l"), 1)
    changed = await store.run(layers.label, (SCOPE, "l"), 1, lambda version: {**version.config.labels, "a": "b"})
    assert changed.config.labels == {"a": "b"}
    assert await store.read(layers.find, (SCOPE, "l"), 1) == changed
    assert changed.config.code == before.config.code
    with pytest.raises(LayerNotFoundError):
        await store.run(layers.label, (SCOPE, "l"), 2, lambda _: {})
