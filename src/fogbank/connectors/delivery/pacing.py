"""Deliveries at a pace: of one subscription, only so many begin in a second. Each node keeps to it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock

KEYS_MAX: Final = 10_000


class Paces:
    """Gives out turns by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_us: dict[str, int] = {}

    def turn(self, key: str, per_second: float) -> int:
        """Return when the next of a key may begin, which is its turn alone, in microseconds since the epoch."""
        now_us = self._clock.now()
        if len(self._next_us) >= KEYS_MAX and key not in self._next_us:
            self._next_us = {each: free_us for each, free_us in self._next_us.items() if free_us > now_us}
        turn_us = max(now_us, self._next_us.get(key, 0))
        self._next_us[key] = turn_us + int(SECOND_US / per_second)
        return turn_us
