"""Steps that take all values before they go on: counts and sums, lists, orders, what is gathered beside."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from fogbank.languages.gremlin.compiling import Call, Compiler, count_arguments, split_scope, step, unfit
from fogbank.languages.gremlin.errors import ExecutionError
from fogbank.languages.gremlin.modulating import read_bys, taken
from fogbank.languages.gremlin.traversers import begin
from fogbank.languages.gremlin.values import kind_of, number, rank

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.gremlin.modulating import By
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser


def _mean(values: list[Any]) -> Any:
    return sum(values) / len(values)


_NUMBERS: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "mean": _mean}
_EXTREMES: dict[str, Callable[..., Any]] = {"min": min, "max": max}


def _reduced(name: str, values: list[Any]) -> Any:
    if name in _EXTREMES:
        return _EXTREMES[name](values, key=rank)
    return _NUMBERS[name]([number(value, name) for value in values])


@step("count")
def _count(_compiler: Compiler, call: Call) -> Run:
    local, rest = split_scope(call)
    if rest:
        raise unfit("count")

    async def run(_context: Context, stream: Stream) -> Stream:
        if local:
            async for traverser in stream:
                value = traverser.value
                yield traverser.to(len(value) if isinstance(value, list | dict) else 1)
            return
        total = 0
        async for _traverser in stream:
            total += 1
        yield begin(total)

    return run


@step("sum", "min", "max", "mean")
def _reduce(_compiler: Compiler, call: Call) -> Run:
    local, rest = split_scope(call)
    if rest:
        raise unfit(call.name)

    async def run(context: Context, stream: Stream) -> Stream:
        if not local:
            values = [traverser.value async for traverser in stream]
            if values:
                yield begin(_reduced(call.name, values))
            return
        async for traverser in stream:
            value = traverser.value
            found = list(value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value])
            context.work(len(found))
            if found:
                yield traverser.to(_reduced(call.name, found))

    return run


@step("fold")
def _fold(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    async def run(_context: Context, stream: Stream) -> Stream:
        yield begin([traverser.value async for traverser in stream])

    return run


@step("order")
def _order(compiler: Compiler, call: Call) -> Run:
    local, rest = split_scope(call)
    if rest:
        raise unfit("order")
    bys = read_bys(compiler, call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        if not local:
            found = [traverser async for traverser in stream]
            for traverser in await _sorted(context, bys, found):
                yield traverser
            return
        async for traverser in stream:
            yield traverser.to(await _sorted_inside(context, bys, traverser))

    return run


async def _sorted(context: Context, bys: list[By], traversers: list[Traverser]) -> list[Traverser]:
    """Return traversers in an order; the least important is sorted by first."""
    found = list(traversers)
    for by in reversed(bys):
        context.work(len(found))
        if by.order == "shuffle":
            for at in range(len(found) - 1, 0, -1):
                other = context.draw(at + 1)
                found[at], found[other] = found[other], found[at]
            continue
        ranked = [(rank(await taken(context, by, each, "Order")), each) for each in found]
        ranked.sort(key=lambda pair: pair[0], reverse=by.order == "desc")
        found = [each for _, each in ranked]
    return found


async def _sorted_inside(context: Context, bys: list[By], traverser: Traverser) -> Any:
    value = traverser.value
    if isinstance(value, dict):
        entries = [traverser.to(_Entry({"keys": key, "values": each})) for key, each in value.items()]
        return {each.value["keys"]: each.value["values"] for each in await _sorted(context, bys, entries)}
    if isinstance(value, list):
        return [each.value for each in await _sorted(context, bys, [traverser.to(each) for each in value])]
    raise ExecutionError(f"order: A {kind_of(value)} has no order.")


class _Entry(dict[str, Any]):
    """A key of a map and its value, which are ordered by `keys` or `values`."""

    def keys(self) -> Any:
        """Return the key."""
        return [self["keys"]]

    def values(self) -> Any:
        """Return the value."""
        return [self["values"]]


@step("aggregate", "store")
def _aggregate(compiler: Compiler, call: Call) -> Run:
    local, rest = split_scope(call)
    if len(rest) != 1 or not isinstance(rest[0], str) or len(call.behind) > 1:
        raise unfit(call.name)
    (name,) = rest
    (by,) = read_bys(compiler, call.behind)
    lazy = call.name == "store" or local

    async def run(context: Context, stream: Stream) -> Stream:
        gathered = context.gathered.setdefault(name, [])
        if lazy:
            async for traverser in stream:
                gathered.append(await taken(context, by, traverser, "Store"))
                yield traverser
            return
        found = [traverser async for traverser in stream]
        for traverser in found:
            gathered.append(await taken(context, by, traverser, "Aggregate"))
        for traverser in found:
            yield traverser

    return run


@step("cap")
def _cap(_compiler: Compiler, call: Call) -> Run:
    names = call.arguments
    if not names or not all(isinstance(each, str) for each in names):
        raise unfit("cap")

    async def run(context: Context, stream: Stream) -> Stream:
        async for _traverser in stream:
            pass
        # Copies, since what is gathered may still grow, also by itself.
        found = {name: copy(context.gathered.get(name, [])) for name in names}
        yield begin(found[names[0]] if len(names) == 1 else found)

    return run
