"""The store's promises, on every database: atomic operations, replies after commits, readers undisturbed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.storage import open_store
from fogbank.storage.migrations import NewerDatabaseError, tables

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store, Tx


async def put(tx: Tx, now_us: int, name: str, value: int, *, fail: bool = False, refuse: bool = False) -> int:
    if refuse:
        raise KeyError(name)
    await tx.run(
        "INSERT INTO feed (name, last) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET last = $2", name, value
    )
    tx.signal("put")
    if fail:
        raise ValueError(name)
    return now_us


async def add(tx: Tx, _now_us: int, name: str) -> int:
    row = await tx.one("SELECT last FROM feed WHERE name = $1 FOR UPDATE", name)
    assert row is not None
    await tx.run("UPDATE feed SET last = $1 WHERE name = $2", row[0] + 1, name)
    return int(row[0]) + 1


async def everything(tx: Tx, _now_us: int) -> dict[str, int]:
    return dict(await tx.all("SELECT name, last FROM feed"))


async def in_order(tx: Tx, _now_us: int) -> list[str]:
    return [name for (name,) in await tx.all("SELECT name FROM feed ORDER BY name")]


async def test_names_sort_by_their_bytes(store: Store) -> None:
    names = ["a-b", "A", "ab", "_", "B", "a", "é", "가", "Z", "1"]
    for name in names:
        await store.run(put, name, 1)
    assert await store.read(in_order) == sorted(names)


async def test_results_and_time_reach_the_caller(store: Store, clock: Clock) -> None:
    assert await store.run(put, "a", 1) == clock.now()
    assert await store.read(everything) == {"a": 1}
    assert await store.scan(everything) == {"a": 1}


async def test_an_operation_that_fails_undoes_only_itself(store: Store) -> None:
    outcomes = await asyncio.gather(
        store.run(put, "a", 1),
        store.run(put, "b", 2, fail=True),
        store.run(put, "c", 3),
        store.run(put, "a", 4, fail=True),
        store.run(put, "d", 5, refuse=True),
        store.run(put, "e", 6),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [int, ValueError, int, ValueError, KeyError, int]
    assert await store.read(everything) == {"a": 1, "c": 3, "e": 6}


async def test_many_failures_in_one_batch(store: Store) -> None:
    calls = [store.run(put, f"n{number}", number, fail=number % 3 == 0) for number in range(60)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kept = {f"n{number}": number for number in range(60) if number % 3}
    assert sum(isinstance(outcome, ValueError) for outcome in outcomes) == 20
    assert await store.read(everything) == kept


async def test_concurrent_increments_are_all_counted(store: Store) -> None:
    await store.run(put, "n", 0)
    results = await asyncio.gather(*(store.run(add, "n") for _ in range(40)))
    assert sorted(results) == list(range(1, 41))
    assert await store.read(everything) == {"n": 40}


async def test_signals_are_sent_after_the_commit_and_only_then(store: Store) -> None:
    with store.signals.listen("put") as listener:
        with pytest.raises(ValueError, match="a"):
            await store.run(put, "a", 1, fail=True)
        assert not listener.told
        await store.run(put, "a", 1)
        assert listener.told


async def test_a_caller_that_goes_away_leaves_its_operation_to_finish(store: Store) -> None:
    call = asyncio.ensure_future(store.run(put, "a", 1))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await store.drain()
    assert store.idle
    assert await store.read(everything) in ({"a": 1}, {})


async def test_reset_empties_every_table(store: Store) -> None:
    await store.run(put, "a", 1)
    await store.reset()
    assert await store.read(everything) == {}
    assert "feed" in tables()


async def test_reads_during_commits_see_whole_operations(store: Store) -> None:
    async def pair(tx: Tx, _now_us: int, value: int) -> None:
        await put(tx, 0, "left", value)
        await put(tx, 0, "right", value)

    await store.run(pair, 0)
    seen = []

    async def read() -> None:
        for _ in range(50):
            seen.append(await store.read(everything))
            await asyncio.sleep(0)

    await asyncio.gather(read(), *(store.run(pair, value) for value in range(1, 50)))
    assert all(each["left"] == each["right"] for each in seen)


async def test_an_operation_must_not_wait_for_anything_else(clock: Clock) -> None:
    async def wait(_tx: Tx, _now_us: int) -> None:
        await asyncio.sleep(0)

    memory = await open_store(clock)
    with pytest.raises(RuntimeError, match="waited for something that is not its transaction"):
        await memory.run(wait)
    await memory.close()


async def test_what_was_committed_is_there_when_the_file_is_opened_again(clock: Clock, tmp_path: Path) -> None:
    store = await open_store(clock, folder=tmp_path)
    await store.run(put, "a", 1)
    await store.close()
    again = await open_store(clock, folder=tmp_path)
    assert await again.read(everything) == {"a": 1}
    await again.close()


async def test_a_database_of_a_later_version_is_refused_and_left_alone(clock: Clock, tmp_path: Path) -> None:
    async def pretend(tx: Tx, _now_us: int) -> None:
        await tx.run("INSERT INTO migration (number, name) VALUES ($1, $2)", 9_999, "future")

    store = await open_store(clock, folder=tmp_path)
    await store.run(pretend)
    await store.close()
    with pytest.raises(NewerDatabaseError, match="9999"):
        await open_store(clock, folder=tmp_path)
