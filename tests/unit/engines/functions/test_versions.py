"""Versions, aliases and facts of functions, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.engines.functions import aliases, facts, functions, totals, versions
from fogbank.engines.functions.errors import (
    AliasExistsError,
    AliasNotFoundError,
    FunctionNotFoundError,
    LayerNotFoundError,
    VersionInUseError,
)
from fogbank.engines.functions.model import AliasConfig, FunctionConfig, Layer
from fogbank.storage import blobs
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Store

NAME = ("aws/1/r", "f")
CODE = b"archive"


def config(code: bytes = CODE, **settings: Any) -> FunctionConfig:
    return FunctionConfig("c", "r", "h", digest_of(code), len(code), **settings)


async def publish(store: Store, number: int) -> Function:
    return await store.run(versions.publish, NAME, number, lambda function: function.config)


async def change(store: Store, revision: int, code: bytes, **settings: Any) -> None:
    await store.run(functions.update, NAME, revision, lambda _: config(code, **settings), code)


async def test_a_version_stays_as_it_was_published(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(tags={"a": "b"}), CODE)
    first = await publish(store, 11)
    assert (first.version, first.id, first.owner, first.root) == ("1", 11, 1, 1)
    assert (await publish(store, 12)).id == 11
    await change(store, 2, b"other")
    second = await publish(store, 13)
    assert second.version == "2"
    assert await store.read(versions.find, NAME, "1") == first._replace(config=config())
    assert [each.version for each in await store.read(versions.list_versions, await latest(store), 0, 9)] == ["1", "2"]
    assert [each.version for each in await store.read(versions.list_versions, await latest(store), 1, 9)] == ["2"]
    assert await store.read(blobs.fetch, digest_of(CODE)) == CODE
    await store.run(versions.delete, NAME, 1)
    assert await store.read(blobs.fetch, digest_of(CODE)) is None
    with pytest.raises(FunctionNotFoundError):
        await store.read(versions.find, NAME, "1")
    assert await store.run(versions.delete_all, NAME) == [1, 13]
    assert await store.read(blobs.fetch, digest_of(b"other")) is None


async def latest(store: Store) -> Function:
    return await store.read(functions.find, NAME)


async def test_tags_and_concurrency_are_the_function_s_own(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(), CODE)
    await publish(store, 11)
    await store.run(functions.set_facts, NAME, lambda c: msgspec.structs.replace(c, concurrency_max=3, tags={"a": "b"}))
    version = await store.read(versions.find, NAME, "1")
    assert (version.config.concurrency_max, version.config.tags) == (3, {"a": "b"})
    assert (await publish(store, 12)).version == "1"


async def test_layers_are_kept_by_all_that_use_them(store: Store) -> None:
    layer = Layer("l", digest_of(b"layer"), 5, 9)
    with pytest.raises(LayerNotFoundError):
        await store.run(functions.create, NAME, 1, config(layers=(layer,)), CODE)
    await store.run(blobs.hold, layer.code, b"layer", "layer")
    await store.run(functions.create, NAME, 1, config(layers=(layer,)), CODE)
    await publish(store, 11)
    await store.run(blobs.drop, layer.code, "layer")
    await change(store, 2, CODE)
    assert await store.read(blobs.fetch, layer.code) == b"layer"
    await store.run(versions.delete, NAME, 1)
    assert await store.read(blobs.fetch, layer.code) is None
    assert await store.read(blobs.fetch, digest_of(CODE)) == CODE


async def test_code_may_be_in_a_folder(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(folder="/a"), b"")
    assert await store.read(blobs.fetch, digest_of(CODE)) is None
    await change(store, 2, CODE)
    assert await store.read(blobs.fetch, digest_of(CODE)) == CODE
    await store.run(functions.update, NAME, 3, lambda _: config(b"/a", folder="/a"), b"")
    assert await store.read(blobs.fetch, digest_of(CODE)) is None
    await publish(store, 11)
    await store.run(versions.delete_all, NAME)


async def test_an_alias_leads_to_versions_by_chance(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(), CODE)
    for number in (11, 12):
        await publish(store, number)
        await change(store, number, b"%d" % number)
    await store.run(aliases.create, 1, "live", 5, AliasConfig("1", {"2": 0.25}))
    with pytest.raises(AliasExistsError):
        await store.run(aliases.create, 1, "live", 6, AliasConfig("1"))
    found = [(await store.read(versions.find, NAME, "live", chance)).version for chance in (0.0, 0.24, 0.25, 1.0)]
    assert found == ["2", "2", "1", "1"]
    assert await store.read(aliases.aliases_of, 1, "2") == ["live"]
    with pytest.raises(VersionInUseError) as refusal:
        await store.run(versions.delete, NAME, 2)
    assert refusal.value.names == ["live"]
    changed = await store.run(aliases.update, 1, "live", 7, lambda alias: AliasConfig(versions.LATEST))
    assert changed.revision == 7
    assert (await store.read(versions.find, NAME, "live")).version == ""
    assert [each.name for each in await store.read(aliases.list_aliases, 1, "", 5)] == ["live"]
    assert await store.run(aliases.delete, 1, "live")
    assert not await store.run(aliases.delete, 1, "live")
    with pytest.raises(AliasNotFoundError):
        await store.read(aliases.find, 1, "live")
    with pytest.raises(FunctionNotFoundError):
        await store.read(versions.find, NAME, "live")


async def test_instances_are_kept_for_versions_and_shares_of_aliases(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(), CODE)
    await publish(store, 11)
    await change(store, 2, b"2")
    await publish(store, 12)
    await store.run(aliases.create, 1, "live", 5, AliasConfig("1", {"2": 0.25}))
    for qualifier, count in (("live", 4), ("1", 2)):
        value = msgspec.msgpack.encode(count)
        await store.run(facts.change, 1, versions.PROVISIONED, qualifier, 9, lambda _, value=value: value)
    assert (await store.read(versions.find, NAME, "1")).instances_min == 5
    assert (await store.read(versions.find, NAME, "2")).instances_min == 1
    kept = await store.read(versions.kept_ready, NAME)
    assert [(each.version, each.instances_min) for each in kept] == [("1", 5), ("2", 1)]
    assert await store.read(versions.all_kept_ready) == kept


async def test_facts_go_with_what_they_are_said_of(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(), CODE)
    await store.run(aliases.create, 1, "live", 5, AliasConfig(versions.LATEST))
    for qualifier in ("", "live"):
        fact = await store.run(facts.change, 1, "policy", qualifier, 7, lambda _: b"x")
        assert fact is not None
        assert await store.read(facts.find, 1, "policy", qualifier) == fact
    found = await store.read(facts.list_facts, 1, "policy", None, 5)
    assert [each.qualifier for each in found] == ["", "live"]
    assert [each.qualifier for each in await store.read(facts.list_facts, 1, "policy", "", 5)] == ["live"]
    await store.run(aliases.delete, 1, "live")
    assert await store.read(facts.find, 1, "policy", "live") is None
    assert await store.run(facts.change, 1, "policy", "", 8, lambda _: None) is None
    assert await store.read(facts.find, 1, "policy", "") is None


async def test_totals_of_a_scope(store: Store) -> None:
    await store.run(functions.create, NAME, 1, config(concurrency_max=7), CODE)
    await store.run(functions.create, ("aws/1/r", "g"), 2, config(), CODE)
    await store.run(functions.create, ("aws/2/r", "f"), 3, config(concurrency_max=9), CODE)
    await publish(store, 11)
    value = msgspec.msgpack.encode(3)
    await store.run(facts.change, 2, versions.PROVISIONED, "1", 9, lambda _: value)
    assert await store.read(totals.of_scope, "aws/1/r") == totals.Totals(2, 3 * len(CODE), 10)
    assert (await store.read(totals.of_scope, "aws/1/r", without="f")).reserved == 3
    assert await store.read(versions.ids, NAME) == [1, 11]
