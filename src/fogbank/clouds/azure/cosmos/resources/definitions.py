"""What a container is defined to be: as clients say it, as it is kept, and as operations use it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request, unsupported
from fogbank.clouds.azure.cosmos.resources.computed import read_computed
from fogbank.clouds.azure.cosmos.resources.indexing import PathTable, read_policy, steps_in
from fogbank.clouds.azure.cosmos.resources.resolution import read_conflicts
from fogbank.clouds.azure.cosmos.resources.search_indexes import (
    Searched,
    distances,
    read_search_indexes,
    read_texts,
    read_vectors,
)
from fogbank.clouds.azure.cosmos.rids import decoded
from fogbank.engines.documents.model import CollectionConfig, Index, KeyField
from fogbank.languages.cosmos_sql.functions.model import DISTANCES, PLANAR
from fogbank.languages.cosmos_sql.queries import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.languages.cosmos_sql.candidates import Steps
    from fogbank.languages.cosmos_sql.nodes import Select

DIALECT: Final = "cosmos"
DEFINITION: Final = "definition"
# The index of all paths, and that which unique keys are looked up in.
PATHS: Final = "paths"
UNIQUE: Final = "unique"
LEVELS_MAX: Final = 3
UNIQUE_KEYS_MAX: Final = 10
UNIQUE_PATHS_MAX: Final = 16
TTL_MAX: Final = 2_147_483_647
# Partition key of containers that were defined without one.
SYSTEM_PATH: Final = "/_partitionKey"
_MEMBERS: Final = frozenset({
    "id", "partitionKey", "indexingPolicy", "uniqueKeyPolicy", "defaultTtl", "conflictResolutionPolicy",
    "geospatialConfig", "vectorEmbeddingPolicy", "fullTextPolicy", "changeFeedPolicy", "computedProperties",
})  # fmt: skip
_SYSTEM: Final = frozenset({
    "_rid", "_self", "_etag", "_ts", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts", "statistics",
})  # fmt: skip
_KINDS: Final = ("Hash", "MultiHash")
_KEY: Final = KeyField("key", "bytes")


GEOGRAPHY, GEOMETRY = "Geography", "Geometry"


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Throughput in request units a second: what is provisioned, or with `maximum` the most of what adapts itself.

    `growth` is by how many percent that most grows with what is stored, 0 if it doesn't.
    """

    throughput: int
    maximum: int = 0
    changed_us: int = 0
    growth: int = 0


class Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A container, as it is kept. `database` and `rid` are resource ids."""

    database: str
    rid: str
    partition_key: dict[str, Any]
    indexing: dict[str, Any]
    changed_us: int
    ttl: int | None = None
    unique: dict[str, Any] = {}
    conflicts: dict[str, Any] = {}
    offer: Offer | None = None
    geospatial: str = GEOGRAPHY
    vectors: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    retention_minutes: int = 0
    computed: list[dict[str, str]] = []


class Layout(NamedTuple):
    """A container, as operations use it.

    `link` is what the links of its items begin with, `beside` what the rows of queries have besides their parameters.
    """

    definition: Definition
    rid: bytes
    link: str
    levels: tuple[Steps, ...]
    hierarchical: bool
    version: int
    paths: PathTable
    unique: tuple[tuple[Steps, ...], ...]
    beside: dict[str, Any]
    computed: dict[str, Select]


_DECODER: Final = msgspec.json.Decoder(Definition)


def definition_of(config: CollectionConfig) -> Definition:
    """Return what a container is defined to be."""
    return layout_of(config).definition


def layout_of(config: CollectionConfig) -> Layout:
    """Return how a container keeps its items."""
    return _layout(config.labels[DEFINITION])


@lru_cache(maxsize=1024)
def _layout(text: str) -> Layout:
    definition = _DECODER.decode(text)
    key = definition.partition_key
    computed = {each["name"]: parse(each["query"]) for each in definition.computed}
    return Layout(
        definition,
        decoded(definition.rid),
        f"dbs/{definition.database}/colls/{definition.rid}/docs/",
        tuple([steps_in(path) or () for path in key["paths"]]),
        key["kind"] == "MultiHash",
        int(key["version"]),
        PathTable(definition.indexing, computed),
        tuple(
            tuple([steps_in(path) or () for path in each["paths"]]) for each in definition.unique.get("uniqueKeys", ())
        ),
        _beside(definition),
        computed,
    )


def _beside(definition: Definition) -> dict[str, Any]:
    found: dict[str, Any] = {PLANAR: True} if definition.geospatial == GEOMETRY else {}
    if definition.vectors:
        found[DISTANCES] = distances(definition.vectors)
    return found


def config_of(definition: Definition, numbers: list[int], *, building: bool = False) -> CollectionConfig:
    """Return a container as the engine has it; `numbers` are for its indexes."""
    indexes = []
    if definition.indexing["indexingMode"] != "none" or building:
        indexes.append(Index(PATHS, numbers[0], _KEY, _KEY, building=building))
    if definition.unique.get("uniqueKeys"):
        indexes.append(Index(UNIQUE, numbers[1], _KEY, _KEY))
    return CollectionConfig(
        _KEY,
        _KEY,
        dialect=DIALECT,
        versioned=True,
        indexes=tuple(indexes),
        expiry="" if definition.ttl is None else "ttl",
        labels={DEFINITION: msgspec.json.encode(definition).decode()},
    )


def read_definition(body: Mapping[str, Any], now_us: int) -> Definition:
    """Return what a request defines, without resource ids, or raise the error for what can't be."""
    for name, value in body.items():
        if name not in _MEMBERS and name not in _SYSTEM and value not in (None, [], {}):
            raise unsupported(f"the property {name} of containers")
    geospatial, indexing = _read_geospatial(body.get("geospatialConfig")), read_policy(body.get("indexingPolicy"))
    vectors, texts = read_vectors(body.get("vectorEmbeddingPolicy")), read_texts(body.get("fullTextPolicy"))
    if indexing["indexingMode"] != "none" and body.get("indexingPolicy"):
        searched = Searched(geospatial == GEOMETRY, vectors, texts)
        indexing |= read_search_indexes(body["indexingPolicy"], searched)
    partition_key = _read_partition_key(body.get("partitionKey"))
    return Definition(
        "",
        "",
        partition_key,
        indexing,
        now_us,
        _read_ttl(body.get("defaultTtl")),
        _read_unique(body.get("uniqueKeyPolicy")),
        read_conflicts(body.get("conflictResolutionPolicy")),
        geospatial=geospatial,
        vectors=vectors,
        texts=texts,
        retention_minutes=_read_retention(body.get("changeFeedPolicy")),
        computed=read_computed(body.get("computedProperties"), partition_key["paths"]),
    )


def _read_geospatial(given: Any) -> str:
    found = GEOGRAPHY if given is None else given.get("type") if isinstance(given, dict) else None
    if found not in (GEOGRAPHY, GEOMETRY):
        raise bad_request("The geospatialConfig is invalid: its type must be Geography or Geometry.")
    return str(found)


def _read_partition_key(given: Any) -> dict[str, Any]:
    if given is None:
        return {"paths": [SYSTEM_PATH], "kind": "Hash", "version": 2, "systemKey": True}
    paths = given.get("paths") if isinstance(given, dict) else None
    if not isinstance(paths, list) or not paths:
        raise bad_request("The partition key definition must have paths.")
    kind, version = given.get("kind") or "Hash", given.get("version") or (1 if len(paths) == 1 else 2)
    if kind not in _KINDS:
        raise unsupported(f"the kind {kind} of partition keys")
    if type(version) is not int or version not in (1, 2) or (kind == "MultiHash" and version != 2):
        raise bad_request(f"The partition key version {version} is invalid.")
    most = LEVELS_MAX if kind == "MultiHash" else 1
    if len(paths) > most:
        raise bad_request(f"Too many partition key paths: {len(paths)}. A partition key of kind {kind} has {most}.")
    for path in paths:
        if not isinstance(path, str) or not steps_in(path) or path.endswith(("/?", "/*")):
            raise bad_request(f"The partition key component definition path '{path}' could not be accepted, failed near"
                              " position '0'. Partition key paths must contain only valid characters and not contain a"
                              " trailing slash or wildcard character.")  # fmt: skip
    found = {"paths": paths, "kind": kind, "version": version}
    return {**found, "systemKey": True} if given.get("systemKey") else found


def _read_ttl(given: Any) -> int | None:
    if given is None:
        return None
    if type(given) is not int or not (given == -1 or 0 < given <= TTL_MAX):
        raise bad_request(f"The input ttl '{given}' is invalid. Ensure to provide a nonzero positive integer less than"
                          f" or equal to '{TTL_MAX}', or -1 (never expire).")  # fmt: skip
    return given


def _read_unique(given: Any) -> dict[str, Any]:
    if not given:
        return {}
    keys = given.get("uniqueKeys") if isinstance(given, dict) else None
    if not isinstance(keys, list) or len(keys) > UNIQUE_KEYS_MAX:
        raise bad_request(f"A unique key policy has at most {UNIQUE_KEYS_MAX} unique keys.")
    for each in keys:
        paths = each.get("paths") if isinstance(each, dict) else None
        if not isinstance(paths, list) or not 0 < len(paths) <= UNIQUE_PATHS_MAX:
            raise bad_request(f"A unique key must have 1 to {UNIQUE_PATHS_MAX} paths.")
        if not all(isinstance(path, str) and steps_in(path) for path in paths):
            raise bad_request("A path of a unique key is invalid.")
    return {"uniqueKeys": [{"paths": each["paths"]} for each in keys]} if keys else {}


def _read_retention(given: Any) -> int:
    """Return for how many minutes all writes are kept; 0 is not at all."""
    if given is None:
        return 0
    minutes = given.get("retentionDuration", 0) if isinstance(given, dict) else None
    if type(minutes) is not int or minutes < 0 or given.keys() - {"retentionDuration"}:
        raise bad_request("The retentionDuration of the changeFeedPolicy must be a number of minutes.")
    return minutes
