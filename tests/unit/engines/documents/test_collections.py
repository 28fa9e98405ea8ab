"""Collections by name, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.documents import collections, documents
from fogbank.engines.documents.errors import CollectionExistsError, CollectionNotFoundError, CollectionProtectedError
from fogbank.engines.documents.model import CollectionConfig, Document, Key, KeyField, Totals
from fogbank.storage import discarded

if TYPE_CHECKING:
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/1/here", "things")
CONFIG = CollectionConfig(KeyField("id", "text"))


async def test_a_collection_is_created_found_and_deleted(store: Store, ids: Ids) -> None:
    with pytest.raises(CollectionNotFoundError):
        await store.read(collections.find, NAME)
    made = await store.run(collections.create, NAME, ids.sequence(), CONFIG)
    assert await store.read(collections.find, NAME) == made
    with pytest.raises(CollectionExistsError):
        await store.run(collections.create, NAME, ids.sequence(), CONFIG)
    assert await store.run(collections.delete, NAME) == made
    with pytest.raises(CollectionNotFoundError):
        await store.run(collections.delete, NAME)


async def test_names_are_listed_in_order_within_their_scope(store: Store, ids: Ids) -> None:
    for name in ("b", "c", "a"):
        await store.run(collections.create, (NAME[0], name), ids.sequence(), CONFIG)
    await store.run(collections.create, ("elsewhere", "d"), ids.sequence(), CONFIG)
    assert await store.read(collections.list_names, NAME[0], "", 10) == ["a", "b", "c"]
    assert await store.read(collections.list_names, NAME[0], "a", 1) == ["b"]


async def test_a_configuration_is_changed_unless_the_change_refuses(store: Store, ids: Ids) -> None:
    await store.run(collections.create, NAME, ids.sequence(), CONFIG)

    def protect(config: CollectionConfig) -> CollectionConfig:
        return msgspec.structs.replace(config, protected=True, labels={"a": "b"})

    def refuse(_config: CollectionConfig) -> CollectionConfig:
        raise LookupError

    changed = await store.run(collections.update, NAME, protect)
    with pytest.raises(LookupError):
        await store.run(collections.update, NAME, refuse)
    assert await store.read(collections.find, NAME) == changed
    assert changed.config.labels == {"a": "b"}
    with pytest.raises(CollectionProtectedError):
        await store.run(collections.delete, NAME)
    with pytest.raises(CollectionNotFoundError):
        await store.run(collections.update, (NAME[0], "other"), protect)


async def test_what_a_deleted_collection_held_is_removed_in_steps(
    store: Store, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "DROPPED_PER_OPERATION_MAX", 4)
    first = await store.run(collections.create, NAME, ids.sequence(), CONFIG)

    async def put(number: int) -> None:
        key = Key(b"%d" % number, b"")
        document = Document(10, {"id": str(number)})
        await store.run(documents.put, NAME, ids.sequence(), lambda _: key, document)

    for number in range(10):
        await put(number)
    assert await store.scan(collections.totals, first.id) == Totals(10, 100)
    await store.run(collections.delete, NAME)
    second = await store.run(collections.create, NAME, ids.sequence(), CONFIG)
    await put(1)
    steps = 0
    while not await store.run(discarded.empty, (documents.drop,)):
        steps += 1
    assert steps == 3
    assert await store.scan(collections.totals, first.id) == Totals(0, 0)
    assert await store.scan(collections.totals, second.id) == Totals(1, 10)
