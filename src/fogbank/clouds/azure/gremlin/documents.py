"""Vertices and edges as the items of a container.

"Using a partitioned graph in Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/gremlin/partitioning): both
are JSON documents; an edge is of its source's partition and has the id, label and partition of its sink. The members
are those that the service itself has (https://alexdrenea.dev/2017/11/06/cosmosdb-graph-formats).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.resources.indexing import ADDED
from fogbank.languages.gremlin.elements import Edge, End, Vertex, VertexProperty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.languages.gremlin.elements import NewValue

IS_EDGE: Final = "_isEdge"
SOURCE: Final = "_vertexId"
SOURCE_LABEL: Final = "_vertexLabel"
SINK: Final = "_sink"
SINK_LABEL: Final = "_sinkLabel"
SINK_PARTITION: Final = "_sinkPartition"
VALUE: Final = "_value"
META: Final = "_meta"
# What no property may be named.
RESERVED: Final = frozenset({
    "id", "label", IS_EDGE, SOURCE, SOURCE_LABEL, SINK, SINK_LABEL, SINK_PARTITION, *ADDED,
})  # fmt: skip
# Time to live is a number of its own, not a property with values.
TTL: Final = "ttl"


def is_edge(fields: dict[str, Any]) -> bool:
    """Whether an item is an edge."""
    return fields.get(IS_EDGE) is True


def read_vertex(fields: dict[str, Any], key: str) -> Vertex:
    """Return the vertex that an item is; `key` is the property of the partition key."""
    properties: dict[str, list[VertexProperty]] = {}
    vertex = Vertex(fields["id"], str(fields.get("label", "vertex")), fields.get(key), properties)
    for name, given in fields.items():
        if name in RESERVED:
            continue
        if isinstance(given, list):
            properties[name] = [
                VertexProperty(str(each["id"]), name, each[VALUE], vertex, each.get(META) or {})
                for each in given
                if isinstance(each, dict) and VALUE in each and "id" in each
            ]
        elif not isinstance(given, dict):
            properties[name] = [VertexProperty(f"{vertex.id}|{name}", name, given, vertex, {})]
    return vertex


def read_edge(fields: dict[str, Any], key: str) -> Edge:
    """Return the edge that an item is."""
    partition = fields.get(key)
    source = End(fields[SOURCE], fields.get(SOURCE_LABEL, "vertex"), partition)
    sink = End(fields[SINK], fields.get(SINK_LABEL, "vertex"), fields.get(SINK_PARTITION))
    properties = {
        name: value
        for name, value in fields.items()
        if name not in RESERVED and name != key and not isinstance(value, list | dict)
    }
    return Edge(fields["id"], fields.get("label", "edge"), source, sink, properties)


def new_edge(identifier: str, label: str, source: Vertex, sink: Vertex, key: str) -> dict[str, Any]:
    """Return the item that an edge is to be."""
    fields = {
        "id": identifier,
        "label": label,
        SINK: sink.id,
        SINK_LABEL: sink.label,
        SINK_PARTITION: sink.partition,
        SOURCE: source.id,
        SOURCE_LABEL: source.label,
        IS_EDGE: True,
    }
    if key:
        fields[key] = source.partition
    return fields


def give_vertex(fields: dict[str, Any], values: Sequence[NewValue], new_id: Callable[[], str]) -> None:
    """Give properties of a vertex's item values."""
    for value in values:
        if value.key == TTL:
            fields[TTL] = value.value
            continue
        made: dict[str, Any] = {"id": new_id(), VALUE: value.value}
        if value.meta:
            made[META] = dict(value.meta)
        kept = fields.get(value.key)
        kept = kept if isinstance(kept, list) and value.cardinality != "single" else []
        if value.cardinality == "set":
            kept = [each for each in kept if (type(each[VALUE]), each[VALUE]) != (type(value.value), value.value)]
        fields[value.key] = [*kept, made]
