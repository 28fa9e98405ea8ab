"""Identifiers and randomness; the only module that draws either.

A seeded source makes every id of a simulation repeatable.
"""

from __future__ import annotations

import os
import random
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.kernel.clock import Clock

NODE_BITS: Final = 10
NODE_MAX: Final = (1 << NODE_BITS) - 1
_POOL_BYTES: Final = 4096


class Ids:
    """The source of ids for one process.

    `node` tells processes that share a database apart (0 to NODE_MAX); `seed` replaces the operating system's
    entropy by a repeatable stream.
    """

    def __init__(self, clock: Clock, *, node: int = 0, seed: int | None = None) -> None:
        if not 0 <= node <= NODE_MAX:
            msg = f"node must be 0 to {NODE_MAX}, not {node}"
            raise ValueError(msg)
        self._clock = clock
        self._node = node
        self._random = random.SystemRandom() if seed is None else random.Random(seed)
        self._entropy: Callable[[int], bytes] = os.urandom if seed is None else self._random.randbytes
        self._pool = b""
        self._at = 0
        self._last_us = 0
        self._requests = 0
        self._stem = self.uuid()[:24]

    def bytes(self, count: int) -> bytes:
        """`count` random bytes, drawn from a pool because a system call for each id costs more than the id."""
        if count > _POOL_BYTES:
            return self._entropy(count)
        if self._at + count > len(self._pool):
            self._pool = self._entropy(_POOL_BYTES)
            self._at = 0
        start = self._at
        self._at = start + count
        return self._pool[start : self._at]

    def uuid(self) -> str:
        """A random UUID, version 4, in lower-case hexadecimal with hyphens (RFC 9562, section 5.4)."""
        h = self.bytes(16).hex()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"

    def request(self) -> str:
        """A UUID in form: random for the process, counted within it. Cheaper than `uuid`, and guessable."""
        self._requests += 1
        return f"{self._stem}{self._requests:012x}"

    def token(self, count: int = 24) -> str:
        """A URL-safe random text from `count` bytes of entropy."""
        return urlsafe_b64encode(self.bytes(count)).rstrip(b"=").decode()

    def hex(self, count: int) -> str:
        """`count` random bytes as lower-case hexadecimal."""
        return self.bytes(count).hex()

    def sequence(self) -> int:
        """A positive 62-bit number, greater than every one before it in this process, unique across nodes.

        It is the time in microseconds, moved on where the clock has not, followed by the node's number.
        """
        self._last_us = max(self._last_us + 1, self._clock.now())
        return self._last_us << NODE_BITS | self._node

    def sequences(self, count: int) -> list[int]:
        """As many numbers as `sequence` would give one by one."""
        first = max(self._last_us + 1, self._clock.now())
        self._last_us = first + count - 1
        return [micros << NODE_BITS | self._node for micros in range(first, first + count)]

    @staticmethod
    def moment(sequence: int) -> int:
        """Return when a sequence number was drawn, in microseconds since the epoch."""
        return sequence >> NODE_BITS

    def join(self, node: int, after: int) -> None:
        """Take a node's number, and continue above a number that was drawn before, whatever the clock says now."""
        self._node = node & NODE_MAX
        self.skip(after >> NODE_BITS)

    def skip(self, until_us: int) -> None:
        """Draw sequence numbers only as those of moments after that one."""
        self._last_us = max(self._last_us, until_us)

    def jitter(self, low: float, high: float) -> float:
        """A uniform random number between `low` and `high`, for spreading retries."""
        return self._random.uniform(low, high)
