"""Operations are run from where there is no task, as requests are (`wire.drive`), many at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fogbank.wire.drive import Drive

if TYPE_CHECKING:
    from fogbank.storage import Store, Tx

OPERATIONS = 20


async def ask(tx: Tx, _now_us: int, number: int) -> int:
    row = await tx.one(f"SELECT {number}")
    assert row is not None
    return int(row[0])


async def test_operations_run_where_there_is_no_task(store: Store) -> None:
    loop = asyncio.get_running_loop()
    outcomes: list[Any] = []
    finished = loop.create_future()

    def done(result: int | None, error: BaseException | None) -> None:
        outcomes.append(error or result)
        if len(outcomes) == OPERATIONS:
            finished.set_result(None)

    async def work() -> int:
        return await store.run(ask, 7) + await store.read(ask, 1)

    def start() -> None:
        assert asyncio.current_task() is None
        for _ in range(OPERATIONS):
            started = work()
            Drive(started, started.send(None), done)

    loop.call_soon(start)
    async with asyncio.timeout(20):
        await finished
    assert outcomes == [8] * OPERATIONS
