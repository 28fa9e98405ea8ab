"""Steps that go several ways, or around: union, coalesce, choose, optional, repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.languages.gremlin.compiling import (
    MISSING,
    Call,
    Compiler,
    count_arguments,
    first_of,
    is_any,
    is_word,
    replay,
    step,
    unfit,
)
from fogbank.languages.gremlin.errors import CompileError, TooMuchError
from fogbank.languages.gremlin.nodes import Predicate, Traversal
from fogbank.languages.gremlin.predicates import compile_predicate
from fogbank.languages.gremlin.steps.sources import spawning
from fogbank.languages.gremlin.values import same

if TYPE_CHECKING:
    from fogbank.languages.gremlin.nodes import Step
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser

# "Azure Cosmos DB service quotas", "Gremlin-specific limits": maximum repeat limit.
LOOPS_MAX: Final = 32


def _branches(compiler: Compiler, call: Call) -> list[Run]:
    if not call.arguments or not all(isinstance(each, Traversal) for each in call.arguments):
        raise unfit(call.name)
    return [spawning(compiler, each) for each in call.arguments]


@step("union")
def _union(compiler: Compiler, call: Call) -> Run:
    branches = _branches(compiler, call)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for branch in branches:
                async for found in branch(context, replay((traverser,))):
                    yield found

    return run


@step("coalesce")
def _coalesce(compiler: Compiler, call: Call) -> Run:
    branches = _branches(compiler, call)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for branch in branches:
                is_found = False
                async for found in branch(context, replay((traverser,))):
                    is_found = True
                    yield found
                if is_found:
                    break

    return run


@step("optional")
def _optional(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    inner = compiler.nested(call.arguments[0], "optional")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            is_found = False
            async for found in inner(context, replay((traverser,))):
                is_found = True
                yield found
            if not is_found:
                yield traverser

    return run


@step("choose")
def _choose(compiler: Compiler, call: Call) -> Run:
    if call.behind:
        return _choose_option(compiler, call)
    count_arguments(call, 2, 3)
    wanted, *rest = call.arguments
    ways = [compiler.nested(each, "choose") for each in rest]
    test = compile_predicate(wanted) if isinstance(wanted, Predicate) else None
    inner = None if test is not None else compiler.nested(wanted, "choose")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            if test is not None:
                holds = test(traverser.value)
            else:
                assert inner is not None
                holds = await is_any(context, inner, traverser)
            if not holds and len(ways) == 1:
                yield traverser
                continue
            async for found in ways[0 if holds else 1](context, replay((traverser,))):
                yield found

    return run


def _choose_option(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    inner = compiler.nested(call.arguments[0], "choose")
    options: list[tuple[Any, Run]] = []
    otherwise: Run | None = None
    for each in call.behind:
        if len(each.arguments) == 1 or (len(each.arguments) == 2 and is_word(each.arguments[0], "none")):
            otherwise = compiler.nested(each.arguments[-1], "option")
        elif len(each.arguments) == 2:
            options.append((each.arguments[0], compiler.nested(each.arguments[1], "option")))
        else:
            raise unfit("option")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            value = await first_of(context, inner, traverser)
            way = next((way for key, way in options if _fits(key, value)), otherwise)
            if way is None:
                yield traverser
                continue
            async for found in way(context, replay((traverser,))):
                yield found

    return run


def _fits(key: Any, value: Any) -> bool:
    if value is MISSING:
        return False
    return compile_predicate(key)(value) if isinstance(key, Predicate) else same(key, value)


class _Until(NamedTuple):
    """When a traverser leaves a repeat, or is let out beside: after so many times, or when a traversal says so."""

    run: Run | None
    before: bool

    async def holds(self, context: Context, traverser: Traverser) -> bool:
        """Tell whether it is so."""
        return self.run is None or await is_any(context, self.run, traverser)


@step("repeat")
def _repeat(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    body = compiler.nested(call.arguments[0], "repeat")
    times: int | None = None
    until: _Until | None = None
    emit: _Until | None = None
    for before, steps in ((True, call.before), (False, call.behind)):
        for each in steps:
            if each.name == "times":
                times = _times(each)
            elif each.name == "until":
                until = _Until(_condition(compiler, each), before)
            else:
                emit = _Until(_condition(compiler, each) if each.arguments else None, before)

    async def run(context: Context, stream: Stream) -> Stream:
        coming = [traverser._replace(loops=0) async for traverser in stream]
        loops = 0
        if until is not None and until.before:
            coming, leaving = await _parted(context, until, coming)
            for traverser in leaving:
                yield traverser
        while coming:
            if times is not None and loops >= times:
                for traverser in coming:
                    yield traverser
                return
            if loops >= LOOPS_MAX:
                raise TooMuchError(f"The traversal was ended because a repeat went around more than {LOOPS_MAX} times.")
            if emit is not None and emit.before:
                for traverser in coming:
                    if await emit.holds(context, traverser):
                        yield traverser
            loops += 1
            coming = [
                traverser._replace(loops=loops) async for traverser in body(context, replay(coming))
            ]  # fmt: skip
            context.work(len(coming) + 1)
            is_last = times is not None and loops >= times
            if until is not None:
                coming, leaving = await _parted(context, until, coming)
                for traverser in leaving:
                    yield traverser
            if emit is not None and not emit.before and not is_last:
                for traverser in coming:
                    if await emit.holds(context, traverser):
                        yield traverser

    return run


async def _parted(
    context: Context, until: _Until, coming: list[Traverser]
) -> tuple[list[Traverser], list[Traverser]]:  # fmt: skip
    """Return traversers that go around again, and those that leave."""
    staying: list[Traverser] = []
    leaving: list[Traverser] = []
    for traverser in coming:
        (leaving if await until.holds(context, traverser) else staying).append(traverser)
    return staying, leaving


def _times(step: Step) -> int:
    if len(step.arguments) != 1 or type(step.arguments[0]) is not int:
        raise unfit("times")
    (times,) = step.arguments
    if times > LOOPS_MAX:
        raise CompileError(f"A repeat goes around at most {LOOPS_MAX} times")
    return int(times)


def _condition(compiler: Compiler, step: Step) -> Run:
    if len(step.arguments) != 1:
        raise unfit(step.name)
    return compiler.nested(step.arguments[0], step.name)


@step("loops")
def _loops(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)

    async def run(_context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            yield traverser.to(traverser.loops)

    return run
