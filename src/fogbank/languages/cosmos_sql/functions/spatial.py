"""Functions on shapes.

Azure Cosmos DB for NoSQL, "Spatial functions" (https://learn.microsoft.com/cosmos-db/query/st-distance and the pages
beside it). A container says whether its shapes lie on the globe (the default; metres) or in a plane.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.languages.cosmos_sql.functions.model import PLANAR, Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, finite

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.geojson.relations import Placed
    from fogbank.languages.geojson.shapes import Shape

# Shapes that a query says are read once.
_KEPT: Final = 64


def _placed(planar: Any, value: Value) -> Placed | None:
    """Return a shape where it lies, None for what is none."""
    return _place(msgspec.json.encode(value), bool(planar)) if type(value) is dict else None


@lru_cache(maxsize=_KEPT)
def _place(text: bytes, planar: bool) -> Placed | None:
    from fogbank.languages.geojson.relations import put  # noqa: PLC0415 - loaded on first use
    from fogbank.languages.geojson.shapes import ShapeError, read_shape  # noqa: PLC0415 - as above

    try:
        shape: Shape = read_shape(msgspec.json.decode(text), planar=planar)
    except ShapeError:
        return None
    return put(shape, planar=planar)


def _both(name: str) -> Callable[..., Value]:
    """Return the function of two shapes that a relation is."""

    def run(planar: Any, left: Value, right: Value) -> Value:
        one, other = _placed(planar, left), _placed(planar, right)
        if one is None or other is None:
            return UNDEFINED
        from fogbank.languages.geojson import relations  # noqa: PLC0415 - loaded on first use

        found = getattr(relations, name)(one, other)
        return finite(found) if type(found) is float else found

    return run


def _area(planar: Any, value: Value) -> Value:
    placed = _placed(planar, value)
    if placed is None:
        return UNDEFINED
    from fogbank.languages.geojson.relations import area  # noqa: PLC0415 - loaded on first use

    return finite(area(placed.shape, planar=bool(planar)))


def _detailed(planar: Any, value: Value) -> Value:
    from fogbank.languages.geojson.relations import put, self_crossing  # noqa: PLC0415 - loaded on first use
    from fogbank.languages.geojson.shapes import ShapeError, read_shape  # noqa: PLC0415 - as above

    if value is UNDEFINED:
        return UNDEFINED
    try:
        shape = read_shape(value, planar=bool(planar))
        if shape.polygons and self_crossing(put(shape, planar=bool(planar))):
            raise ShapeError(
                f"The {shape.kind} input is not valid because its rings intersect themselves or each other."
            )
    except ShapeError as error:
        return {"valid": False, "reason": str(error)}
    return {"valid": True}


def _is_valid(planar: Any, value: Value) -> Value:
    found = _detailed(planar, value)
    return False if found is UNDEFINED else found["valid"]


SPATIAL: Final = {
    "ST_AREA": Function(_area, 1, 1, PLANAR),
    "ST_DISTANCE": Function(_both("distance"), 2, 2, PLANAR),
    "ST_INTERSECTS": Function(_both("intersects"), 2, 2, PLANAR),
    "ST_ISVALID": Function(_is_valid, 1, 1, PLANAR),
    "ST_ISVALIDDETAILED": Function(_detailed, 1, 1, PLANAR),
    "ST_WITHIN": Function(_both("is_within"), 2, 2, PLANAR),
}
