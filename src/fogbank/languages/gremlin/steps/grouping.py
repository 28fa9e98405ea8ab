"""Steps that group: group, groupCount, tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.languages.gremlin.compiling import REDUCING, Call, Compiler, count_arguments, replay, step, unfit
from fogbank.languages.gremlin.elements import Property, VertexProperty
from fogbank.languages.gremlin.modulating import read_by, read_bys, taken
from fogbank.languages.gremlin.nodes import Traversal
from fogbank.languages.gremlin.traversers import begin
from fogbank.languages.gremlin.values import Tree, identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.languages.gremlin.modulating import By
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser


async def _groups(context: Context, by: By, stream: Stream, step: str) -> dict[Any, tuple[Any, list[Traverser]]]:
    """Return traversers by what is taken of them, in the order in which the groups were found."""
    groups: dict[Any, tuple[Any, list[Traverser]]] = {}
    async for traverser in stream:
        context.work()
        key = await taken(context, by, traverser, step)
        groups.setdefault(identity(key), (key, []))[1].append(traverser)
    return groups


@step("groupCount")
def _group_count(compiler: Compiler, call: Call) -> Run:
    if len(call.behind) > 1:
        raise unfit("groupCount")
    (by,) = read_bys(compiler, call.behind)

    async def counted(context: Context, stream: Stream) -> dict[Any, Any]:
        groups = await _groups(context, by, stream, "GroupCount")
        return {_hashable(key): len(found) for key, found in groups.values()}

    return _as_step(call, counted)


@step("group")
def _group(compiler: Compiler, call: Call) -> Run:
    if len(call.behind) > 2:
        raise unfit("group")
    by = read_bys(compiler, call.behind[:1])[0]
    reduce = _reducer(compiler, call)

    async def grouped(context: Context, stream: Stream) -> dict[Any, Any]:
        groups = await _groups(context, by, stream, "Group")
        return {_hashable(key): await reduce(context, found) for key, found in groups.values()}

    return _as_step(call, grouped)


def _as_step(call: Call, gather: Callable[[Context, Stream], Awaitable[dict[Any, Any]]]) -> Run:
    """Return the step that goes on with a map, or with a name that keeps it beside and lets all through."""
    count_arguments(call, 0, 1)
    name = call.arguments[0] if call.arguments else None
    if name is not None and not isinstance(name, str):
        raise unfit(call.name)

    async def run(context: Context, stream: Stream) -> Stream:
        if name is None:
            yield begin(await gather(context, stream))
            return
        found = [traverser async for traverser in stream]
        context.gathered[name] = await gather(context, replay(found))  # type: ignore[assignment] # a map is gathered
        for traverser in found:
            yield traverser

    return run


def _reducer(compiler: Compiler, call: Call) -> Callable[[Context, list[Traverser]], Awaitable[Any]]:
    """Return what makes a value of a group: the list of what is taken of it, or what a traversal reduces it to."""
    if len(call.behind) < 2:

        async def listed(_context: Context, found: list[Traverser]) -> Any:
            return [traverser.value for traverser in found]

        return listed
    second = call.behind[1]
    argument = second.arguments[0] if len(second.arguments) == 1 else None
    if isinstance(argument, Traversal):
        run = compiler.chain(argument)
        reduces = any(each.name in REDUCING for each in argument.steps)

        async def reduced(context: Context, found: list[Traverser]) -> Any:
            values = [traverser.value async for traverser in run(context, replay(found))]
            if not reduces:
                return values
            return values[0] if len(values) == 1 else values

        return reduced
    by = read_by(compiler, second)

    async def each_taken(context: Context, found: list[Traverser]) -> Any:
        return [await taken(context, by, traverser, "Group") for traverser in found]

    return each_taken


def _hashable(key: Any) -> Any:
    """Return a key that a map can have; lists, maps and properties are told by what is the same of them."""
    return identity(key) if isinstance(key, list | dict | VertexProperty | Property) else key


@step("tree")
def _tree(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)
    bys = read_bys(compiler, call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        whole = Tree()
        async for traverser in stream:
            at = whole
            for place, each in enumerate(traverser.path()):
                context.work()
                value = await taken(context, bys[place % len(bys)], traverser.to(each.value), "Tree")
                at = at.setdefault(_hashable(value), Tree())
        yield begin(whole)

    return run
