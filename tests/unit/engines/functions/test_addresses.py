"""Addresses of functions, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.engines.functions import functions
from fogbank.engines.functions.entrances import addresses
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError
from fogbank.engines.functions.model import FunctionConfig
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

CONFIG = FunctionConfig("contract", "python", "", digest_of(b"code"), 4)


async def test_an_address_is_one_function_s(store: Store, ids: Ids) -> None:
    await store.run(functions.create, ("a/1/x", "f"), ids.sequence(), CONFIG, b"code")
    await store.run(addresses.claim, "here", ("a/1/x", "f"))
    assert (await store.read(addresses.find, "here")).name == "f"
    with pytest.raises(FunctionExistsError):
        await store.run(addresses.claim, "here", ("a/2/x", "g"))
    await store.run(addresses.release, "here")
    with pytest.raises(FunctionNotFoundError):
        await store.read(addresses.find, "here")
    await store.run(addresses.claim, "here", ("a/2/x", "g"))
    with pytest.raises(FunctionNotFoundError):
        await store.read(addresses.find, "here")


async def test_names_are_listed_by_scope_in_pages(store: Store) -> None:
    names = [("a/1/x", "f"), ("a/1/x", "g"), ("a/1/y", "a"), ("a/10/x", "f"), ("b/1/x", "f")]
    for number, name in enumerate(reversed(names)):
        await store.run(addresses.claim, f"address-{number}", name)
    assert await store.read(addresses.list_names, "a/1/", ("", ""), 10) == names[:3]
    assert await store.read(addresses.list_names, "a/", ("", ""), 10) == names[:4]
    assert await store.read(addresses.list_names, "a/", names[0], 2) == [names[1], names[2]]
