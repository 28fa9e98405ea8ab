"""From steps with arguments to what runs them.

A step is built by the function that is registered for its name; modulators (by, from, to, times, …) go to the step that
they are behind. What is compiled is a function from a stream of traversers to another, lazily, so that what limits a
traversal ends its work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.languages.gremlin.errors import CompileError
from fogbank.languages.gremlin.nodes import Step, Traversal, Word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from typing import TypeAlias

    from fogbank.languages.gremlin.traversers import Context, Run, Stream, Traverser

    Build: TypeAlias = "Callable[[Compiler, Call], Run]"

# So many steps are chained lazily; before the next, all that comes out of them is gathered.
CHAINED_MAX: Final = 50
MUTATING: Final = frozenset({"addV", "addE", "property", "drop"})
# Steps whose result is one value for all that comes in.
REDUCING: Final = frozenset({"count", "sum", "min", "max", "mean", "fold", "group", "groupCount", "cap", "tree"})
_BY: Final = frozenset({"by"})
MODULATORS: Final = {
    **dict.fromkeys(
        ("order", "group", "groupCount", "project", "select", "path", "tree", "dedup", "aggregate", "store", "where",
         "sample", "simplePath", "cyclicPath"),
        _BY,
    ),
    "repeat": frozenset({"times", "until", "emit"}),
    "choose": frozenset({"option"}),
    "addV": frozenset({"property"}),
    "addE": frozenset({"property", "from", "to"}),
}  # fmt: skip
# Steps that put values together, into lists and maps.
_CONTAINING: Final = frozenset({
    "fold", "group", "groupCount", "project", "select", "path", "tree", "cap", "order", "limit", "range", "tail",
    "skip", "inject",
})  # fmt: skip
_BEFORE_REPEAT: Final = frozenset({"times", "until", "emit"})
BUILDERS: Final[dict[str, Build]] = {}
# What there is nothing of.
MISSING: Final[Any] = object()


class Call(NamedTuple):
    """A step with what modulates it: steps in front of it (of a repeat), and behind it.

    `following` are the steps behind those, by which a step that begins can tell what is wanted of it.
    """

    name: str
    arguments: tuple[Any, ...]
    before: tuple[Step, ...] = ()
    behind: tuple[Step, ...] = ()
    following: tuple[Step, ...] = ()


def step(*names: str) -> Callable[[Build], Build]:
    """Register what builds steps."""

    def register(build: Build) -> Build:
        BUILDERS.update(dict.fromkeys(names, build))
        return build

    return register


class Compiler:
    """One traversal's. `mutates` says whether it changes the graph anywhere."""

    def __init__(self, traversal: Traversal) -> None:
        self.mutates = _mutates(traversal)

    def chain(self, traversal: Traversal) -> Run:
        """Return what runs the steps of a traversal."""
        runs = [self._build(call) for call in calls_of(traversal.steps)]
        segments = [runs[first : first + CHAINED_MAX] for first in range(0, len(runs), CHAINED_MAX)]
        if len(segments) <= 1:
            return _composed(runs)
        return _in_segments([_composed(segment) for segment in segments])

    def nested(self, argument: Any, name: str) -> Run:
        """Return what runs a traversal that is an argument of a step."""
        if not isinstance(argument, Traversal):
            raise unfit(name)
        return self.chain(argument)

    def _build(self, call: Call) -> Run:
        build = BUILDERS.get(call.name)
        if build is None:
            raise CompileError(f"Unable to find any method '{call.name}'")
        run = build(self, call)
        return _weighing(run) if call.name in _CONTAINING else run


def _mutates(value: Any) -> bool:
    if isinstance(value, Traversal):
        return any(step.name in MUTATING or any(map(_mutates, step.arguments)) for step in value.steps)
    return any(map(_mutates, value)) if isinstance(value, list) else False


def calls_of(steps: Sequence[Step]) -> list[Call]:
    """Return steps with their modulators."""
    calls: list[Call] = []
    at = 0
    while at < len(steps):
        before: list[Step] = []
        while steps[at].name in _BEFORE_REPEAT:
            before.append(steps[at])
            at += 1
            if at == len(steps):
                raise CompileError(f"{before[0].name} needs a repeat")
        here = steps[at]
        if before and here.name != "repeat":
            raise CompileError(f"{before[0].name} needs a repeat")
        at += 1
        behind: list[Step] = []
        wanted = MODULATORS.get(here.name, ())
        while at < len(steps) and steps[at].name in wanted:
            behind.append(steps[at])
            at += 1
        calls.append(Call(here.name, here.arguments, tuple(before), tuple(behind), tuple(steps[at:])))
    return calls


def _weighing(run: Run) -> Run:
    """Return a step that counts what is in the values that it makes, so that none grows beyond all bounds."""

    async def weighing(context: Context, stream: Stream) -> Stream:
        async for traverser in run(context, stream):
            context.weigh(traverser.value)
            yield traverser

    return weighing


def _composed(runs: Sequence[Run]) -> Run:
    def run(context: Context, stream: Stream) -> Stream:
        for each in runs:
            stream = each(context, stream)
        return stream

    return run


def _in_segments(segments: Sequence[Run]) -> Run:
    async def run(context: Context, stream: Stream) -> Stream:
        for segment in segments[:-1]:
            stream = replay([traverser async for traverser in segment(context, stream)])
        async for traverser in segments[-1](context, stream):
            yield traverser

    return run


async def replay(traversers: Iterable[Traverser]) -> AsyncIterator[Traverser]:
    """Yield traversers."""
    for each in traversers:
        yield each


async def first_of(context: Context, run: Run, traverser: Traverser) -> Any:
    """Return the first value that a nested traversal makes of a traverser, `MISSING` if there is none."""
    async for found in run(context, replay((traverser,))):
        return found.value
    return MISSING


async def is_any(context: Context, run: Run, traverser: Traverser) -> bool:
    """Tell whether a nested traversal makes anything of a traverser."""
    return await first_of(context, run, traverser) is not MISSING


def flat(function: Callable[[Traverser], Iterable[Any]]) -> Run:
    """Return the step that makes of each traverser as many values as a function says."""

    async def run(context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            for value in function(traverser):
                context.work()
                yield traverser.to(value)

    return run


def keeping(function: Callable[[Traverser], bool]) -> Run:
    """Return the step that lets through for which a function says so."""

    async def run(_context: Context, stream: Stream) -> Stream:
        async for traverser in stream:
            if function(traverser):
                yield traverser

    return run


def unfit(name: str) -> CompileError:
    """Return the error for arguments that a step hasn't."""
    return CompileError(f"Unable to find any method '{name}' for the arguments that it is given")


def texts(call: Call) -> tuple[str, ...]:
    """Return arguments that must be texts."""
    if not all(isinstance(each, str) for each in call.arguments):
        raise unfit(call.name)
    return call.arguments


def count_arguments(call: Call, low: int, high: int | None = None) -> None:
    """Raise the error for too few arguments, or too many."""
    if not low <= len(call.arguments) <= (low if high is None else high):
        raise unfit(call.name)


def is_word(argument: Any, *names: str) -> bool:
    """Tell whether an argument is one of the language's words."""
    return isinstance(argument, Word) and argument.name in names


def split_scope(call: Call) -> tuple[bool, tuple[Any, ...]]:
    """Return whether a step is for what is in each value (local), and its other arguments."""
    first = call.arguments[0] if call.arguments else None
    if isinstance(first, Word) and first.name in ("local", "global"):
        return first.name == "local", call.arguments[1:]
    return False, call.arguments
