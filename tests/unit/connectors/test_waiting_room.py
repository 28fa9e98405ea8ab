"""Who is let in, who waits, who is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fogbank.connectors import waiting_room
from fogbank.connectors.waiting_room import NoRoomError, WaitingRoom
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_wait_go_in_in_order(clock: Clock) -> None:
    room = WaitingRoom(clock)
    went_in: list[int] = []

    async def go(number: int) -> None:
        await room.enter(1, 1, 10)
        went_in.append(number)

    await room.enter(1, 1, 10)
    await room.enter(2, 1, 10)
    tasks = [asyncio.create_task(go(number)) for number in range(3)]
    await turns()
    assert went_in == []
    for _ in range(3):
        room.leave(1)
        await turns()
    assert went_in == [0, 1, 2]
    room.leave(1)
    await asyncio.gather(*tasks)
    await room.enter(1, 1, 0)


async def test_nobody_waits_longer_than_that(clock: Clock) -> None:
    room = WaitingRoom(clock)
    await room.enter(1, 1, 10)
    late = asyncio.create_task(room.enter(1, 1, 10))
    await turns()
    await clock.advance(10 * SECOND_US, turns)
    with pytest.raises(NoRoomError):
        await late
    room.leave(1)
    await room.enter(1, 1, 10)


async def test_who_is_cancelled_takes_no_room(clock: Clock) -> None:
    room = WaitingRoom(clock)
    await room.enter(1, 1, 10)
    waits = asyncio.create_task(room.enter(1, 1, 10))
    await turns()
    waits.cancel()
    await turns()
    room.leave(1)
    let_in = asyncio.create_task(room.enter(1, 1, 10))
    await turns()
    second = asyncio.create_task(room.enter(1, 1, 10))
    await turns()
    assert let_in.done()
    # Cancelled in the moment in which it is let in: the room is given back.
    room.leave(1)
    second.cancel()
    await turns()
    await room.enter(1, 1, 10)


async def test_so_many_wait_at_most(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_room, "WAITING_MAX", 1)
    room = WaitingRoom(clock)
    await room.enter(1, 1, 10)
    waits = asyncio.create_task(room.enter(1, 1, 10))
    await turns()
    with pytest.raises(NoRoomError):
        await room.enter(1, 1, 10)
    waits.cancel()
