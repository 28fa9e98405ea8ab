"""What shapes lie on: a plane, or the globe (WGS 84), whose edges are where a plane through its middle cuts it.

Both answer the same few questions about positions and segments, of which everything else is made. On the globe a
position is a vector of length one, pointing where a line from the middle does; distances are those along the ellipsoid.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from fogbank.languages.geojson.shapes import Position, Ring

Place: TypeAlias = "tuple[float, ...]"

# What is nearer than that to a line is on it: in radians on the globe (some millimetres), in the plane in its units.
TOLERANCE: Final = 1e-9
# The ellipsoid WGS 84: half its longer axis in metres, and how much it is flattened.
AXIS: Final = 6_378_137.0
FLATTENING: Final = 1 / 298.257223563
_ITERATIONS_MAX: Final = 20
_KEPT: Final = 4_096


class Surface(Protocol):
    """A surface."""

    def place(self, position: Position) -> Place:
        """Return where a position is."""

    def side(self, start: Place, end: Place, place: Place) -> float:
        """Return on which side of a line a place is: greater than 0 for the left, less for the right, 0 for on it."""

    def nearest(self, start: Place, end: Place, place: Place) -> Place:
        """Return the place of a segment that is nearest to another."""

    def is_same(self, one: Place, other: Place) -> bool:
        """Whether two places are one."""

    def middle(self, start: Place, end: Place) -> Place:
        """Return the middle of a segment."""

    def crosses(self, one: tuple[Place, Place], other: tuple[Place, Place]) -> bool:
        """Whether two segments cross each other within both."""

    def is_inside(self, ring: tuple[Place, ...], place: Place) -> bool:
        """Whether a place that is not on a ring is in what the ring encloses: on the globe, what is on its left."""

    def distance(self, one: Place, other: Place) -> float:
        """Return the distance between two places."""

    def area(self, rings: tuple[Ring, ...]) -> float:
        """Return the area of a polygon."""

    def small(self, ring: tuple[Place, ...]) -> tuple[Place, ...]:
        """Return a ring in the direction that encloses the smaller part of the surface."""


class Plane:
    """A plane with two axes."""

    def place(self, position: Position) -> Place:
        """Return where a position is."""
        return position

    def side(self, start: Place, end: Place, place: Place) -> float:
        """Return on which side of a line a place is."""
        length = math.dist(start, end) or 1.0
        found = (end[0] - start[0]) * (place[1] - start[1]) - (end[1] - start[1]) * (place[0] - start[0])
        return 0.0 if abs(found) <= TOLERANCE * length else found

    def nearest(self, start: Place, end: Place, place: Place) -> Place:
        """Return the place of a segment that is nearest to another."""
        x, y = end[0] - start[0], end[1] - start[1]
        squared = x * x + y * y
        along = 0.0 if not squared else ((place[0] - start[0]) * x + (place[1] - start[1]) * y) / squared
        along = min(1.0, max(0.0, along))
        return start[0] + along * x, start[1] + along * y

    def is_same(self, one: Place, other: Place) -> bool:
        """Whether two places are one."""
        return math.dist(one, other) <= TOLERANCE

    def middle(self, start: Place, end: Place) -> Place:
        """Return the middle of a segment."""
        return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2

    def crosses(self, one: tuple[Place, Place], other: tuple[Place, Place]) -> bool:
        """Whether two segments cross each other within both."""
        return (
            self.side(*one, other[0]) * self.side(*one, other[1]) < 0
            and self.side(*other, one[0]) * self.side(*other, one[1]) < 0
        )

    def is_inside(self, ring: tuple[Place, ...], place: Place) -> bool:
        """Whether a place that is not on a ring is within it."""
        x, y = place
        found = False
        for (left, low), (right, high) in zip(ring, (*ring[1:], ring[0]), strict=True):
            if (low > y) != (high > y) and x < left + (right - left) * (y - low) / (high - low):
                found = not found
        return found

    def distance(self, one: Place, other: Place) -> float:
        """Return the distance between two places."""
        return math.dist(one, other)

    def area(self, rings: tuple[Ring, ...]) -> float:
        """Return the area of a polygon."""
        outer, *holes = [abs(_shoelace(ring)) for ring in rings]
        return outer - sum(holes)

    def small(self, ring: tuple[Place, ...]) -> tuple[Place, ...]:
        """Return a ring as it is: what it encloses does not depend on its direction."""
        return ring


def _shoelace(ring: Ring) -> float:
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return sum(one[0] * other[1] - other[0] * one[1] for one, other in pairs) / 2


def _dot(one: Place, other: Place) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _cross(one: Place, other: Place) -> Place:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )


def _unit(vector: Place) -> Place:
    length = math.hypot(*vector)
    return vector if not length else (vector[0] / length, vector[1] / length, vector[2] / length)


class Globe:
    """The earth."""

    def place(self, position: Position) -> Place:
        """Return where a position is."""
        return _vector(position)

    def side(self, start: Place, end: Place, place: Place) -> float:
        """Return on which side of a line a place is."""
        found = _dot(_unit(_cross(start, end)), place)
        return 0.0 if abs(found) <= TOLERANCE else found

    def nearest(self, start: Place, end: Place, place: Place) -> Place:
        """Return the place of a segment that is nearest to another."""
        normal = _unit(_cross(start, end))
        away = _dot(normal, place)
        found = _unit((place[0] - away * normal[0], place[1] - away * normal[1], place[2] - away * normal[2]))
        if _dot(_cross(normal, start), found) >= 0 >= _dot(_cross(normal, end), found):
            return found
        return max(start, end, key=lambda each: _dot(each, place))

    def is_same(self, one: Place, other: Place) -> bool:
        """Whether two places are one."""
        return math.dist(one, other) <= TOLERANCE

    def middle(self, start: Place, end: Place) -> Place:
        """Return the middle of a segment."""
        return _unit((start[0] + end[0], start[1] + end[1], start[2] + end[2]))

    def crosses(self, one: tuple[Place, Place], other: tuple[Place, Place]) -> bool:
        """Whether two segments cross each other within both."""
        first, second = self.side(*one, other[0]), self.side(*one, other[1])
        third, fourth = self.side(*other, one[0]), self.side(*other, one[1])
        # The great circles of two segments meet on both sides of the globe; the signs tell which side is meant.
        return first * second < 0 and third * fourth < 0 and first * fourth > 0

    def is_inside(self, ring: tuple[Place, ...], place: Place) -> bool:
        """Whether a place that is not on a ring is on its left."""
        turned = 0.0
        for start, end in zip(ring, (*ring[1:], ring[0]), strict=True):
            one, other = _cross(place, start), _cross(place, end)
            turned += math.atan2(_dot(place, _cross(one, other)), _dot(one, other))
        turns = round(turned / math.tau)
        # Seen from a place that it does not go around, a ring may enclose all the rest of the globe.
        return turns > 0 if turns else _excess(ring) < 0

    def distance(self, one: Place, other: Place) -> float:
        """Return the distance between two places, in metres."""
        return _along_ellipsoid(_position(one), _position(other))

    def area(self, rings: tuple[Ring, ...]) -> float:
        """Return the area of a polygon, in square metres."""
        from geographiclib.geodesic import Geodesic  # noqa: PLC0415 - loaded on first use

        areas, globe = [], 0.0
        for ring in rings:
            polygon = Geodesic.WGS84.Polygon()
            for longitude, latitude in ring:
                polygon.AddPoint(latitude, longitude)
            areas.append(float(polygon.Compute(reverse=False, sign=True)[2]))
            globe = float(polygon.area0)
        outer, *holes = areas
        return (outer if outer >= 0 else globe + outer) - sum(map(abs, holes))

    def small(self, ring: tuple[Place, ...]) -> tuple[Place, ...]:
        """Return a ring in the direction that has the smaller part of the globe on its left."""
        return ring if _excess(ring) >= 0 else ring[::-1]


@lru_cache(maxsize=_KEPT)
def _vector(position: Position) -> Place:
    longitude, latitude = math.radians(position[0]), math.radians(position[1])
    if abs(position[1]) < 90:
        latitude = math.atan((1 - FLATTENING) ** 2 * math.tan(latitude))
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)


def _position(place: Place) -> Position:
    across = math.hypot(place[0], place[1])
    latitude = math.degrees(math.atan2(place[2], across * (1 - FLATTENING) ** 2))
    return math.degrees(math.atan2(place[1], place[0])), latitude


def _excess(ring: tuple[Place, ...]) -> float:
    """Return the area to the left of a small ring on a globe of radius one; less than 0 if that is the larger part."""
    found = 0.0
    first = ring[0]
    for one, other in pairwise(ring[1:]):
        height = _dot(first, _cross(one, other))
        found += 2 * math.atan2(height, 1 + _dot(first, one) + _dot(one, other) + _dot(other, first))
    return found


def _along_ellipsoid(one: Position, other: Position) -> float:
    """Return the distance along the ellipsoid in metres, by T. Vincenty's formulae.

    "Direct and inverse solutions of geodesics on the ellipsoid", Survey Review XXIII, 1975; nearly opposite places, for
    which they don't come to an end, are left to C. F. F. Karney's, which always do.
    """
    if one == other:
        return 0.0
    short = (1 - FLATTENING) * AXIS
    difference = math.radians(other[0] - one[0])
    low, high = (math.atan((1 - FLATTENING) * math.tan(math.radians(each[1]))) for each in (one, other))
    sin_low, cos_low, sin_high, cos_high = math.sin(low), math.cos(low), math.sin(high), math.cos(high)
    angle = difference
    for _ in range(_ITERATIONS_MAX):
        sin_angle, cos_angle = math.sin(angle), math.cos(angle)
        sin_arc = math.hypot(cos_high * sin_angle, cos_low * sin_high - sin_low * cos_high * cos_angle)
        if not sin_arc:
            return 0.0
        cos_arc = sin_low * sin_high + cos_low * cos_high * cos_angle
        arc = math.atan2(sin_arc, cos_arc)
        azimuth = cos_low * cos_high * sin_angle / sin_arc
        squared = 1 - azimuth * azimuth
        middle = cos_arc - 2 * sin_low * sin_high / squared if squared > 1e-15 else 0.0
        factor = FLATTENING / 16 * squared * (4 + FLATTENING * (4 - 3 * squared))
        last = angle
        inner = middle + factor * cos_arc * (2 * middle * middle - 1)
        angle = difference + (1 - factor) * FLATTENING * azimuth * (arc + factor * sin_arc * inner)
        if abs(angle - last) < 1e-12:
            break
    else:
        from geographiclib.geodesic import Geodesic  # noqa: PLC0415 - seldom needed

        return float(Geodesic.WGS84.Inverse(one[1], one[0], other[1], other[0])["s12"])
    u = squared * (AXIS * AXIS - short * short) / (short * short)
    large = 1 + u / 16_384 * (4_096 + u * (-768 + u * (320 - 175 * u)))
    small = u / 1_024 * (256 + u * (-128 + u * (74 - 47 * u)))
    second = 2 * middle * middle - 1
    third = small / 6 * middle * (4 * sin_arc * sin_arc - 3) * (4 * middle * middle - 3)
    change = small * sin_arc * (middle + small / 4 * (cos_arc * second - third))
    return short * large * (arc - change)
