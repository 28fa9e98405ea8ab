"""Queries on shapes, and the settings of containers for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError

from tests.conformance.azure.cosmos.test_resources import ask as signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from tests.conformance.azure.conftest import Azure

BERLIN, PARIS = [13.405, 52.52], [2.3522, 48.8566]
GERMANY = {"type": "Polygon", "coordinates": [[[6, 47.3], [15, 47.3], [15, 55], [6, 55], [6, 47.3]]]}


def ask(container: ContainerProxy, query: str, **parameters: Any) -> list[Any]:
    given = [{"name": f"@{name}", "value": value} for name, value in parameters.items()]
    return list(container.query_items(query, parameters=given, enable_cross_partition_query=True))


def test_what_is_near_and_within(make: Callable[..., ContainerProxy]) -> None:
    policy = {
        "includedPaths": [{"path": "/*"}],
        "spatialIndexes": [{"path": "/at/*", "types": ["Point", "Polygon"]}, {"path": "/other/?"}],
    }
    container = make("/pk", indexing_policy=policy)
    assert container.read()["indexingPolicy"]["spatialIndexes"] == [
        {"path": "/at/*", "types": ["Point", "Polygon"]},
        {"path": "/other/?", "types": ["Point", "LineString", "Polygon", "MultiPolygon"]},
    ]
    for name, at in (("berlin", BERLIN), ("paris", PARIS)):
        container.create_item({"id": name, "pk": "a", "at": {"type": "Point", "coordinates": at}})
    container.create_item({"id": "nowhere", "pk": "b", "at": {"type": "Point", "coordinates": [0, 132]}})
    berlin = {"type": "Point", "coordinates": BERLIN}
    (found,) = ask(container, "SELECT VALUE ST_DISTANCE(c.at, @p) FROM c WHERE c.id = 'paris'", p=berlin)
    assert found == pytest.approx(879_700, abs=300)
    assert ask(container, "SELECT VALUE c.id FROM c WHERE ST_DISTANCE(c.at, @p) < 30000", p=berlin) == ["berlin"]
    assert ask(container, "SELECT VALUE c.id FROM c WHERE ST_WITHIN(c.at, @g)", g=GERMANY) == ["berlin"]
    assert ask(container, "SELECT VALUE c.id FROM c WHERE NOT ST_INTERSECTS(@g, c.at)", g=GERMANY) == ["paris"]
    assert ask(container, "SELECT VALUE c.id FROM c WHERE NOT ST_ISVALID(c.at)") == ["nowhere"]
    assert ask(container, "SELECT VALUE ST_ISVALIDDETAILED(c.at) FROM c WHERE c.pk = 'b'") == [
        {"valid": False, "reason": "Latitude values must be between -90 and 90 degrees."}
    ]
    assert ask(container, "SELECT VALUE ST_ISVALIDDETAILED(@g)", g=GERMANY) == [{"valid": True}]
    assert ask(container, "SELECT VALUE ST_AREA(@p)", p=berlin) == [0]
    assert ask(container, "SELECT ST_DISTANCE(c.at, 5) AS d, ST_WITHIN(c.none, @g) AS w FROM c", g=GERMANY) == [{}] * 3


def put(azure: Azure, database: DatabaseProxy, name: str, **body: Any) -> Any:
    """Create a container with settings that the client has no parameters for."""
    whole = {"id": name, "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}, **body}
    return signed(
        azure, "POST", f"/dbs/{database.id}/colls", body=msgspec.json.encode(whole), content_type="application/json"
    )


def test_shapes_in_a_plane(azure: Azure, database: DatabaseProxy) -> None:
    box = {"xmin": 0, "ymin": -1.5, "xmax": 100, "ymax": 100}
    index = {"path": "/at/*", "types": ["Point"], "boundingBox": box}
    policy = {"includedPaths": [{"path": "/*"}], "spatialIndexes": [index]}
    answer = put(azure, database, "plane", geospatialConfig={"type": "Geometry"}, indexingPolicy=policy)
    assert answer.status == 201
    assert answer.json()["geospatialConfig"] == {"type": "Geometry"}
    assert answer.json()["indexingPolicy"]["spatialIndexes"] == [index]
    container = database.get_container_client("plane")
    container.create_item({"id": "1", "pk": "a", "at": {"type": "Point", "coordinates": [0, 400]}})
    there = {"type": "Point", "coordinates": [300, 0]}
    assert ask(container, "SELECT VALUE ST_DISTANCE(c.at, @p) FROM c", p=there) == [500]


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ({"path": "/at", "types": ["Point"]}, "could not be accepted"),
        ({"path": "/at/*", "types": ["Circle"]}, "must be of Point, LineString"),
        ({"path": "/at/*", "boundingBox": {"xmin": 0}}, "boundingBox"),
    ],
)
def test_spatial_indexes_that_are_refused(
    make: Callable[..., ContainerProxy], index: dict[str, Any], words: str
) -> None:  # fmt: skip
    with pytest.raises(CosmosHttpResponseError, match=words):
        make("/pk", indexing_policy={"includedPaths": [{"path": "/*"}], "spatialIndexes": [index]})


def test_settings_of_planes_that_are_refused(azure: Azure, database: DatabaseProxy) -> None:
    policy = {"includedPaths": [{"path": "/*"}], "spatialIndexes": [{"path": "/at/*"}]}
    answer = put(azure, database, "refused", geospatialConfig={"type": "Geometry"}, indexingPolicy=policy)
    assert (answer.status, "must have a boundingBox" in answer.json()["message"]) == (400, True)
    assert put(azure, database, "refused", geospatialConfig={"type": "Sphere"}).status == 400
