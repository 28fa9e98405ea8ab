"""Long operations, and uploads of code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.functions import uploads
from fogbank.engines.functions.uploads import UploadNotFoundError
from fogbank.engines.operations import operations
from fogbank.engines.operations.operations import OperationNotFoundError
from fogbank.storage import blobs
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store


async def test_operations_are_kept_by_name(store: Store) -> None:
    for name in ("b", "a", "c"):
        await store.run(operations.add, "s", name, name.encode())
    await store.run(operations.add, "other", "a", b"other's")
    assert (await store.read(operations.find, "s", "b")).body == b"b"
    assert [each.name for each in await store.read(operations.list_operations, "s", "a", 10)] == ["b", "c"]
    assert [each.name for each in await store.read(operations.list_operations, "s", "", 2)] == ["a", "b"]
    await store.run(operations.delete, "s", "b")
    for work in (store.read(operations.find, "s", "b"), store.run(operations.delete, "s", "b")):
        with pytest.raises(OperationNotFoundError):
            await work


async def test_old_operations_are_forgotten(store: Store, clock: Clock) -> None:
    await store.run(operations.add, "s", "old", b"")
    await clock.advance(operations.KEPT_US + 1, store.drain)
    await store.run(operations.add, "s", "new", b"")
    assert [each.name for each in await store.read(operations.list_operations, "s", "", 10)] == ["new"]


async def test_uploads_are_kept_for_a_day(store: Store, clock: Clock) -> None:
    await store.run(uploads.offer, "s", "a")
    with pytest.raises(UploadNotFoundError):
        await store.scan(uploads.fetch, "s", "a")
    await store.run(uploads.put, "s", "a", b"first")
    await store.run(uploads.put, "s", "a", b"second")
    assert await store.scan(uploads.fetch, "s", "a") == b"second"
    assert await store.scan(blobs.fetch, digest_of(b"first")) is None
    with pytest.raises(UploadNotFoundError):
        await store.run(uploads.put, "s", "nobody's", b"x")
    await clock.advance(uploads.KEPT_US + 1, store.drain)
    await store.run(uploads.offer, "s", "b")
    with pytest.raises(UploadNotFoundError):
        await store.scan(uploads.fetch, "s", "a")
    assert await store.scan(blobs.fetch, digest_of(b"second")) is None
