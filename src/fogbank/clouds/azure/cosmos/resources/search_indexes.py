"""What a container says of shapes, vectors and texts that are searched: its policies, and the indexes for them.

They are kept, checked and shown; searching looks at all that the rest of a condition leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.resources.indexing import steps_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHAPES: Final = ("Point", "LineString", "Polygon", "MultiPolygon")
_BOX: Final = ("xmin", "ymin", "xmax", "ymax")


def read_search_indexes(policy: Mapping[str, Any], *, planar: bool) -> dict[str, Any]:
    """Return the indexes of an indexing policy that search needs, or raise the error for what is none."""
    found: dict[str, Any] = {}
    if spatial := policy.get("spatialIndexes"):
        found["spatialIndexes"] = [_spatial(each, planar) for each in _objects(spatial, "spatialIndexes")]
    return found


def _objects(given: Any, what: str) -> Iterator[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise bad_request(f"The {what} must be a list of objects.")
    yield from given


def _spatial(given: dict[str, Any], planar: bool) -> dict[str, Any]:
    """Read an index of shapes.

    "Index geospatial data with Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/nosql/how-to-geospatial-
    index-query): those in a plane must say in which box of it.
    """
    path, types, box = given.get("path"), given.get("types"), given.get("boundingBox")
    if not isinstance(path, str) or not path.endswith(("/?", "/*")) or not steps_in(path[:-2]):
        raise bad_request(f"The spatial indexing path '{path}' could not be accepted, failed near position '0'.")
    types = list(_SHAPES) if types is None else types
    if not isinstance(types, list) or not types or not all(kind in _SHAPES for kind in types):
        raise bad_request(f"The types of the spatial index of '{path}' must be of {', '.join(_SHAPES)}.")
    if planar:
        return {"path": path, "types": types, "boundingBox": _bounds(path, box)}
    if box is not None:
        raise bad_request(
            f"The spatial index of '{path}' has a boundingBox, which only those of the type Geometry have."
        )
    return {"path": path, "types": types}


def _bounds(path: str, given: Any) -> dict[str, Any]:
    sides: list[Any] = [given.get(name) for name in _BOX] if isinstance(given, dict) else []
    if len(sides) != len(_BOX) or not all(type(side) in (int, float) for side in sides):
        raise bad_request(f"The spatial index of '{path}' must have a boundingBox with xmin, ymin, xmax and ymax.")
    if not (sides[0] < sides[2] and sides[1] < sides[3]):
        raise bad_request(f"The boundingBox of the spatial index of '{path}' is empty.")
    return dict(zip(_BOX, sides, strict=True))
