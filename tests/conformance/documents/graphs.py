"""What a property graph does, said as plainly as can be, and TinkerPop's own client having Cosmos DB do it."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gremlin_python.driver.protocol import GremlinServerError

from tests.conformance.azure.gremlin.conftest import Graph, new_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.testing.server import ThreadedServer

Kind = Literal[
    "add_vertex", "add_edge", "set_vertex", "set_edge", "drop_vertex", "drop_edge", "unset",
    "counts", "has", "values", "out", "in", "both", "far", "ends",
]  # fmt: skip
VERTICES = ("1", "2", "3", "4")
# An edge is in the partition of its source.
EDGES = ("odd-1", "odd-2", "even-1", "even-2")
LABELS = ("knows", "likes")
REFUSED = "refused"


class Operation(NamedTuple):
    """What a client does with a vertex or an edge, `name`; `other` is a vertex at an edge's other end."""

    kind: Kind
    name: str
    other: str = ""
    label: str = ""
    n: int = 0


class Vertex(NamedTuple):
    """A vertex, by its one property."""

    n: int | None


class Edge(NamedTuple):
    """An edge from one vertex to another."""

    source: str
    target: str
    label: str
    n: int | None


State = dict[str, Vertex | Edge]


def partition_of(vertex: str) -> str:
    """Return the partition that a vertex is in: two share one."""
    return "odd" if int(vertex) % 2 else "even"


def apply(state: State, operation: Operation) -> Any:
    """Change the state as the traversal does, and return what its client must be told; lists without their order."""
    kind, name, _other, _label, n = operation
    there = state.get(name)
    if kind == "add_vertex":
        if there is not None:
            return REFUSED
        state[name] = Vertex(n)
        return [name]
    if kind == "add_edge":
        return _add_edge(state, operation)
    if kind in ("set_vertex", "set_edge", "unset"):
        if there is None:
            return []
        state[name] = there._replace(n=None if kind == "unset" else n)
        return [] if kind == "unset" else [name]
    if kind in ("drop_vertex", "drop_edge"):
        for each in [name, *(edge for edge, ends in _edges(state).items() if name in (ends.source, ends.target))]:
            state.pop(each, None)
        return []
    return _look(state, operation)


def _add_edge(state: State, operation: Operation) -> Any:
    _kind, name, other, label, n = operation
    source, _, edge = name.partition(">")
    if source not in state:
        # There is nothing for which one would be added.
        return []
    if other not in state or edge in state:
        return REFUSED
    state[edge] = Edge(source, other, label, n)
    return [edge]


def _edges(state: State) -> dict[str, Edge]:
    return {name: each for name, each in state.items() if isinstance(each, Edge)}


def _vertices(state: State) -> dict[str, Vertex]:
    return {name: each for name, each in state.items() if isinstance(each, Vertex)}


def _look(state: State, operation: Operation) -> Any:
    kind, name, _other, label, n = operation
    edges = list(_edges(state).values())
    if label:
        edges = [each for each in edges if each.label == label]
    if kind == "counts":
        return sorted([len(_vertices(state)), len(_edges(state))])
    if kind == "has":
        return sorted(each for each, vertex in _vertices(state).items() if vertex.n is not None and vertex.n >= n)
    if kind == "values":
        return sorted(vertex.n for vertex in _vertices(state).values() if vertex.n is not None)
    if kind == "ends":
        edge = _edges(state).get(name)
        return [] if edge is None else sorted([edge.source, edge.target])
    after = [each.target for each in edges if each.source == name]
    before = [each.source for each in edges if each.target == name]
    if kind == "out":
        return sorted(after)
    if kind == "in":
        return sorted(before)
    if kind == "both":
        return sorted(after + before)
    return sorted(each.target for step in after for each in edges if each.source == step)


def explain(before: State, operations: Sequence[Operation], told: Sequence[Any], after: State) -> bool:
    """Tell whether there is an order of the operations in which all of them say what was told, and leave `after`."""
    for order in permutations(range(len(operations))):
        state = dict(before)
        if all(apply(state, operations[i]) == told[i] for i in order) and state == after:
            return True
    return False


class Graphs:
    """A graph of its own, with a client for each of those at once."""

    def __init__(self, server: ThreadedServer, at_once: int) -> None:
        first = new_graph(server)
        _, _, database, _, name = first.path.split("/")
        self._graphs = [first, *(Graph(server, database, name) for _ in range(at_once - 1))]

    def do(self, operation: Operation, client: int = 0) -> Any:
        """Do it and return what `apply` returns."""
        try:
            return sorted(self._graphs[client](_text(operation)))
        except GremlinServerError as error:
            # The vertex is not there, or the id is taken.
            if error.status_attributes["x-ms-status-code"] not in (409, 500):
                raise
            return REFUSED

    def all(self) -> State:
        """Return every vertex and edge."""
        (graph, *_) = self._graphs
        state: State = {each["id"]: Vertex(_n_of(each)) for each in graph("g.V()")}
        for each in graph("g.E()"):
            n = each.get("properties", {}).get("n")
            state[each["id"]] = Edge(each["outV"], each["inV"], each["label"], n)
        return state

    def close(self) -> None:
        """Let the clients go."""
        for each in self._graphs:
            each.client.close()


def _n_of(vertex: dict[str, Any]) -> int | None:
    values = vertex.get("properties", {}).get("n")
    return None if values is None else int(values[0]["value"])


def _text(operation: Operation) -> str:
    kind, name, other, label, n = operation
    among = f"'{label}'" if label else ""
    if kind == "add_edge":
        source, _, edge = name.partition(">")
        return f"g.V('{source}').addE('{label}').to(g.V('{other}')).property('id', '{edge}').property('n', {n}).id()"
    return {
        "add_vertex": (
            f"g.addV('thing').property('id', '{name}').property('pk', '{partition_of(name)}').property('n', {n}).id()"
            if kind == "add_vertex"
            else ""
        ),
        "set_vertex": f"g.V('{name}').property('n', {n}).id()",
        "set_edge": f"g.E('{name}').property('n', {n}).id()",
        "unset": f"g.V('{name}').properties('n').drop()",
        "drop_vertex": f"g.V('{name}').drop()",
        "drop_edge": f"g.E('{name}').drop()",
        "counts": "g.inject(0).union(g.V().count(), g.E().count())",
        "has": f"g.V().has('n', gte({n})).id()",
        "values": "g.V().values('n')",
        "ends": f"g.E('{name}').bothV().id()",
        "out": f"g.V('{name}').out({among}).id()",
        "in": f"g.V('{name}').in({among}).id()",
        "both": f"g.V('{name}').both({among}).id()",
        "far": f"g.V('{name}').out({among}).out({among}).id()",
    }[kind]
