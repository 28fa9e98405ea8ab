"""Ranges of documents, on every store: queries, scans, pages, segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.keys import BEYOND, after, encode_partition, encode_scalar
from fogbank.engines.documents.model import CollectionConfig, Document, Key, KeyField
from fogbank.engines.documents.ranges import Page, Range, Stretch, whole

if TYPE_CHECKING:
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

NAME = ("aws/1/here", "things")
SIZE = 100


def key(partition: str, number: int) -> Key:
    return Key(encode_partition(partition), encode_scalar(number))


@pytest.fixture
async def filled(store: Store, ids: Ids) -> Store:
    """Two partitions of 50 documents each, beside another collection."""
    for name in (NAME, (NAME[0], "other")):
        config = CollectionConfig(KeyField("p", "text"), KeyField("n", "number"))
        await store.run(collections.create, name, ids.sequence(), config)
        for partition in ("a", "b"):
            for number in range(-25, 25):
                place = key(partition, number)
                document = Document(SIZE, {"p": partition, "n": number})
                await store.run(documents.put, name, ids.sequence(), lambda _, place=place: place, document)
    return store


async def query(
    store: Store, low: bytes, high: bytes, limit: int | None = None, bytes_max: int = 10**6, *, backward: bool = False
) -> tuple[list[int], bool]:
    place = Range(encode_partition("a"), low, high)
    page = await store.read(ranges.query, NAME, lambda _: place, limit, bytes_max, backward=backward)
    assert all(document.fields["p"] == "a" for document in page.documents)
    return numbers(page), page.ended


async def scan(store: Store, stretch: Stretch, limit: int | None = None, bytes_max: int = 10**6) -> Page:
    return await store.read(ranges.scan, NAME, lambda _: stretch, limit, bytes_max)


def numbers(page: Page) -> list[int]:
    return [document.fields["n"] for document in page.documents]  # type: ignore[misc]


async def test_a_query_goes_by_the_sort_key_both_ways(filled: Store) -> None:
    assert await query(filled, b"", BEYOND) == (list(range(-25, 25)), True)
    assert await query(filled, b"", BEYOND, backward=True) == (list(range(24, -26, -1)), True)
    low, high = encode_scalar(-3), encode_scalar(3)
    assert await query(filled, low, high) == ([-3, -2, -1, 0, 1, 2], True)
    assert await query(filled, after(low), after(high), backward=True) == ([3, 2, 1, 0, -1, -2], True)
    assert await query(filled, high, low) == ([], True)


@pytest.mark.parametrize("first", [1, 7, 32])
async def test_a_page_ends_after_its_limit_or_with_the_document_that_fills_it(
    filled: Store, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(ranges, "ROWS_FIRST", first)
    monkeypatch.setattr(ranges, "ROWS_MAX", 9)
    assert await query(filled, b"", BEYOND, limit=20) == (list(range(-25, -5)), False)
    assert await query(filled, b"", BEYOND, limit=50) == (list(range(-25, 25)), False), (
        "whether more follow isn't known"
    )
    assert await query(filled, b"", BEYOND, limit=51) == (list(range(-25, 25)), True)
    assert await query(filled, b"", BEYOND, bytes_max=20 * SIZE) == (list(range(-25, -5)), False)
    assert await query(filled, b"", BEYOND, bytes_max=19 * SIZE + 1) == (list(range(-25, -5)), False)
    assert await query(filled, b"", BEYOND, limit=5, bytes_max=1, backward=True) == ([24], False)
    everything = await scan(filled, whole())
    assert len(everything.documents) == 100
    assert (await scan(filled, whole(), bytes_max=42 * SIZE)).documents == everything.documents[:42]
    assert (await scan(filled, whole(), limit=42)).documents == everything.documents[:42]


async def test_a_scan_goes_on_from_any_document(filled: Store) -> None:
    everything = (await scan(filled, whole())).documents
    assert sorted((each.fields["p"], each.fields["n"]) for each in everything) == [
        (partition, number) for partition in ("a", "b") for number in range(-25, 25)
    ]
    found = []
    stretch = whole()
    while True:
        page = await scan(filled, stretch, limit=7)
        found += page.documents
        if page.ended:
            break
        last = page.documents[-1].fields
        stretch = Stretch(key(str(last["p"]), int(last["n"])), stretch.end)  # type: ignore[arg-type]
    assert found == everything


@pytest.mark.parametrize("segments", [1, 2, 3, 17])
async def test_segments_are_a_scan_cut_into_pieces(filled: Store, segments: int) -> None:
    everything = (await scan(filled, whole())).documents
    parts = [await scan(filled, whole(segment, segments)) for segment in range(segments)]
    assert [document for part in parts for document in part.documents] == everything
    assert all(part.ended for part in parts)
