"""A traversal from its text to its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fogbank.languages.gremlin.compiling import Compiler, replay
from fogbank.languages.gremlin.errors import CompileError, TooMuchError
from fogbank.languages.gremlin.steps import GRAPH
from fogbank.languages.gremlin.syntax import parse
from fogbank.languages.gremlin.traversers import Context, begin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.languages.gremlin.elements import Graph
    from fogbank.languages.gremlin.traversers import Run

# What a traversal can begin with.
_FIRST = frozenset({"V", "E", "addV", "addE", "inject"})


class Program(NamedTuple):
    """A compiled traversal; `mutates` says whether it changes the graph."""

    run: Run
    mutates: bool


def compile_text(text: str, bindings: Mapping[str, Any]) -> Program:
    """Return what a text does; raises `SyntaxFaultError` or `CompileError`."""
    traversal = parse(text, bindings)
    if traversal.steps[0].name not in _FIRST:
        raise CompileError(f"Unable to find any method '{traversal.steps[0].name}'")
    compiler = Compiler(traversal)
    return Program(compiler.chain(traversal), compiler.mutates)


async def run(program: Program, graph: Graph, seed: int) -> list[Any]:
    """Return a traversal's results; raises `ExecutionError` and `TooMuchError`."""
    context = Context(graph, seed)
    try:
        return [traverser.value async for traverser in program.run(context, replay((begin(GRAPH),)))]
    except RecursionError:
        raise TooMuchError("The traversal is nested too deeply.") from None
