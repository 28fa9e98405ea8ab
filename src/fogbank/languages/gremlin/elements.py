"""Graphs: vertices, edges, their properties, and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import TypeAlias

    Scalar: TypeAlias = "str | int | float | bool | None"


class VertexProperty(NamedTuple):
    """One value of a vertex's property; `meta` are properties of its own."""

    id: str
    key: str
    value: Scalar
    owner: Vertex
    meta: dict[str, Any]


class Property(NamedTuple):
    """An edge's property."""

    key: str
    value: Scalar
    owner: Edge


class Element:
    """What vertices and edges have in common. Two are the same if they have one identity."""

    __slots__ = ("id", "identity", "label", "partition")

    def __init__(self, identifier: str, label: str, partition: Scalar) -> None:
        self.id = identifier
        self.label = label
        self.partition = partition
        self.identity = (type(self).__name__, partition, identifier)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Element) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


class Vertex(Element):
    """A vertex: each property has a list of values."""

    __slots__ = ("properties",)

    def __init__(
        self, identifier: str, label: str, partition: Scalar, properties: dict[str, list[VertexProperty]]
    ) -> None:
        super().__init__(identifier, label, partition)
        self.properties = properties


class End(NamedTuple):
    """A vertex at the end of an edge, as the edge knows it."""

    id: str
    label: str
    partition: Scalar


class Edge(Element):
    """An edge from `source` to `sink`; it is of its source's partition."""

    __slots__ = ("properties", "sink", "source")

    def __init__(self, identifier: str, label: str, source: End, sink: End, properties: dict[str, Scalar]) -> None:
        super().__init__(identifier, label, source.partition)
        self.source = source
        self.sink = sink
        self.properties = properties


class Wanted(NamedTuple):
    """Which vertices or edges are asked for: one of the ids, of the labels, of one partition; None for any.

    `keys` are pairs of partition and id.
    """

    ids: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    partition: Sequence[Scalar] | None = None
    keys: Sequence[tuple[Scalar, str]] | None = None


class NewValue(NamedTuple):
    """A value for a vertex's property: in place of others (single), beside them (list, set if it isn't there)."""

    key: str
    value: Scalar
    cardinality: str = "single"
    meta: tuple[tuple[str, Any], ...] = ()


class Graph(Protocol):
    """A graph as traversals use it. What it refuses it raises as `ExecutionError` or an error of its own."""

    @property
    def partition_key(self) -> str:
        """The property that says a vertex's partition, "" if there is none."""

    def vertices(self, wanted: Wanted) -> AsyncIterator[Vertex]:
        """Yield vertices."""

    def edges(self, wanted: Wanted) -> AsyncIterator[Edge]:
        """Yield edges."""

    async def vertex(self, end: End) -> Vertex | None:
        """Return the vertex at an edge's end, None if it is gone."""

    def incident(self, vertex: Vertex, labels: Sequence[str], *, out: bool) -> AsyncIterator[Edge]:
        """Yield the edges out of a vertex, or into it, with one of the labels, or with any if there are none."""

    async def add_vertex(self, label: str, identifier: str | None, values: Sequence[NewValue]) -> Vertex:
        """Create a vertex."""

    async def add_edge(
        self, label: str, identifier: str | None, source: Vertex, sink: Vertex, values: Sequence[NewValue]
    ) -> Edge:
        """Create an edge."""

    async def change_vertex(self, vertex: Vertex, values: Sequence[NewValue]) -> Vertex:
        """Give properties of a vertex values."""

    async def change_edge(self, edge: Edge, values: Sequence[NewValue]) -> Edge:
        """Give properties of an edge values."""

    async def drop_vertex(self, vertex: Vertex) -> None:
        """Remove a vertex with its edges."""

    async def drop_edge(self, edge: Edge) -> None:
        """Remove an edge."""

    async def drop_property(self, found: VertexProperty | Property) -> None:
        """Remove a value of a vertex's property, or an edge's property."""
