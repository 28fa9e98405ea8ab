"""Resources under addresses of their own, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import AddressTakenError, KeyedConfig, KeyedResourceNotFoundError

if TYPE_CHECKING:
    from fogbank.storage import Store


async def test_addresses_and_names(store: Store) -> None:
    config = KeyedConfig({"key1": "secret"}, {"location": "here"})
    await store.run(keyed_resources.create, "kind/a", "kind", "realm/1/x", "a", config)
    for address, scope, name in (("kind/a", "realm/2/x", "b"), ("kind/b", "realm/1/x", "a")):
        with pytest.raises(AddressTakenError):
            await store.run(keyed_resources.create, address, "kind", scope, name, config)
    await store.run(keyed_resources.create, "kind/b", "kind", "realm/2/x", "a", config)
    found = await store.read(keyed_resources.find_at, "kind/a")
    assert found == await store.read(keyed_resources.find, "kind", "realm/1/x", "a")
    assert (found.address, found.config) == ("kind/a", config)
    assert [each.scope for each in await store.read(keyed_resources.list_resources, "kind", "realm/")] == [
        "realm/1/x",
        "realm/2/x",
    ]
    assert len(await store.read(keyed_resources.list_resources, "kind", "realm/2/")) == 1
    changed = await store.run(keyed_resources.update, "kind/a", lambda _: KeyedConfig({"key1": "other"}))
    assert changed.config.keys == {"key1": "other"}
    assert await store.run(keyed_resources.delete, "kind/a")
    assert not await store.run(keyed_resources.delete, "kind/a")
    with pytest.raises(KeyedResourceNotFoundError):
        await store.read(keyed_resources.find_at, "kind/a")
    with pytest.raises(KeyedResourceNotFoundError):
        await store.read(keyed_resources.find, "kind", "realm/1/x", "a")
