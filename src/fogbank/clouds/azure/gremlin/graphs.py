"""A graph in a container: how traversals find and change what is in it, all in one transaction of the store.

What is asked is asked in the container's own query language, so that its indexes are used; what is written is written
as any item is.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.keys import key_of
from fogbank.clouds.azure.cosmos.items.shapes import index_value
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, read_item, write
from fogbank.clouds.azure.cosmos.queries.continuations import Position, checksum
from fogbank.clouds.azure.cosmos.queries.requests import Query, compiled
from fogbank.clouds.azure.cosmos.queries.running import Request
from fogbank.clouds.azure.cosmos.queries.running import run as run_query
from fogbank.clouds.azure.cosmos.resources.definitions import PATHS, SYSTEM_PATH, layout_of
from fogbank.clouds.azure.gremlin.documents import (
    RESERVED,
    SINK,
    SOURCE,
    VALUE,
    give_vertex,
    is_edge,
    new_edge,
    read_edge,
    read_vertex,
)
from fogbank.engines.documents import collections, documents, ranges
from fogbank.engines.documents.keys import after
from fogbank.engines.documents.ranges import Range
from fogbank.languages.cosmos_sql.running import base_row
from fogbank.languages.cosmos_sql.values import UNDEFINED
from fogbank.languages.gremlin.elements import NewValue, VertexProperty
from fogbank.languages.gremlin.errors import ExecutionError, TooMuchError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.languages.gremlin.elements import Edge, End, Property, Vertex, Wanted
    from fogbank.storage import Tx

# A traversal looks at so many items at most.
LOOKED_MAX: Final = 100_000
# So many are asked for at first, and so many at most later.
PAGE_FIRST: Final = 32
PAGE: Final = 1_000
BYTES_MAX: Final = 16 * 1024 * 1024
_VERTICES: Final = "SELECT * FROM c WHERE NOT IS_DEFINED(c._isEdge)"
_EDGES: Final = "SELECT * FROM c WHERE c._isEdge = true"
_LABELS: Final = " AND ARRAY_CONTAINS(@labels, c.label)"
_LABEL: Final = " AND c.label = @label"
_encode: Final = msgspec.json.encode


class MoreNumbersError(Exception):
    """The traversal creates more than there are numbers for: it is to be run again with more."""


async def open_graph(tx: Tx, now_us: int, name: Name, seed: bytes, numbers: list[int], *, writes: bool) -> CosmosGraph:
    """Return the graph that a container is; `numbers` are new ones, for what is created.

    From then on nobody else writes into the container if the traversal `writes`: an edge's end that it has seen is
    still there when the edge is.
    """
    collection = await collections.find(tx, now_us, name)
    if writes:
        await collections.tick(tx, now_us, collection)
    return CosmosGraph(tx, now_us, collection, seed, numbers)


class CosmosGraph:
    """A container's graph, in one transaction. `looked` counts the items that were looked at."""

    def __init__(self, tx: Tx, now_us: int, collection: Collection, seed: bytes, numbers: list[int]) -> None:
        self._tx = tx
        self._now_us = now_us
        self._collection = collection
        self._name = (collection.scope, collection.name)
        self._seed = seed
        self._drawn = 0
        self._numbers = list(reversed(numbers))
        self.looked = 0
        layout = self._layout = layout_of(collection.config)
        if len(layout.levels) != 1 or len(layout.levels[0]) != 1:
            raise ExecutionError("The partition key of a graph must be one property.")
        self._key = layout.levels[0][0]
        self.partition_key = "" if f"/{self._key}" == SYSTEM_PATH else self._key

    # What is asked.

    async def vertices(self, wanted: Wanted) -> AsyncIterator[Vertex]:
        """Yield vertices."""
        if wanted.keys is not None:
            for partition, identifier in wanted.keys:
                fields = await self._item(partition, identifier)
                if fields is not None and not is_edge(fields):
                    yield read_vertex(fields, self._key)
            return
        async for fields in self._wanted(_VERTICES, wanted):
            yield read_vertex(fields, self._key)

    async def edges(self, wanted: Wanted) -> AsyncIterator[Edge]:
        """Yield edges."""
        if wanted.keys is not None:
            for partition, identifier in wanted.keys:
                fields = await self._item(partition, identifier)
                if fields is not None and is_edge(fields):
                    yield read_edge(fields, self._key)
            return
        async for fields in self._wanted(_EDGES, wanted):
            yield read_edge(fields, self._key)

    async def vertex(self, end: End) -> Vertex | None:
        """Return the vertex at an edge's end, None if it is gone."""
        fields = await self._item(end.partition, end.id)
        return None if fields is None or is_edge(fields) else read_vertex(fields, self._key)

    async def incident(self, vertex: Vertex, labels: Sequence[str], *, out: bool) -> AsyncIterator[Edge]:
        """Yield the edges out of a vertex, which are in its partition, or into it, which are anywhere."""
        name = SOURCE if out else SINK
        found = await self._indexed(name, vertex.id)
        if found is None:
            levels = self._levels(vertex.partition) if out else None
            asked = _labelled(f"{_EDGES} AND c.{name} = @id", {"@id": vertex.id}, labels)
            found = [fields async for fields in self._ask(*asked, levels)]
        for fields in found:
            if not is_edge(fields) or (labels and fields.get("label") not in labels):
                continue
            edge = read_edge(fields, self._key)
            if (edge.source if out else edge.sink).partition == vertex.partition:
                yield edge

    async def _indexed(self, name: str, value: str) -> list[dict[str, Any]] | None:
        """Return the items that have a text under a name, by the container's index; None if it can't tell all.

        It is what a query would find, without asking one for each vertex on the way.
        """
        index = next((each for each in self._collection.config.indexes if each.name == PATHS), None)
        place = self._layout.paths.name((name,))
        if index is None or index.building or place is None:
            return None
        low = index_value(value)
        part = Range(place, low, after(low), index.number)
        page = await ranges.query(self._tx, self._now_us, self._name, lambda _: part, PAGE, BYTES_MAX)
        if not page.ended:
            return None
        self._count(len(page.documents) + 1)
        # The index has what long texts begin with.
        return [dict(each.fields) for each in page.documents if each.fields.get(name) == value]

    async def _wanted(self, text: str, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
        levels = None if wanted.partition is None else self._levels(wanted.partition[0])
        ids: Sequence[str | None] = (None,) if wanted.ids is None else list(dict.fromkeys(wanted.ids))
        for identifier in ids:
            found = None if identifier is None else await self._indexed("id", identifier)
            if found is not None:
                for fields in found:
                    if _fits(fields, wanted, self._key, edges=text is _EDGES):
                        yield fields
                continue
            if identifier is None:
                asked = _labelled(text, {}, wanted.labels or ())
            else:
                asked = _labelled(f"{text} AND c.id = @id", {"@id": identifier}, wanted.labels or ())
            async for fields in self._ask(*asked, levels):
                yield fields

    async def _ask(
        self, text: str, parameters: dict[str, Any], levels: Levels | None
    ) -> AsyncIterator[dict[str, Any]]:  # fmt: skip
        query = Query(text, compiled(text), base_row(parameters, self._now_us))
        position: Position | None = Position(checksum(text))
        size = PAGE_FIRST
        while position is not None:
            request = Request(self._name, query, levels, None, size, position)
            size = min(4 * size, PAGE)
            page = await run_query(self._tx, self._now_us, request)
            if isinstance(page, CosmosError):
                raise page
            self._count(page.documents)
            for fields in page.values:
                yield fields
            position = page.rest

    async def _item(self, partition: Any, identifier: str) -> dict[str, Any] | None:
        self._count(1)
        key = key_of(self._levels(partition), identifier)
        found = await documents.get_at(self._tx, self._now_us, self._collection, key)
        return None if found is None else dict(found.fields)

    def _levels(self, partition: Any) -> Levels:
        return (UNDEFINED,) if not self.partition_key else (partition,)

    def _count(self, looked: int) -> None:
        self.looked += looked
        if self.looked > LOOKED_MAX:
            raise TooMuchError(f"The traversal was ended because it looks at more than {LOOKED_MAX} items.")

    # What is changed.

    async def add_vertex(self, label: str, identifier: str | None, values: Sequence[NewValue]) -> Vertex:
        """Create a vertex."""
        fields: dict[str, Any] = {"id": identifier or self._new_id(), "label": label}
        if self.partition_key:
            given = [value.value for value in values if value.key == self.partition_key]
            if not given or given[-1] is None:
                raise ExecutionError("Cannot add a vertex where the partition key property has value 'null'.")
            fields[self.partition_key] = given[-1]
        rest = [value for value in values if value.key != self.partition_key]
        _check_names(rest)
        give_vertex(fields, rest, self._new_id)
        await self._write("create", fields)
        return read_vertex(fields, self._key)

    async def add_edge(
        self, label: str, identifier: str | None, source: Vertex, sink: Vertex, values: Sequence[NewValue]
    ) -> Edge:
        """Create an edge in its source's partition."""
        fields = new_edge(identifier or self._new_id(), label, source, sink, self.partition_key)
        self._give_edge(fields, values)
        await self._write("create", fields)
        return read_edge(fields, self._key)

    async def change_vertex(self, vertex: Vertex, values: Sequence[NewValue]) -> Vertex:
        """Give properties of a vertex values."""
        fields = await self._there(vertex)
        for value in values:
            if value.key == self.partition_key and value.value != vertex.partition:
                raise ExecutionError(f"The partition key property '{value.key}' can't be changed.")
        rest = [value for value in values if value.key != self.partition_key]
        _check_names(rest)
        give_vertex(fields, rest, self._new_id)
        await self._write("replace", fields)
        return read_vertex(fields, self._key)

    async def change_edge(self, edge: Edge, values: Sequence[NewValue]) -> Edge:
        """Give properties of an edge values."""
        fields = await self._there(edge)
        self._give_edge(fields, values)
        await self._write("replace", fields)
        return read_edge(fields, self._key)

    def _give_edge(self, fields: dict[str, Any], values: Sequence[NewValue]) -> None:
        _check_names(values)
        for value in values:
            if value.meta or value.cardinality != "single":
                raise ExecutionError("A property of an edge has one value, and no properties of its own.")
            if value.key == self.partition_key and value.value != fields[value.key]:
                raise ExecutionError(f"The partition key property '{value.key}' of an edge is that of its source.")
            fields[value.key] = value.value

    async def drop_vertex(self, vertex: Vertex) -> None:
        """Remove a vertex with its edges."""
        for out in (True, False):
            for edge in [each async for each in self.incident(vertex, (), out=out)]:
                await self.drop_edge(edge)
        await self._delete(vertex)

    async def drop_edge(self, edge: Edge) -> None:
        """Remove an edge."""
        await self._delete(edge)

    async def drop_property(self, found: VertexProperty | Property) -> None:
        """Remove a value of a vertex's property, or an edge's property."""
        if found.key == self.partition_key:
            raise ExecutionError(f"The partition key property '{found.key}' can't be dropped.")
        fields = await self._item(found.owner.partition, found.owner.id)
        if fields is None or found.key not in fields:
            return
        kept: list[Any] = []
        if isinstance(found, VertexProperty) and isinstance(fields[found.key], list):
            kept = [each for each in fields[found.key] if each.get("id") != found.id or VALUE not in each]
        if kept:
            fields[found.key] = kept
        else:
            del fields[found.key]
        await self._write("replace", fields)

    async def _there(self, element: Vertex | Edge) -> dict[str, Any]:
        fields = await self._item(element.partition, element.id)
        if fields is None:
            raise CosmosError(404, "Entity with the specified id does not exist in the system.")
        return fields

    async def _write(self, kind: str, fields: dict[str, Any]) -> None:
        document = read_item(fields, len(_encode(fields)))
        levels = self._levels(fields.get(self._key))
        target = Target(fields["id"], levels, "", document.fields)
        item = ItemWrite(kind, target, Conditions(), document)
        if kind == "create" and not self._numbers:
            raise MoreNumbersError
        await write(self._tx, self._now_us, self._name, self._numbers.pop() if kind == "create" else 0, item)

    async def _delete(self, element: Vertex | Edge) -> None:
        if await self._item(element.partition, element.id) is None:
            return
        item = ItemWrite("delete", Target(element.id, self._levels(element.partition)), Conditions())
        await write(self._tx, self._now_us, self._name, 0, item)

    def _new_id(self) -> str:
        """Return a new id; run again, the transaction has the same ones."""
        self._drawn += 1
        h = blake2b(self._drawn.to_bytes(8, "big"), key=self._seed, digest_size=16).hexdigest()
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def _labelled(text: str, parameters: dict[str, Any], labels: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return a query with a condition on labels."""
    if not labels:
        return text, parameters
    if len(labels) == 1:
        return text + _LABEL, {**parameters, "@label": labels[0]}
    return text + _LABELS, {**parameters, "@labels": list(labels)}


def _fits(fields: dict[str, Any], wanted: Wanted, key: str, *, edges: bool) -> bool:
    """Whether an item that has a wanted id is otherwise what is asked for."""
    if is_edge(fields) is not edges or (wanted.labels and fields.get("label") not in wanted.labels):
        return False
    return wanted.partition is None or fields.get(key) in wanted.partition


def _check_names(values: Sequence[NewValue]) -> None:
    for value in values:
        if value.key in RESERVED:
            raise ExecutionError(f"The property name '{value.key}' is reserved.")
