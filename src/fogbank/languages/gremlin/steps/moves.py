"""Steps from element to element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.gremlin.compiling import Call, Compiler, count_arguments, step, texts
from fogbank.languages.gremlin.elements import Edge, Vertex
from fogbank.languages.gremlin.errors import ExecutionError
from fogbank.languages.gremlin.values import kind_of

if TYPE_CHECKING:
    from fogbank.languages.gremlin.elements import End
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser

# The directions that a step goes: out, in, both.
_DIRECTIONS: Final = {"out": (True,), "in": (False,), "both": (True, False)}


@step("out", "in", "both")
def _neighbours(_compiler: Compiler, call: Call) -> Run:
    labels, directions = texts(call), _DIRECTIONS[call.name]

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            vertex = _vertex(traverser, call.name)
            for out in directions:
                async for edge in context.graph.incident(vertex, labels, out=out):
                    context.work()
                    found = await context.graph.vertex(edge.sink if out else edge.source)
                    if found is not None:
                        yield traverser.to(found)

    return run


@step("outE", "inE", "bothE")
def _incident(_compiler: Compiler, call: Call) -> Run:
    labels, directions = texts(call), _DIRECTIONS[call.name.removesuffix("E")]

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            vertex = _vertex(traverser, call.name)
            for out in directions:
                async for edge in context.graph.incident(vertex, labels, out=out):
                    context.work()
                    yield traverser.to(edge)

    return run


@step("outV", "inV", "bothV", "otherV")
def _ends(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for end in _ends_of(traverser, call.name):
                context.work()
                found = await context.graph.vertex(end)
                if found is not None:
                    yield traverser.to(found)

    return run


def _ends_of(traverser: Traverser, name: str) -> tuple[End, ...]:
    edge = traverser.value
    if not isinstance(edge, Edge):
        raise ExecutionError(f"{name}: A {kind_of(edge)} has no vertices at its ends.")
    if name == "outV":
        return (edge.source,)
    if name == "inV":
        return (edge.sink,)
    if name == "bothV":
        return (edge.source, edge.sink)
    came: Any = None
    for place in reversed(traverser.path()[:-1]):
        if isinstance(place.value, Vertex):
            came = place.value
            break
    if came is None:
        raise ExecutionError("otherV: The path to the edge has no vertex.")
    is_source = (came.id, came.partition) == (edge.source.id, edge.source.partition)
    return (edge.sink,) if is_source else (edge.source,)


def _vertex(traverser: Traverser, name: str) -> Vertex:
    if not isinstance(traverser.value, Vertex):
        raise ExecutionError(f"{name}: A {kind_of(traverser.value)} has no edges.")
    return traverser.value
