"""What a function is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


# What a row has besides what its names stand for: the time, in microseconds; whole numbers without an end, which random
# ones are made of; whether shapes lie in a plane.
NOW: Final = "@@now"
DRAWS: Final = "@@draws"
PLANAR: Final = "@@planar"
# And by which function vectors are compared, by the paths that they stand at.
DISTANCES: Final = "@@distances"


class Function(NamedTuple):
    """A function: how many arguments it takes, and the name of what else it is given of the row before them, if any."""

    run: Callable[..., Any]
    least: int
    most: int
    beside: str = ""
