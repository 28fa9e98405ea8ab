"""Discarded numbers are emptied by whoever has rows for them, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.storage import discarded

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx


async def test_numbers_are_emptied_by_each_kind_until_all_are_gone(store: Store) -> None:
    rows = {"letters": {1: 3, 2: 1}, "numbers": {2: 2}}
    dropped = []

    def drop_of(kind: str) -> discarded.Drop:
        async def drop(_tx: Tx, _now_us: int, number: int) -> bool:
            left = rows[kind].get(number, 0)
            if left:
                rows[kind][number] = left - 1
                dropped.append((kind, number))
            return left <= 1

        return drop

    drops = (drop_of("letters"), drop_of("numbers"))
    assert await store.run(discarded.empty, drops)
    for number in (1, 2):
        await store.run(discard, number)
    while not await store.run(discarded.empty, drops):
        pass
    assert sorted(dropped) == [("letters", 1)] * 3 + [("letters", 2)] + [("numbers", 2)] * 2
    assert await store.run(discarded.empty, drops)


async def discard(tx: Tx, _now_us: int, number: int) -> None:
    await discarded.discard(tx, number)
