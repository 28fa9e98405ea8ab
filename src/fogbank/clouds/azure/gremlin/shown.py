"""Results as clients get them: the service's own JSON, in which elements say their type.

"Azure Cosmos DB for Gremlin graph support", "Wire format"
(https://learn.microsoft.com/azure/cosmos-db/gremlin/support#wire-format).
"""

from __future__ import annotations

from typing import Any

from fogbank.languages.gremlin.elements import Edge, Property, Vertex, VertexProperty
from fogbank.languages.gremlin.values import Path, Tree, shown


def show(value: Any) -> Any:
    """Return a result as JSON has it."""
    if isinstance(value, Vertex):
        return _vertex(value)
    if isinstance(value, Edge):
        return _edge(value)
    if isinstance(value, VertexProperty):
        return {"id": value.id, "value": value.value, "label": value.key}
    if isinstance(value, Property):
        return {"key": value.key, "value": value.value}
    if isinstance(value, Tree):
        return {shown(key): {"key": show(key), "value": show(each)} for key, each in value.items()}
    if isinstance(value, Path):
        return {"labels": value.labels, "objects": [show(each) for each in value]}
    if isinstance(value, tuple):
        # What is the same of a list or a map, which is the key of a group.
        return shown(value)
    if isinstance(value, list):
        return [show(each) for each in value]
    if isinstance(value, dict):
        return {shown(key): show(each) for key, each in value.items()}
    return value


def _vertex(vertex: Vertex) -> dict[str, Any]:
    found: dict[str, Any] = {"id": vertex.id, "label": vertex.label, "type": "vertex"}
    properties = {
        name: [
            {"id": each.id, "value": each.value, **({"properties": each.meta} if each.meta else {})} for each in values
        ]
        for name, values in vertex.properties.items()
    }
    return {**found, "properties": properties} if properties else found


def _edge(edge: Edge) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": edge.id,
        "label": edge.label,
        "type": "edge",
        "inVLabel": edge.sink.label,
        "outVLabel": edge.source.label,
        "inV": edge.sink.id,
        "outV": edge.source.id,
    }
    return {**found, "properties": edge.properties} if edge.properties else found
