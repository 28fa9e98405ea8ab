"""Work that was under way in a state that comes back is taken up again, at once and by nobody twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from fogbank.connectors.snapshots.snapshots import Snapshots
from fogbank.connectors.taking import After, Taker
from fogbank.connectors.time_control import TimeControl
from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.storage import open_store
from fogbank.storage.leasing.work_queue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.storage.leasing.work_queue import Due


class Piece(msgspec.Struct):
    """A piece of work."""

    number: int


QUEUE = WorkQueue(999, Piece)


async def at_once(replace: Callable[[], Awaitable[None]]) -> None:
    await replace()


def snapshots_of(store: Store, clock: Clock, ids: Ids, folder: Path | None) -> Snapshots:
    return Snapshots((store, clock, ids), TimeControl(store, clock, store.drain), folder, at_once)


async def test_work_that_was_under_way_is_done_again(clock: Clock, ids: Ids) -> None:
    store = await open_store(clock)
    snapshots = snapshots_of(store, clock, ids, None)
    begun: asyncio.Queue[int] = asyncio.Queue()
    going_on = asyncio.Event()

    async def work(due: Due[Piece]) -> After:
        begun.put_nowait(due.item.number)
        await going_on.wait()
        return After.DONE

    taker = Taker("pieces", (store, clock, ids), QUEUE, work, repr, at_once_max=5)
    taker.start()
    await store.run(QUEUE.put, [(ids.sequence(), Piece(1))])
    assert await begun.get() == 1
    await snapshots.save("one")
    going_on.set()
    await asyncio.wait([task for task in asyncio.all_tasks() if "Piece" in task.get_name()])
    assert await store.run(QUEUE.take, 1, 1, 1) == ([], None)
    # Its lease was for half a minute, and the clock stands.
    await snapshots.restore("one")
    assert await begun.get() == 1
    await taker.close()
    snapshots.close()
    await store.close()


async def test_numbers_and_starts_go_on(clock: Clock, ids: Ids, tmp_path: Path) -> None:
    store = await open_store(clock, folder=tmp_path)
    snapshots = snapshots_of(store, clock, ids, tmp_path / "snapshots")
    await snapshots.save("one")
    await clock.advance(60 * SECOND_US, store.drain)
    before, now_us = ids.sequence(), clock.now()
    await snapshots.restore("one")
    assert clock.now() == now_us
    assert ids.sequence() > before
    await store.close()
    # Whoever opens it again goes on with the time that it had.
    again = await open_store(Clock(), folder=tmp_path)
    other = Clock()
    await TimeControl(again, other, again.drain).restore()
    assert other.now() >= now_us
    await again.close()
