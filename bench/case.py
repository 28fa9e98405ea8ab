"""What a benchmark case is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.http import Client, Connection

Work = Callable[["Connection"], Awaitable[int]]


class Case(NamedTuple):
    """A case: `prepare` returns the work of one turn, which returns how many requests it counts for.

    `budget_us` is the CPU time that one request may cost, None where another measure counts.
    """

    name: str
    prepare: Callable[[Client, Connection], Awaitable[Work]]
    budget_us: float | None = None
    concurrency: int = 16
