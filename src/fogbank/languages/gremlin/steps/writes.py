"""Steps that change what is there: property, drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.languages.gremlin.compiling import Call, Compiler, count_arguments, step
from fogbank.languages.gremlin.elements import Edge, Property, Vertex, VertexProperty
from fogbank.languages.gremlin.errors import CompileError, ExecutionError
from fogbank.languages.gremlin.nodes import Step
from fogbank.languages.gremlin.steps.sources import read_value
from fogbank.languages.gremlin.traversers import Place, Traverser
from fogbank.languages.gremlin.values import kind_of

if TYPE_CHECKING:
    from fogbank.languages.gremlin.traversers import Context, Run, Stream


@step("property")
def _property(_compiler: Compiler, call: Call) -> Run:
    value = read_value(Step(call.name, call.arguments, 0))
    if value.key == "id":
        raise CompileError("The id of what is there can't be changed")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            context.work()
            found = traverser.value
            if isinstance(found, Vertex):
                changed: Vertex | Edge = await context.graph.change_vertex(found, (value,))
            elif isinstance(found, Edge):
                changed = await context.graph.change_edge(found, (value,))
            else:
                raise ExecutionError(f"property: A {kind_of(found)} has no properties.")
            place = traverser.place
            yield Traverser(Place(place.before, changed, place.labels), traverser.loops)

    return run


@step("drop")
def _drop(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    async def run(context: Context, stream: Stream) -> Stream:
        for found in [traverser.value async for traverser in stream]:
            context.work()
            if isinstance(found, Vertex):
                await context.graph.drop_vertex(found)
            elif isinstance(found, Edge):
                await context.graph.drop_edge(found)
            elif isinstance(found, VertexProperty | Property):
                await context.graph.drop_property(found)
            else:
                raise ExecutionError(f"drop: A {kind_of(found)} can't be dropped.")
        nothing: list[Traverser] = []
        for traverser in nothing:
            yield traverser

    return run
