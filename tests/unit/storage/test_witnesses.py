"""Witnesses are told what commits did, and take nothing from those who listen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fogbank.storage.leasing import leased_queue
from fogbank.storage.leasing.leased_queue import Outgoing
from fogbank.storage.signals import MESSAGE, Happening

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx


async def put(tx: Tx, now_us: int, number: int, *, fails: bool = False) -> None:
    await leased_queue.put(tx, now_us, 1, [Outgoing(number, b"body")])
    if tx.witnessed:
        tx.signal(Happening(MESSAGE, "scope", "queue", number))
    if fails:
        raise ValueError("undone")


async def held(tx: Tx, now_us: int) -> list[tuple[int, bytes]]:
    return [(each.message.id, each.message.body) for each in await leased_queue.peek(tx, now_us, 1, 10)]


async def test_witnesses_are_told_of_commits_until_they_leave(store: Store) -> None:
    told: list[object] = []
    await store.run(put, 1)
    leave = store.signals.witness(lambda happening: told.append(happening.content))
    with store.signals.listen(leased_queue.topic(1)) as listener:
        await store.run(put, 2)
        with pytest.raises(ValueError, match="undone"):
            await store.run(put, 3, fails=True)
        assert told == [2]
        assert listener.told
        await listener.wait(None)
    leave()
    await store.run(put, 4)
    assert told == [2]
    assert not store.signals.witnessed


async def test_each_of_several_witnesses_is_told(store: Store) -> None:
    first: list[Happening] = []
    second: list[Happening] = []
    leave = store.signals.witness(first.append)
    store.signals.witness(second.append)
    await store.run(put, 1)
    leave()
    await store.run(put, 2)
    assert (len(first), len(second), store.signals.witnessed) == (1, 2, True)
