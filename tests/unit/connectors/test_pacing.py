"""Turns are as far apart as the pace says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.connectors.delivery import pacing
from fogbank.connectors.delivery.pacing import Paces
from fogbank.kernel.clock import SECOND_US, Clock

if TYPE_CHECKING:
    import pytest

START_US = 1_000 * SECOND_US


async def nothing() -> None:
    """Nothing is under way."""


async def test_turns_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(frozen_at_us=START_US)
    paces = Paces(clock)
    assert [paces.turn("a", 4) - START_US for _ in range(3)] == [0, SECOND_US // 4, SECOND_US // 2]
    assert paces.turn("b", 1) == START_US
    await clock.advance(10 * SECOND_US, nothing)
    assert [paces.turn("a", 2) - clock.now() for _ in range(2)] == [0, SECOND_US // 2]
    # Keys whose next turn is free are forgotten when there are too many.
    monkeypatch.setattr(pacing, "KEYS_MAX", 2)
    assert paces.turn("c", 1) == clock.now()
    assert paces.turn("a", 2) == clock.now() + SECOND_US
