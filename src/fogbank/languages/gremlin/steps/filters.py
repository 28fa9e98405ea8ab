"""Steps that let some through."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from fogbank.languages.gremlin.compiling import (
    MISSING,
    Call,
    Compiler,
    count_arguments,
    is_any,
    keeping,
    replay,
    split_scope,
    step,
    texts,
    unfit,
)
from fogbank.languages.gremlin.elements import Element, Property, VertexProperty
from fogbank.languages.gremlin.errors import CompileError
from fogbank.languages.gremlin.modulating import By, read_by, read_bys, taken, token_of
from fogbank.languages.gremlin.nodes import Predicate, Traversal, Word
from fogbank.languages.gremlin.predicates import compile_predicate, test_of
from fogbank.languages.gremlin.values import identity, same, values_of

if TYPE_CHECKING:
    from fogbank.languages.gremlin.predicates import Test
    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser


@step("has")
def _has(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1, 3)
    *labels, key, wanted = call.arguments if len(call.arguments) > 1 else (*call.arguments, MISSING)
    if labels and not isinstance(labels[0], str):
        raise unfit("has")
    name = key.name if isinstance(key, Word) and key.name in ("id", "label", "key", "value") else key
    if not isinstance(name, str):
        raise unfit("has")
    if isinstance(wanted, Traversal):
        return _has_by_traversal(compiler, name, wanted)
    test: Test = (lambda _value: True) if wanted is MISSING else test_of(wanted)

    def holds(traverser: Traverser) -> bool:
        value = traverser.value
        if labels and getattr(value, "label", None) != labels[0]:
            return False
        return any(map(test, _found(value, name)))

    return keeping(holds)


def _found(value: Any, name: str) -> list[Any]:
    """Return the values that a filter by a key looks at."""
    if isinstance(value, Element) and name in ("id", "label"):
        return [getattr(value, name)]
    if isinstance(value, Property | VertexProperty) and name in ("id", "key", "value", "label"):
        token = token_of(value, name)
        return [] if token is MISSING else [token]
    if isinstance(value, dict):
        return [value[name]] if name in value else []
    return values_of(value, (name,))


def _has_by_traversal(compiler: Compiler, name: str, wanted: Traversal) -> Run:
    run_inner = compiler.chain(wanted)

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for value in _found(traverser.value, name):
                if await is_any(context, run_inner, traverser.to(value)):
                    yield traverser
                    break

    return run


@step("hasNot")
def _has_not(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    (name,) = texts(call)
    return keeping(lambda traverser: not _found(traverser.value, name))


@step("hasLabel", "hasId", "hasKey", "hasValue")
def _has_token(_compiler: Compiler, call: Call) -> Run:
    name = call.name.removeprefix("has").lower()
    if not call.arguments:
        raise unfit(call.name)
    arguments = call.arguments
    if name == "id":
        arguments = tuple(str(each) if type(each) is int else each for each in arguments)
    tests = [_test_of_any(each) for each in arguments]

    def holds(traverser: Traverser) -> bool:
        found = token_of(traverser.value, name)
        return found is not MISSING and any(test(found) for test in tests)

    return keeping(holds)


def _test_of_any(argument: Any) -> Test:
    return test_of(Predicate("within", (argument,)) if isinstance(argument, list) else argument)


@step("is")
def _is(_compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    test = test_of(call.arguments[0])

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            context.weigh(traverser.value)
            if test(traverser.value):
                yield traverser

    return run


@step("not")
def _not(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1)
    inner = compiler.nested(call.arguments[0], "not")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            if not await is_any(context, inner, traverser):
                yield traverser

    return run


@step("and", "or")
def _and_or(compiler: Compiler, call: Call) -> Run:
    if not call.arguments:
        raise CompileError(f"Unable to find any method '{call.name}' without traversals")
    inner = [compiler.nested(each, call.name) for each in call.arguments]
    every = call.name == "and"

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for each in inner:
                if await is_any(context, each, traverser) is not every:
                    break
            else:
                if every:
                    yield traverser
                continue
            if not every:
                yield traverser

    return run


@step("where", "filter")
def _where(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 1, 2)
    *start, wanted = call.arguments
    if start and not isinstance(start[0], str):
        raise unfit("where")
    if isinstance(wanted, Predicate) and call.name == "where":
        return _where_labelled(compiler, call, start[0] if start else "", wanted)
    if not isinstance(wanted, Traversal) or start or call.behind:
        raise unfit(call.name)
    steps = list(wanted.steps)
    label = end = ""
    # Labels at the beginning and the end of a pattern stand for what has them.
    if steps and steps[0].name == "as" and len(steps) > 1:
        label = str(steps.pop(0).arguments[0])
    if steps and steps[-1].name == "as" and label:
        end = str(steps.pop().arguments[0])
    inner = compiler.chain(Traversal(tuple(steps), spawned=False))

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            marked = traverser.labelled(label) if label else [traverser.value]
            if not marked:
                continue
            begun = traverser.to(marked[-1]) if label else traverser
            goals = traverser.labelled(end) if end else []
            async for found in inner(context, replay((begun,))):
                if not end or (goals and same(found.value, goals[-1])):
                    yield traverser
                    break

    return run


def _where_labelled(compiler: Compiler, call: Call, start: str, wanted: Predicate) -> Run:
    """Build a filter that compares values with those that labels stand for."""
    bys = [read_by(compiler, each) for each in call.behind]

    async def modulated(context: Context, place: int, traverser: Traverser, value: Any) -> Any:
        if not bys:
            context.weigh(value)
            return value
        return await taken(context, bys[place % len(bys)], traverser.to(value), "Where")

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            marked = traverser.labelled(start) if start else [traverser.value]
            if not marked:
                continue
            value = await modulated(context, 0, traverser, marked[-1])
            names = sorted(_labels(wanted))
            others = {name: traverser.labelled(name) for name in names}
            if not all(others.values()):
                continue
            meant = {name: await modulated(context, 1, traverser, others[name][-1]) for name in names}
            if compile_predicate(_bound(wanted, meant))(_comparable(value)):
                yield traverser

    return run


def _labels(predicate: Predicate) -> set[str]:
    found: set[str] = set()
    for each in predicate.arguments:
        if isinstance(each, Predicate):
            found |= _labels(each)
        else:
            found.update(each if isinstance(each, list) else [each])
    if not all(isinstance(name, str) for name in found):
        raise CompileError("where compares with labels")
    return found


def _bound(predicate: Predicate, meant: dict[str, Any]) -> Predicate:
    """Return a predicate with what its labels stand for."""
    arguments: list[Any] = []
    for each in predicate.arguments:
        if isinstance(each, Predicate):
            arguments.append(_bound(each, meant))
        elif isinstance(each, list):
            arguments.append([_comparable(meant[name]) for name in each])
        else:
            arguments.append(_comparable(meant[each]))
    return Predicate(predicate.name, tuple(arguments))


def _comparable(value: Any) -> Any:
    return value.value if isinstance(value, VertexProperty | Property) else value


@step("dedup")
def _dedup(compiler: Compiler, call: Call) -> Run:
    local, arguments = split_scope(call)
    if local or not all(isinstance(each, str) for each in arguments):
        raise unfit("dedup")
    bys: list[By] = read_bys(compiler, call.behind)

    async def run(context: Context, stream: Stream) -> Stream:
        seen: set[Any] = set()
        async for traverser in stream:
            values = [traverser.value] if not arguments else []
            for label in arguments:
                values += traverser.labelled(label)[-1:]
            key = tuple(
                [
                    identity(await taken(context, bys[place % len(bys)], traverser.to(value), "Dedup"))
                    for place, value in enumerate(values)
                ]
            )
            if key not in seen:
                seen.add(key)
                yield traverser

    return run


@step("limit", "range", "skip", "tail")
def _part(_compiler: Compiler, call: Call) -> Run:
    local, arguments = split_scope(call)
    if call.name == "tail" and not arguments:
        arguments = (1,)
    if len(arguments) != (2 if call.name == "range" else 1) or not all(type(each) is int for each in arguments):
        raise unfit(call.name)
    if call.name == "tail":
        return _local_part(-arguments[0], None) if local else _tail(arguments[0])
    low, high = {"limit": (0, arguments[0]), "skip": (arguments[0], -1)}.get(call.name, arguments[:2])
    if high != -1 and high < low:
        raise CompileError(f"Not a legal range: [{low}, {high}]")
    return _local_part(low, None if high == -1 else high) if local else _range(low, high)


def _range(low: int, high: int) -> Run:
    async def run(_context: Context, stream: Stream) -> Stream:
        if high == 0:
            return
        count = 0
        async for traverser in stream:
            count += 1
            if count > low:
                yield traverser
            if count == high:
                return

    return run


def _tail(count: int) -> Run:
    async def run(_context: Context, stream: Stream) -> Stream:
        last: deque[Traverser] = deque(maxlen=max(count, 0))
        async for traverser in stream:
            last.append(traverser)
        for traverser in last:
            yield traverser

    return run


def _local_part(low: int, high: int | None) -> Run:
    async def run(_context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            value = traverser.value
            if isinstance(value, dict):
                yield traverser.to(dict(list(value.items())[low:high]))
                continue
            if not isinstance(value, list):
                yield traverser
                continue
            part = list(value[low:high])
            # Of one the thing itself remains.
            yield traverser.to(part[0] if len(part) == 1 and high == low + 1 else part)

    return run


@step("simplePath", "cyclicPath")
def _simple_path(compiler: Compiler, call: Call) -> Run:
    count_arguments(call, 0)
    bys = read_bys(compiler, call.behind)
    simple = call.name == "simplePath"

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            places = traverser.path()
            context.work(len(places))
            found = [
                identity(await taken(context, bys[at % len(bys)], traverser.to(place.value), "Path"))
                for at, place in enumerate(places)
            ]
            if (len(set(found)) == len(found)) is simple:
                yield traverser

    return run


@step("as")
def _as(_compiler: Compiler, call: Call) -> Run:
    labels = frozenset(texts(call))
    if not labels:
        raise unfit("as")

    async def run(_context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            yield traverser.named(labels)

    return run


@step("sample")
def _sample(_compiler: Compiler, call: Call) -> Run:
    if call.behind or len(call.arguments) != 1 or type(call.arguments[0]) is not int:
        raise unfit("sample")
    (count,) = call.arguments

    async def run(context: Context, stream: Stream) -> Stream:
        chosen: list[Traverser] = []
        seen = 0
        async for traverser in stream:
            # Algorithm R (Vitter, "Random Sampling with a Reservoir", 1985).
            seen += 1
            if len(chosen) < count:
                chosen.append(traverser)
            elif (place := context.draw(seen)) < count:
                chosen[place] = traverser
        for traverser in chosen:
            yield traverser

    return run
