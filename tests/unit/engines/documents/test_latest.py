"""Documents by the versions of their last writes, as followers read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.connectors.piping.sources import LatestSource
from fogbank.engines.documents import collections, documents, history, latest
from fogbank.engines.documents.documents import Write
from fogbank.engines.documents.latest import UnwatchedError
from fogbank.engines.documents.model import Change, CollectionConfig, Document, Key, KeyField

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Store
    from fogbank.storage.change_feed import Entry

NAME = ("scope", "items")
CONFIG = CollectionConfig(KeyField("id", "text"), versioned=True)


def write(identifier: str, name: Name = NAME) -> Write:
    key = Key(identifier.encode(), b"")
    return Write(name, ord(identifier), lambda _collection: key, lambda _before: Document(1, {"id": identifier}))


def told(entries: list[Entry]) -> list[str]:
    changes = [msgspec.msgpack.decode(entry.payload, type=Change) for entry in entries]
    found = [history.after(change) for change in changes]
    assert [document and document.version for document in found] == [entry.seq for entry in entries]
    return [str(document.fields["id"]) for document in found if document is not None]


async def test_each_document_once_by_its_last_write(store: Store) -> None:
    await store.run(collections.create, NAME, 1, CONFIG)
    for identifier in "abca":
        await store.run(documents.write_each, [write(identifier)])
    with pytest.raises(UnwatchedError):
        await store.read(latest.entries, NAME, 0, 10, 1_000)
    source = LatestSource(NAME)
    found = await source.read(store, 0, 10, 1_000)
    assert told(found) == ["b", "c", "a"]
    assert told(await source.read(store, found[0].seq, 1, 1_000)) == ["c"]
    assert told(await source.read(store, 0, 10, 1)) == ["b"]


async def test_documents_of_one_write_stay_together(store: Store) -> None:
    await store.run(collections.create, NAME, 1, CONFIG)
    await store.run(documents.write_each, [write(identifier) for identifier in "abc"])
    found = await LatestSource(NAME).read(store, 0, 2, 1)
    assert sorted(told(found)) == ["a", "b", "c"]
    assert len({entry.seq for entry in found}) == 1


async def test_only_a_watched_collection_gives_signals(store: Store) -> None:
    await store.run(collections.create, NAME, 1, CONFIG)
    source = LatestSource(NAME)
    with store.signals.listen(source.topic) as listener:
        await store.run(documents.write_each, [write("a")])
        assert not listener.told
        await source.read(store, 0, 10, 1_000)
        await listener.wait(0)
        await store.run(documents.write_each, [write("b")])
        assert listener.told


async def test_there_is_nothing_of_a_collection_that_is_gone(store: Store) -> None:
    source = LatestSource(NAME)
    assert await source.read(store, 0, 10, 1_000) == []
    await store.run(latest.watch, NAME)
    with store.signals.listen(collections.CREATED) as listener:
        await store.run(collections.create, NAME, 1, CONFIG)
        assert listener.told
