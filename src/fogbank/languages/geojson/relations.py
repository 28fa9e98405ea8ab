"""How shapes lie to each other, on any surface: whether they meet, whether one is within another, how far they are.

"OpenGIS Simple Features", the relations within and intersects; where a shape only touches the edge of a polygon, it
meets it, but is not within it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from fogbank.languages.geojson.surfaces import Globe, Plane

if TYPE_CHECKING:
    from fogbank.languages.geojson.shapes import Position, Shape
    from fogbank.languages.geojson.surfaces import Place, Surface


class Placed(NamedTuple):
    """A shape on a surface."""

    shape: Shape
    surface: Surface
    vertices: list[Place]
    edges: list[tuple[Place, Place]]
    polygons: list[list[tuple[Place, ...]]]

    def position_of(self, place: Place) -> int:
        """Return 1 for a place in the shape, 0 for one on its edge, -1 for one outside; a point has only an inside."""
        surface = self.surface
        if self.shape.kind == "Point":
            return 1 if surface.is_same(self.vertices[0], place) else -1
        if any(surface.is_same(surface.nearest(*edge, place), place) for edge in self.edges):
            if self.polygons:
                return 0
            ends = (self.vertices[0], self.vertices[-1])
            return 0 if any(surface.is_same(end, place) for end in ends) else 1
        return 1 if any(self._is_in(rings, place) for rings in self.polygons) else -1

    def _is_in(self, rings: list[tuple[Place, ...]], place: Place) -> bool:
        outer, *holes = rings
        if not self.surface.is_inside(outer, place):
            return False
        # Holes are what their rings enclose, whichever way those were written.
        return not any(self.surface.is_inside(self.surface.small(hole), place) for hole in holes)


def put(shape: Shape, *, planar: bool) -> Placed:
    """Return a shape on the plane or on the globe."""
    surface: Surface = _PLANE if planar else _GLOBE

    def place(position: Position) -> Place:
        return surface.place(position)

    return Placed(
        shape,
        surface,
        [place(each) for each in shape.vertices],
        [(place(one), place(other)) for one, other in shape.edges],
        [[tuple(map(place, ring)) for ring in polygon] for polygon in shape.polygons],
    )


_PLANE = Plane()
_GLOBE = Globe()


def intersects(one: Placed, other: Placed) -> bool:
    """Whether two shapes have a place in common."""
    if any(other.position_of(each) >= 0 for each in one.vertices):
        return True
    if any(one.position_of(each) >= 0 for each in other.vertices):
        return True
    return _cross(one, other)


def _cross(one: Placed, other: Placed) -> bool:
    crosses = one.surface.crosses
    return any(crosses(edge, another) for edge in one.edges for another in other.edges)


def is_within(one: Placed, other: Placed) -> bool:
    """Whether one shape is within another, and not only on its edge."""
    if one.polygons and not other.polygons:
        return False
    if one.shape.kind == "Point":
        return other.position_of(one.vertices[0]) > 0
    if other.shape.kind == "Point" or _cross(one, other):
        return False
    middles = [one.surface.middle(*each) for each in one.edges]
    positions = [other.position_of(each) for each in (*one.vertices, *middles)]
    if min(positions) < 0:
        return False
    # A hole of the other, or its outside, may be in the middle of this one.
    if one.polygons:
        return all(one.position_of(each) <= 0 for each in other.vertices)
    return max(positions) > 0


def distance(one: Placed, other: Placed) -> float:
    """Return how far apart the nearest places of two shapes are: in metres, or in the units of the plane."""
    surface = one.surface
    if one.shape.kind == other.shape.kind == "Point":
        return surface.distance(one.vertices[0], other.vertices[0])
    if intersects(one, other):
        return 0.0
    least, found = math.inf, 0.0
    for here, there in ((one, other), (other, one)):
        for vertex in here.vertices:
            candidates = [surface.nearest(*edge, vertex) for edge in there.edges] or there.vertices
            near = min(candidates, key=lambda each: math.dist(each, vertex))
            if (length := math.dist(near, vertex)) < least:
                least, found = length, surface.distance(near, vertex)
    return found


def area(shape: Shape, *, planar: bool) -> float:
    """Return the area of a shape: in square metres, or in those of the plane; 0 for points and lines."""
    surface: Surface = _PLANE if planar else _GLOBE
    return sum(surface.area(polygon) for polygon in shape.polygons)


def self_crossing(placed: Placed) -> bool:
    """Whether edges of one shape cross each other."""
    edges, crosses = placed.edges, placed.surface.crosses
    return any(crosses(edge, other) for at, edge in enumerate(edges) for other in edges[at + 1 :])
