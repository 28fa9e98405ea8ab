"""How shapes lie to each other, on the globe and in the plane."""

from __future__ import annotations

from typing import Any

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.geojson.relations import Placed, area, distance, intersects, is_within, put, self_crossing
from fogbank.languages.geojson.shapes import ShapeError, read_shape

SQUARE = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]
HOLE = [[4, 4], [4, 6], [6, 6], [6, 4], [4, 4]]
positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def shape(kind: str, coordinates: Any, planar: bool) -> Placed:
    return put(read_shape({"type": kind, "coordinates": coordinates}, planar=planar), planar=planar)


@given(positions, positions)
def test_distances_are_those_along_the_ellipsoid(one: tuple[float, float], other: tuple[float, float]) -> None:
    found = distance(shape("Point", [*one], False), shape("Point", [*other], False))
    known = Geodesic.WGS84.Inverse(one[1], one[0], other[1], other[0])["s12"]
    assert found == pytest.approx(known, abs=0.01)


def test_an_area_that_the_documentation_tells() -> None:
    polygon = {"type": "Polygon", "coordinates": [[[31.8, -5], [32, -5], [32, -4.7], [31.8, -4.7], [31.8, -5]]]}
    # "ST_AREA (NoSQL query)".
    assert area(read_shape(polygon, planar=False), planar=False) == pytest.approx(735970283.0522614, rel=1e-8)
    backward = {"type": "Polygon", "coordinates": [polygon["coordinates"][0][::-1]]}  # type: ignore[index]
    assert area(read_shape(backward, planar=False), planar=False) == pytest.approx(5.10065e14, rel=1e-4)
    assert area(read_shape({"type": "Polygon", "coordinates": [*SQUARE, HOLE]}, planar=True), planar=True) == 96
    assert area(read_shape({"type": "Point", "coordinates": [1, 1]}, planar=True), planar=True) == 0


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize(
    ("kind", "coordinates", "meets", "within"),
    [
        ("Point", [5, 3], True, True),
        ("Point", [5, 5], False, False),
        ("Point", [0, 5], True, False),
        ("Point", [11, 5], False, False),
        ("Point", [-170, -5], False, False),
        ("LineString", [[1, 1], [9, 1]], True, True),
        ("LineString", [[1, 5], [9, 5]], True, False),
        ("LineString", [[-5, 5], [3, 5]], True, False),
        ("LineString", [[-5, -5], [-5, 15]], False, False),
        ("LineString", [[-5, 5], [15, 5]], True, False),
        ("Polygon", [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]], True, True),
        ("Polygon", [[[3, 3], [7, 3], [7, 7], [3, 7], [3, 3]]], True, False),
        ("Polygon", [[[-1, -1], [11, -1], [11, 11], [-1, 11], [-1, -1]]], True, False),
        ("Polygon", [[[20, 0], [30, 0], [30, 9], [20, 0]]], False, False),
        ("Polygon", [[[4.5, 4.5], [5.5, 4.5], [5, 5.5], [4.5, 4.5]]], False, False),
        ("MultiPolygon", [[[[1, 1], [2, 1], [2, 2], [1, 1]]], [[[7, 7], [8, 7], [8, 8], [7, 7]]]], True, True),
        ("MultiPolygon", [[[[1, 1], [2, 1], [2, 2], [1, 1]]], [[[17, 7], [18, 7], [18, 8], [17, 7]]]], True, False),
    ],
)
def test_shapes_and_a_square_with_a_hole(
    planar: bool, kind: str, coordinates: Any, meets: bool, within: bool
) -> None:  # fmt: skip
    one, square = shape(kind, coordinates, planar), shape("Polygon", [*SQUARE, HOLE], planar)
    assert intersects(one, square) is intersects(square, one) is meets
    assert is_within(one, square) is within
    assert (distance(one, square) == 0) is meets
    assert is_within(square, square)


def test_a_polygon_written_clockwise_is_the_rest_of_the_globe() -> None:
    rest = shape("Polygon", [SQUARE[0][::-1]], False)
    assert not is_within(shape("Point", [5, 5], False), rest)
    for position in ([20, 20], [-175, -5], [90, -80], [5, -5]):
        assert is_within(shape("Point", position, False), rest)


def test_polygons_across_the_date_line_and_around_a_pole() -> None:
    across = shape("Polygon", [[[170, -10], [-170, -10], [-170, 10], [170, 10], [170, -10]]], False)
    assert is_within(shape("Point", [180, 0], False), across)
    assert not is_within(shape("Point", [0, 0], False), across)
    around = shape("Polygon", [[[0, 60], [90, 60], [180, 60], [-90, 60], [0, 60]]], False)
    assert is_within(shape("Point", [45, 89], False), around)
    assert not is_within(shape("Point", [45, 40], False), around)


def test_distances_to_lines() -> None:
    line = shape("LineString", [[0, 0], [10, 0]], False)
    assert distance(shape("Point", [5, 1], False), line) == pytest.approx(110_574, abs=5)
    assert distance(shape("Point", [11, 0], False), line) == pytest.approx(111_319.49, abs=0.01)
    flat = shape("LineString", [[0, 0], [10, 0]], True)
    assert distance(shape("Point", [5, 3], True), flat) == 3
    assert distance(flat, shape("LineString", [[13, 4], [13, 9]], True)) == 5
    assert is_within(shape("LineString", [[2, 0], [5, 0]], True), flat)
    assert not is_within(shape("Point", [0, 0], True), flat)
    assert is_within(shape("Point", [1, 0], True), flat)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "Point", "coordinates": [0, 132]}, "Latitude values must be between -90 and 90 degrees."),
        ({"type": "Point", "coordinates": [181, 0]}, "Longitude"),
        ({"type": "Point", "coordinates": ["0", 0]}, "array of at least two numbers"),
        ({"type": "Circle", "coordinates": [0, 0]}, "not a GeoJSON object"),
        (5, "not a GeoJSON object"),
        ({"type": "LineString", "coordinates": [[0, 0]]}, "two positions"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "start and end points"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}, "at least 4 points"),
        ({"type": "Polygon", "coordinates": []}, "at least one ring"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [0, 0], [1, 1], [0, 0]]]}, "no area"),
    ],
)
def test_what_is_no_shape(value: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        read_shape(value, planar=False)


def test_polygons_whose_edges_cross() -> None:
    assert self_crossing(shape("Polygon", [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]], False))
    assert not self_crossing(shape("Polygon", [*SQUARE, HOLE], False))
