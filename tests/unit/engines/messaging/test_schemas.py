"""Schemas of messages, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.messaging import schemas
from fogbank.engines.messaging.errors import SchemaExistsError, SchemaFullError, SchemaNotFoundError

if TYPE_CHECKING:
    from fogbank.storage import Store

NAME = ("gcp/p/", "s")


async def test_revisions(store: Store) -> None:
    await store.run(schemas.create, NAME, "r1", "2", "one")
    with pytest.raises(SchemaExistsError):
        await store.run(schemas.create, NAME, "r2", "2", "two")
    await store.run(schemas.commit, NAME, "r2", "2", "two")
    assert (await store.read(schemas.find, NAME)).definition == "two"
    assert (await store.read(schemas.find, NAME, "r1")).definition == "one"
    await store.run(schemas.create, ("gcp/p/", "t"), "r3", "1", "three")
    listed = await store.read(schemas.list_schemas, "gcp/p/", "", 10)
    assert [(each.name, each.revision) for each in listed] == [("s", "r2"), ("t", "r3")]
    assert await store.run(schemas.delete_revision, NAME, "r2")
    assert not await store.run(schemas.delete_revision, NAME, "r1")
    await store.run(schemas.delete, NAME)
    with pytest.raises(SchemaNotFoundError):
        await store.run(schemas.commit, NAME, "r4", "2", "four")


async def test_there_are_only_so_many_revisions(store: Store) -> None:
    await store.run(schemas.create, NAME, "r0", "2", "x")
    for number in range(1, schemas.REVISIONS_MAX):
        await store.run(schemas.commit, NAME, f"r{number}", "2", "x")
    with pytest.raises(SchemaFullError):
        await store.run(schemas.commit, NAME, "more", "2", "x")
