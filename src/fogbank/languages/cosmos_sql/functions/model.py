"""What a function is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Function(NamedTuple):
    """A function: how many arguments it takes, and with `timed` the time before them, in microseconds."""

    run: Callable[..., Any]
    least: int
    most: int
    timed: bool = False
