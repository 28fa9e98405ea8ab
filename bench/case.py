"""What a benchmark case is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.http import Client, Connection


class Timed(NamedTuple):
    """How many requests a turn counts for, and how long the part of it took that is measured, in seconds."""

    count: int
    seconds: float


Work = Callable[["Connection"], Awaitable[int | Timed]]


class Case(NamedTuple):
    """A case: `prepare` returns the work of one turn, which returns how many requests it counts for.

    `budget_us` is the CPU time that one request may cost, `budget_ms` what half of the turns may take at the most.
    """

    name: str
    prepare: Callable[[Client, Connection], Awaitable[Work]]
    budget_us: float | None = None
    budget_ms: float | None = None
    concurrency: int = 16
