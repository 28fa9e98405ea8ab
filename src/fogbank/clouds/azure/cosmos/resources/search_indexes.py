"""What a container says of shapes, vectors and texts that are searched: its policies, and the indexes for them.

They are kept, checked and shown; searching looks at all that the rest of a condition leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import bad_request, unsupported
from fogbank.clouds.azure.cosmos.resources.indexing import steps_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fogbank.languages.cosmos_sql.candidates import Steps

_SHAPES: Final = ("Point", "LineString", "Polygon", "MultiPolygon")
# "Vector indexing policies": the bounds of what each type of index may say.
_QUANTIZED: Final = {"quantizationByteSize": (1, 512)}
_VECTOR_TYPES: Final[dict[str, dict[str, tuple[int, int]]]] = {
    "flat": {},
    "quantizedFlat": _QUANTIZED,
    "diskANN": {**_QUANTIZED, "indexingSearchListSize": (25, 500)},
}
FLAT_DIMENSIONS_MAX: Final = 505
DIMENSIONS_MAX: Final = 4_096
_DATA_TYPES: Final = ("float32", "float16", "int8", "uint8")
_DISTANCES: Final = ("cosine", "dotproduct", "euclidean")
LANGUAGE: Final = "en-US"
_BOX: Final = ("xmin", "ymin", "xmax", "ymax")


class Searched(NamedTuple):
    """What a container says of its shapes, vectors and texts, as it is kept; empty for nothing."""

    planar: bool
    vectors: dict[str, Any]
    texts: dict[str, Any]


def read_search_indexes(policy: Mapping[str, Any], searched: Searched) -> dict[str, Any]:
    """Return the indexes of an indexing policy that search needs, or raise the error for what is none."""
    found: dict[str, Any] = {}
    if spatial := policy.get("spatialIndexes"):
        found["spatialIndexes"] = [_spatial(each, searched.planar) for each in _objects(spatial, "spatialIndexes")]
    if vectors := policy.get("vectorIndexes"):
        found["vectorIndexes"] = [_vector_index(each, searched.vectors) for each in _objects(vectors, "vectorIndexes")]
    if texts := policy.get("fullTextIndexes"):
        found["fullTextIndexes"] = [_text_index(each, searched.texts) for each in _objects(texts, "fullTextIndexes")]
    return found


def read_vectors(given: Any) -> dict[str, Any]:
    """Return a vector embedding policy as it is kept, or raise the error for what is none.

    "Vector search in Azure Cosmos DB for NoSQL", "Container vector policies"
    (https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search).
    """
    if not given:
        return {}
    embeddings = []
    for each in _objects(given.get("vectorEmbeddings") if isinstance(given, dict) else None, "vectorEmbeddings"):
        _check_members(each, ("path", "dataType", "dimensions", "distanceFunction"), "vectorEmbeddings")
        path, dimensions = _path(each.get("path"), "vector embedding"), each.get("dimensions")
        if type(dimensions) is not int or not 1 <= dimensions <= DIMENSIONS_MAX:
            raise bad_request(f"The dimensions of the vector embedding '{path}' must be from 1 to {DIMENSIONS_MAX}.")
        embeddings.append(
            {
                "path": path,
                "dataType": _choice(each, "dataType", _DATA_TYPES, path),
                "dimensions": dimensions,
                "distanceFunction": _choice(each, "distanceFunction", _DISTANCES, path),
            }
        )
    _check_unique(embeddings, "vector embedding policy")
    return {"vectorEmbeddings": embeddings} if embeddings else {}


def read_texts(given: Any) -> dict[str, Any]:
    """Return a full-text policy as it is kept, or raise the error for what is none.

    "Full-text search in Azure Cosmos DB for NoSQL", "Full text policy"
    (https://learn.microsoft.com/azure/cosmos-db/gen-ai/full-text-search).
    """
    if not given:
        return {}
    if not isinstance(given, dict):
        raise bad_request("The fullTextPolicy must be an object.")
    _check_members(given, ("defaultLanguage", "fullTextPaths"), "fullTextPolicy")
    language = _language(given.get("defaultLanguage"), LANGUAGE)
    paths = []
    for each in _objects(given.get("fullTextPaths") or [], "fullTextPaths"):
        _check_members(each, ("path", "language"), "fullTextPaths")
        path = _path(each.get("path"), "full-text")
        paths.append({"path": path, "language": _language(each.get("language"), language)})
    _check_unique(paths, "full-text policy")
    return {"defaultLanguage": language, "fullTextPaths": paths}


def check_kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise the error for vector embeddings that a container had and hasn't any more as they were; others may come."""
    kept = new.get("vectorEmbeddings", ())
    if not all(each in kept for each in old.get("vectorEmbeddings", ())):
        raise bad_request("The vector embeddings of a container can't be changed or removed.")


def distances(vectors: Mapping[str, Any]) -> dict[Steps, str]:
    """Return by which function the vectors of each path are compared."""
    return {steps_in(each["path"]) or (): each["distanceFunction"] for each in vectors.get("vectorEmbeddings", ())}


def _language(given: Any, otherwise: str) -> str:
    if given is None:
        return otherwise
    if given != LANGUAGE:
        raise unsupported(f"the language '{given}' of full-text search")
    return LANGUAGE


def _path(given: Any, what: str) -> str:
    if not isinstance(given, str) or not steps_in(given) or given.endswith(("/?", "/*", "/[]")):
        raise bad_request(f"The {what} path '{given}' could not be accepted, failed near position '0'.")
    return given


def _choice(given: Mapping[str, Any], name: str, choices: tuple[str, ...], path: str) -> str:
    value = given.get(name)
    found = next((each for each in choices if isinstance(value, str) and each == value.lower()), None)
    if found is None:
        raise bad_request(f"The {name} '{value}' of the vector embedding '{path}' must be one of {', '.join(choices)}.")
    return found


def _check_members(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for name, value in given.items():
        if name not in known and value is not None:
            raise unsupported(f"the member {name} of {what}")


def _check_unique(given: list[dict[str, Any]], what: str) -> None:
    paths = [each["path"] for each in given]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise bad_request(f"The {what} has the path '{twice}' more than once.")


def _vector_index(given: dict[str, Any], vectors: Mapping[str, Any]) -> dict[str, Any]:
    """Read an index of vectors: it must be of a path of the policy, and each type has its own bounds."""
    path, kind = given.get("path"), given.get("type")
    embedding = next((each for each in vectors.get("vectorEmbeddings", ()) if each["path"] == path), None)
    if embedding is None:
        raise bad_request(f"The Vector Indexing Policy's path::{path} not matching in Embedding's path.")
    found = next((each for each in _VECTOR_TYPES if isinstance(kind, str) and each.lower() == kind.lower()), None)
    if found is None:
        raise bad_request(
            f"The type '{kind}' of the vector index of '{path}' must be one of {', '.join(_VECTOR_TYPES)}."
        )
    if found == "flat" and embedding["dimensions"] > FLAT_DIMENSIONS_MAX:
        raise bad_request(f"A vector index of the type flat has at most {FLAT_DIMENSIONS_MAX} dimensions.")
    bounds = _VECTOR_TYPES[found]
    _check_members(given, ("path", "type", "vectorIndexShardKey", *bounds), f"vector indexes of the type {found}")
    index = {"path": path, "type": found}
    for name, (least, most) in bounds.items():
        value = given.get(name)
        if value is None:
            continue
        if type(value) is not int or not least <= value <= most:
            raise bad_request(f"The {name} of the vector index of '{path}' must be from {least} to {most}.")
        index[name] = value
    if (shards := given.get("vectorIndexShardKey")) is not None:
        if not isinstance(shards, list):
            raise bad_request(f"The vectorIndexShardKey of the vector index of '{path}' must be a list of paths.")
        index["vectorIndexShardKey"] = [_path(each, "vector index shard key") for each in shards]
    return index


def _text_index(given: dict[str, Any], texts: Mapping[str, Any]) -> dict[str, Any]:
    _check_members(given, ("path",), "fullTextIndexes")
    path = _path(given.get("path"), "full-text index")
    if not any(each["path"] == path for each in texts.get("fullTextPaths", ())):
        raise bad_request(
            f"The path of the Full Text Index {path} does not match the path specified in the Full Text Policy."
        )
    return {"path": path}


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
