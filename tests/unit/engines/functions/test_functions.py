"""Functions of all scopes, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.engines.functions import functions
from fogbank.engines.functions.model import FunctionConfig

if TYPE_CHECKING:
    from fogbank.storage import Store

CONFIG = FunctionConfig("lambda", "python3.12", "a.b", b"digest", 4)


async def test_functions_of_all_scopes_come_in_order(store: Store) -> None:
    names = [("b", "x"), ("a", "z"), ("a", "y"), ("B", "x")]
    for number, name in enumerate(names, 1):
        await store.run(functions.create, name, number, CONFIG, b"code")

    async def listed(scope: str, name: str, limit: int) -> list[tuple[str, str]]:
        found = await store.scan(functions.list_everywhere, (scope, name), limit)
        return [(function.scope, function.name) for function in found]

    assert await listed("", "", 10) == [("B", "x"), ("a", "y"), ("a", "z"), ("b", "x")]
    assert await listed("a", "y", 1) == [("a", "z")]
