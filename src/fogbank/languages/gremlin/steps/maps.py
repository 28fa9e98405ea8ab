"""Steps that make something else of each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.languages.gremlin.compiling import (
    MISSING,
    Call,
    Compiler,
    count_arguments,
    first_of,
    flat,
    is_word,
    replay,
    step,
    texts,
    unfit,
)
from fogbank.languages.gremlin.elements import Edge
from fogbank.languages.gremlin.errors import ExecutionError
from fogbank.languages.gremlin.modulating import read_by, read_bys, taken, token_of
from fogbank.languages.gremlin.nodes import Predicate, Traversal, Word
from fogbank.languages.gremlin.values import Path, kind_of, properties_of, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser


@step("values")
def _values(_compiler: Compiler, call: Call) -> Run:
    keys = texts(call)
    return flat(lambda traverser: values_of(traverser.value, keys))


@step("properties")
def _properties(_compiler: Compiler, call: Call) -> Run:
    keys = texts(call)
    return flat(lambda traverser: properties_of(traverser.value, keys))


@step("valueMap", "propertyMap")
def _value_map(_compiler: Compiler, call: Call) -> Run:
    arguments, tokens = call.arguments, False
    if arguments and isinstance(arguments[0], bool) and call.name == "valueMap":
        tokens, arguments = arguments[0], arguments[1:]
    keys = texts(call._replace(arguments=arguments))
    whole = call.name == "propertyMap"

    def mapped(traverser: Traverser) -> list[Any]:
        value = traverser.value
        found: dict[str, Any] = {"id": value.id, "label": value.label} if tokens and hasattr(value, "label") else {}
        for each in properties_of(value, keys):
            kept = each if whole else each.value
            if isinstance(value, Edge):
                found[each.key] = kept
            else:
                found.setdefault(each.key, []).append(kept)
        return [found]

    return flat(mapped)


@step("id", "label", "key", "value")
def _token(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    def take(traverser: Traverser) -> list[Any]:
        found = token_of(traverser.value, call.name)
        if found is MISSING:
            raise ExecutionError(f"{call.name}: A {kind_of(traverser.value)} has no {call.name}.")
        return [found]

    return flat(take)


@step("identity")
def _identity(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)
    return lambda _context, stream: stream


@step("constant")
def _constant(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    (value,) = call.arguments
    if isinstance(value, Traversal | Predicate | Word):
        raise unfit("constant")
    return flat(lambda _traverser: [value])


@step("unfold")
def _unfold(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    def unfolded(traverser: Traverser) -> Sequence[Any]:
        value = traverser.value
        if isinstance(value, dict):
            return [{key: each} for key, each in value.items()]
        return value if isinstance(value, list) else [value]

    return flat(unfolded)


@step("map")
def _map(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    inner = compiler.nested(call.arguments[0], "map")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            found = await first_of(context, inner, traverser)
            if found is not MISSING:
                yield traverser.to(found)

    return run


@step("flatMap", "local")
def _flat_map(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    inner = compiler.nested(call.arguments[0], call.name)
    whole = call.name == "local"

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            async for found in inner(context, replay((traverser,))):
                # A flatMap is one step of the path, whatever it goes through.
                yield found if whole else traverser.to(found.value)

    return run


@step("path")
def _path(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)
    bys = read_bys(compiler, call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            places = traverser.path()
            context.work(len(places))
            values = [
                await taken(context, bys[at % len(bys)], traverser.to(place.value), "Path")
                for at, place in enumerate(places)
            ]
            yield traverser.to(Path(values, [sorted(place.labels) for place in places]))

    return run


@step("project")
def _project(compiler: Compiler, call: Call) -> Run:
    names = texts(call)
    if not names or len(call.behind) > len(names):
        raise unfit("project")
    bys = read_bys(compiler, call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            context.work(len(names))
            yield traverser.to(
                {
                    name: await taken(context, bys[place % len(bys)], traverser, "Project")
                    for place, name in enumerate(names)
                }
            )

    return run


@step("select")
def _select(compiler: Compiler, call: Call) -> Run:
    arguments, pop = list(call.arguments), "last"
    if arguments and is_word(arguments[0], "keys", "values"):
        column = arguments[0].name
        return flat(lambda traverser: [_column(traverser.value, column)])
    if arguments and is_word(arguments[0], "first", "last", "all", "mixed"):
        pop = arguments.pop(0).name
    if not arguments or not all(isinstance(each, str) for each in arguments):
        raise unfit("select")
    bys = [read_by(compiler, each) for each in call.behind]

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            chosen: dict[str, Any] = {}
            for place, name in enumerate(arguments):
                found = _selected(context, traverser, name, pop)
                if found is MISSING:
                    break
                if bys:
                    found = await taken(context, bys[place % len(bys)], traverser.to(found), "Select")
                chosen[name] = found
            else:
                yield traverser.to(chosen[arguments[0]] if len(arguments) == 1 else chosen)

    return run


def _column(value: Any, column: str) -> Any:
    if isinstance(value, dict):
        return list(value) if column == "keys" else list(value.values())
    if isinstance(value, Path):
        return value.labels if column == "keys" else list(value)
    raise ExecutionError(f"select: A {kind_of(value)} has no {column}.")


def _selected(context: Context, traverser: Traverser, name: str, pop: str) -> Any:
    """Return what a name stands for: in the map that the value is, on the path, among what was gathered."""
    value = traverser.value
    if isinstance(value, dict) and name in value:
        return value[name]
    if name in context.gathered:
        return list(context.gathered[name])
    marked = traverser.labelled(name)
    if not marked:
        return MISSING
    if pop == "all" or (pop == "mixed" and len(marked) > 1):
        return marked
    return marked[0] if pop == "first" else marked[-1]
