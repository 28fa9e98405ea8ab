"""Functions' addresses, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.engines.functions import aliases, functions, versions
from fogbank.engines.functions.entrances import urls
from fogbank.engines.functions.entrances.urls import Cors, UrlConfig
from fogbank.engines.functions.errors import UrlExistsError, UrlNotFoundError
from fogbank.engines.functions.model import AliasConfig, FunctionConfig
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from fogbank.storage import Store

NAME = ("aws/1/r", "f")


async def test_an_address_is_found_by_function_and_by_id(store: Store) -> None:
    config = FunctionConfig("c", "r", "h", digest_of(b"x"), 1)
    function = await store.run(functions.create, NAME, 1, config, b"x")
    await store.run(aliases.create, 1, "live", 5, AliasConfig(versions.LATEST))
    made = await store.run(urls.create, "aa", function, "", UrlConfig())
    await store.run(urls.create, "bb", function, "live", UrlConfig(signed=True))
    with pytest.raises(UrlExistsError):
        await store.run(urls.create, "cc", function, "live", UrlConfig())
    assert await store.read(urls.find, 1, "") == made == await store.read(urls.find_by_id, "aa")
    assert [each.id for each in await store.read(urls.list_urls, 1, None, 5)] == ["aa", "bb"]
    assert [each.id for each in await store.read(urls.list_urls, 1, "", 5)] == ["bb"]
    cors = Cors(origins=["*"], max_age_seconds=0)
    changed = await store.run(urls.update, 1, "", lambda config: msgspec.structs.replace(config, cors=cors))
    assert changed.config.cors == cors
    assert await store.read(urls.find_by_id, "aa") == changed
    await store.run(urls.delete, 1, "")
    for qualifier in ("", "other"):
        with pytest.raises(UrlNotFoundError):
            await store.run(urls.delete, 1, qualifier)
    with pytest.raises(UrlNotFoundError):
        await store.read(urls.find_by_id, "aa")
    await store.run(aliases.delete, 1, "live")
    with pytest.raises(UrlNotFoundError):
        await store.read(urls.find_by_id, "bb")
    await store.run(urls.create, "dd", function, "", UrlConfig())
    await store.run(versions.delete_all, NAME)
    with pytest.raises(UrlNotFoundError):
        await store.read(urls.find_by_id, "dd")
