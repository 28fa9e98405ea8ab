"""Reading shapes: points, lines, polygons and several polygons.

RFC 7946, "The GeoJSON Format", section 3.1. Positions are longitude and latitude on the globe, x and y in the plane.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeAlias

Position: TypeAlias = "tuple[float, float]"
Ring: TypeAlias = "tuple[Position, ...]"

RING_LENGTH_MIN: Final = 4
KINDS: Final = ("Point", "LineString", "Polygon", "MultiPolygon")


class ShapeError(ValueError):
    """A value that is no shape; the text says why."""


class Shape(NamedTuple):
    """A shape: a point, a line, or polygons: each an outer ring and those of holes, without their last points."""

    kind: str
    points: tuple[Position, ...] = ()
    line: tuple[Position, ...] = ()
    polygons: tuple[tuple[Ring, ...], ...] = ()

    @property
    def vertices(self) -> tuple[Position, ...]:
        """All points that the shape is made of."""
        rings = [ring for polygon in self.polygons for ring in polygon]
        return (*self.points, *self.line, *[position for ring in rings for position in ring])

    @property
    def edges(self) -> list[tuple[Position, Position]]:
        """All segments between its points."""
        found = list(pairwise(self.line))
        for polygon in self.polygons:
            for ring in polygon:
                found += zip(ring, (*ring[1:], ring[0]), strict=True)
        return found


def read_shape(value: Any, *, planar: bool) -> Shape:
    """Return the shape that a value is; raises `ShapeError`."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in KINDS:
        raise ShapeError("The value is not a GeoJSON object of the type Point, LineString, Polygon or MultiPolygon.")
    given = value.get("coordinates")
    if kind == "Point":
        return Shape(kind, points=(_position(given, planar),))
    if not isinstance(given, list):
        raise ShapeError(f"The {kind} input is not valid because its coordinates are no array.")
    if kind == "LineString":
        line = tuple([_position(each, planar) for each in given])
        if len(line) < 2:
            raise ShapeError("The LineString input is not valid because it does not have at least two positions.")
        return Shape(kind, line=line)
    polygons = [given] if kind == "Polygon" else given
    return Shape(kind, polygons=tuple([_polygon(each, kind, planar) for each in polygons]))


def _position(given: Any, planar: bool) -> Position:
    if not isinstance(given, list) or len(given) < 2 or not all(type(each) in (int, float) for each in given):
        raise ShapeError("A position must be an array of at least two numbers.")
    x, y = float(given[0]), float(given[1])
    if not planar:
        if not -180 <= x <= 180:
            raise ShapeError("Longitude values must be between -180 and 180 degrees.")
        if not -90 <= y <= 90:
            raise ShapeError("Latitude values must be between -90 and 90 degrees.")
    elif not (math.isfinite(x) and math.isfinite(y)):
        raise ShapeError("A position must be of finite numbers.")
    return x, y


def _polygon(given: Any, kind: str, planar: bool) -> tuple[Ring, ...]:
    if not isinstance(given, list) or not given:
        raise ShapeError(f"The {kind} input is not valid because it does not have at least one ring.")
    rings = []
    for number, each in enumerate(given, 1):
        if not isinstance(each, list) or len(each) < RING_LENGTH_MIN:
            raise ShapeError(
                f"The {kind} input is not valid because the ring number {number} does not have enough points. Each ring"
                f" of a polygon must contain at least {RING_LENGTH_MIN} points."
            )
        ring = tuple([_position(position, planar) for position in each])
        if ring[0] != ring[-1]:
            raise ShapeError(
                f"The {kind} input is not valid because the start and end points of the ring number {number} are not"
                " the same. Each ring of a polygon must have the same start and end points."
            )
        # A point that is said twice in a row makes no edge.
        rings.append(tuple([here for here, there in pairwise(ring) if here != there]))
        if len(rings[-1]) < RING_LENGTH_MIN - 1:
            raise ShapeError(f"The {kind} input is not valid because the ring number {number} has no area.")
    return tuple(rings)
