"""Processes that open one database, one after the other or side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.storage.leasing import leased_queue as lq
from fogbank.storage.server import nodes

if TYPE_CHECKING:
    from fogbank.storage import Store


async def test_each_start_has_a_number_and_goes_on_above_the_last(store: Store) -> None:
    first = await store.run(nodes.join)
    assert first == nodes.Joined(1, 0)
    future = Ids(Clock(frozen_at_us=9 * 10**15))
    message = lq.Outgoing(future.sequence(), b"from the future")
    await store.run(lq.put, 7, [message])
    second = await store.run(nodes.join)
    assert second == nodes.Joined(2, message.id)
    ids = Ids(Clock(frozen_at_us=10**15))
    ids.join(second.start, second.sequence)
    assert ids.sequence() > message.id
