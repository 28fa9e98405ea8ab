"""Steps that begin: vertices and edges of the graph, values, and what is added to the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.gremlin.compiling import Call, Compiler, first_of, is_word, step, unfit
from fogbank.languages.gremlin.elements import NewValue, Vertex, Wanted
from fogbank.languages.gremlin.errors import CompileError, ExecutionError
from fogbank.languages.gremlin.nodes import Predicate, Traversal, Word
from fogbank.languages.gremlin.traversers import begin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.gremlin.nodes import Step
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser

CARDINALITIES: Final = ("single", "list", "set")


@step("V", "E")
def _elements(compiler: Compiler, call: Call) -> Run:
    wanted = _wanted(call)
    vertices, whole = call.name == "V", compiler.mutates

    async def run(context: Context, stream: Stream) -> Stream:
        graph = context.graph
        asked = _in_partition(wanted, call.following, graph.partition_key)
        async for traverser in stream:
            found = graph.vertices(asked) if vertices else graph.edges(asked)
            # What is about to change the graph is given all of it at once.
            elements: Any = [each async for each in found] if whole else None
            if elements is not None:
                for element in elements:
                    context.work()
                    yield _spawned(traverser, element)
                continue
            async for element in found:
                context.work()
                yield _spawned(traverser, element)

    return run


def _spawned(traverser: Traverser, element: Any) -> Traverser:
    # The path of a traversal begins with the first element, not with the graph.
    return begin(element) if traverser.place.value is GRAPH else traverser.to(element)


class _Graph:
    """What traversals that begin with the graph begin with."""


GRAPH: Final = _Graph()


def _wanted(call: Call) -> Wanted:
    """Return which elements a step and those behind it ask for."""
    arguments = list(call.arguments)
    pairs = [each for each in arguments if isinstance(each, list)]
    if len(pairs) == 1 and len(arguments) == 1 and all(isinstance(each, list) for each in pairs[0]):
        pairs = arguments = pairs[0]
    ids: list[str] | None = None
    keys = None
    if pairs:
        if len(pairs) != len(arguments) or not all(len(pair) == 2 for pair in pairs):
            raise CompileError(f"{call.name} takes ids, or pairs of a partition key and an id")
        keys = [(pair[0], str(pair[1])) for pair in pairs]
    elif arguments:
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in arguments):
            raise unfit(call.name)
        ids = [str(each) for each in arguments]
    wanted = Wanted(ids, keys=keys)
    for following in call.following:
        if following.name not in ("has", "hasLabel", "hasId"):
            break
        wanted = _narrowed(wanted, following)
    return wanted


def _narrowed(wanted: Wanted, step: Step) -> Wanted:
    """Return what is asked for with what one more filter says of ids and labels."""
    name, arguments = step.name, step.arguments
    if name == "has" and len(arguments) == 3:
        name, arguments = "hasLabel", arguments[:1]
    elif name == "has" and len(arguments) == 2:
        key = arguments[0].name if isinstance(arguments[0], Word) else arguments[0]
        name, arguments = (
            {"id": "hasId", "label": "hasLabel"}.get(key, "") if isinstance(key, str) else "",
            arguments[1:],
        )
    values = _texts(arguments)
    if values is None:
        return wanted
    if name == "hasId" and wanted.ids is None and wanted.keys is None:
        return wanted._replace(ids=values)
    if name == "hasLabel" and wanted.labels is None:
        return wanted._replace(labels=values)
    return wanted


def _texts(arguments: Sequence[Any]) -> list[str] | None:
    """Return the texts that filters let through, None if that isn't said by texts alone."""
    values: list[Any] = []
    for each in arguments:
        if isinstance(each, Predicate) and each.name in ("eq", "within"):
            for value in each.arguments:
                values += value if isinstance(value, list) else [value]
        else:
            values.append(each)
    return values if values and all(isinstance(each, str) for each in values) else None


def _in_partition(wanted: Wanted, following: Sequence[Step], key: str) -> Wanted:
    """Return what is asked for with the partition that one of the next filters says."""
    for each in following:
        if each.name not in ("has", "hasLabel", "hasId"):
            break
        arguments = each.arguments[-2:]
        if each.name == "has" and len(arguments) == 2 and arguments[0] == key and key:
            value = arguments[1]
            if isinstance(value, Predicate) and value.name == "eq" and len(value.arguments) == 1:
                value = value.arguments[0]
            if isinstance(value, str | int | float):
                return wanted._replace(partition=[value])
    return wanted


@step("inject")
def _inject(_compiler: Compiler, call: Call) -> Run:
    if any(isinstance(each, Traversal | Predicate | Word) for each in call.arguments):
        raise unfit(call.name)

    async def run(context: Context, stream: Stream) -> Stream:
        for value in call.arguments:
            context.work()
            yield begin(value)
        async for traverser in stream:
            if traverser.value is not GRAPH:
                yield traverser

    return run


def read_values(steps: Sequence[Step]) -> tuple[str | None, list[NewValue]]:
    """Return the id and the values that `property` steps give something new."""
    identifier = None
    values = []
    for each in steps:
        value = read_value(each)
        if value.key == "id":
            if not isinstance(value.value, str | int) or isinstance(value.value, bool):
                raise CompileError("An id must be a text")
            identifier = str(value.value)
        else:
            values.append(value)
    return identifier, values


def read_value(step: Step) -> NewValue:
    """Return the value that a `property` step gives."""
    arguments = list(step.arguments)
    cardinality = "single"
    if arguments and is_word(arguments[0], *CARDINALITIES):
        cardinality = arguments.pop(0).name
    if len(arguments) < 2 or len(arguments) % 2:
        raise unfit("property")
    key = arguments[0].name if is_word(arguments[0], "id", "label") else arguments[0]
    if not isinstance(key, str) or not key:
        raise unfit("property")
    if key == "label":
        raise CompileError("The property label can't be set")
    for value in arguments[1::2]:
        if not isinstance(value, str | int | float | bool | None):
            raise unfit("property")
    meta = tuple(zip(arguments[2::2], arguments[3::2], strict=True))
    if not all(isinstance(name, str) for name, _ in meta):
        raise unfit("property")
    return NewValue(key, arguments[1], cardinality, meta)


@step("addV")
def _add_vertex(_compiler: Compiler, call: Call) -> Run:
    label = call.arguments[0] if call.arguments else "vertex"
    if not isinstance(label, str) or len(call.arguments) > 1:
        raise unfit("addV")
    identifier, values = read_values(call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            context.work()
            yield _spawned(traverser, await context.graph.add_vertex(label, identifier, values))

    return run


@step("addE")
def _add_edge(compiler: Compiler, call: Call) -> Run:
    if len(call.arguments) != 1 or not isinstance(call.arguments[0], str):
        raise unfit("addE")
    (label,) = call.arguments
    identifier, values = read_values([each for each in call.behind if each.name == "property"])
    ends = {each.name: _end(compiler, each) for each in call.behind if each.name in ("from", "to")}

    async def end(context: Context, name: str, traverser: Traverser) -> Vertex:
        found = traverser.value
        if name in ends:
            argument, run = ends[name]
            if run is None:
                marked = traverser.labelled(argument)
                found = marked[-1] if marked else None
            else:
                found = await first_of(context, run, traverser)
        if not isinstance(found, Vertex):
            raise ExecutionError(f"addE: The {name} of an edge must be a vertex, and there is none.")
        return found

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            context.work()
            source, sink = await end(context, "from", traverser), await end(context, "to", traverser)
            yield _spawned(traverser, await context.graph.add_edge(label, identifier, source, sink, values))

    return run


def _end(compiler: Compiler, step: Step) -> tuple[str, Run | None]:
    """Return the label that an end is marked with, or the traversal that finds it."""
    if len(step.arguments) != 1:
        raise unfit(step.name)
    (argument,) = step.arguments
    if isinstance(argument, str):
        return argument, None
    if not isinstance(argument, Traversal):
        raise unfit(step.name)
    return "", spawning(compiler, argument)


def spawning(compiler: Compiler, traversal: Traversal) -> Run:
    """Return what runs a nested traversal; one that begins with the graph doesn't begin with what it is given."""
    run = compiler.chain(traversal)
    if not traversal.spawned:
        return run

    def anew(context: Context, stream: Stream) -> Stream:
        return run(context, _from_graph(stream))

    return anew


async def _from_graph(stream: Stream) -> Stream:
    async for _traverser in stream:
        yield begin(GRAPH)
