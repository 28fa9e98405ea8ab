"""What statements do mustn't depend on how PostgreSQL plans them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.storage import open_store
from fogbank.storage.leasing import leased_queue as lq
from fogbank.storage.leasing.leased_queue import Outgoing, Policy

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids

# What is left is a nested loop that runs its inner side anew for each row, as statistics of a table can suggest too.
NAIVE: Final = "&".join(
    f"enable_{way}=off" for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize")
)


async def test_a_take_leases_no_more_than_it_was_asked_for(postgres_url: str, clock: Clock, ids: Ids) -> None:
    store = await open_store(clock, url=f"{postgres_url}&{NAIVE}")
    try:
        await store.reset()
        await store.run(lq.put, 7, [Outgoing(ids.sequence(), b"message", 0, b"") for _ in range(5)])
        taken = await store.run(lq.take, 7, Policy(), 2, 60_000_000, ids.sequence())
        assert len(taken.messages) == 2
    finally:
        await store.close()
