"""By: what a step is to take of each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fogbank.languages.gremlin.compiling import MISSING, first_of, unfit
from fogbank.languages.gremlin.elements import Element, Property, VertexProperty
from fogbank.languages.gremlin.errors import ExecutionError
from fogbank.languages.gremlin.nodes import Traversal, Word
from fogbank.languages.gremlin.values import values_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from fogbank.languages.gremlin.compiling import Compiler
    from fogbank.languages.gremlin.nodes import Step
    from fogbank.languages.gremlin.traversers import Context, Traverser

    Take: TypeAlias = "Callable[[Context, Traverser], Awaitable[Any]]"
    """What is taken of a traverser's value; `MISSING` for nothing."""


class By(NamedTuple):
    """One modulator: what is taken, the order that it is for (asc, desc, shuffle), what it is named in errors."""

    take: Take
    order: str
    told: str


def read_by(compiler: Compiler, step: Step) -> By:
    """Return what a `by` says."""
    arguments = list(step.arguments)
    order = "asc"
    if arguments and isinstance(arguments[-1], Word) and arguments[-1].name in _ORDERS:
        order = _ORDERS[arguments.pop().name]
    if len(arguments) > 1:
        raise unfit("by")
    if not arguments:
        return By(_itself, order, "")
    (argument,) = arguments
    if isinstance(argument, Traversal):
        run = compiler.chain(argument)

        async def take(context: Context, traverser: Traverser) -> Any:
            return await first_of(context, run, traverser)

        return By(take, order, "the traversal")
    if isinstance(argument, str):
        return By(_key(argument), order, argument)
    if isinstance(argument, Word) and argument.name in _TOKENS:
        return By(_token(argument.name), order, argument.name)
    raise unfit("by")


def read_bys(compiler: Compiler, steps: Sequence[Step]) -> list[By]:
    """Return what modulators say, that of the value itself if there is none."""
    return [read_by(compiler, step) for step in steps] or [By(_itself, "asc", "")]


async def taken(context: Context, by: By, traverser: Traverser, step: str) -> Any:
    """Return what is taken of a traverser, or raise the error for nothing."""
    found = await by.take(context, traverser)
    context.weigh(found)
    if found is MISSING:
        raise ExecutionError(f'{step} By: Next: The provided traverser of key "{by.told}" maps to nothing.')
    return found


_ORDERS = {"asc": "asc", "incr": "asc", "desc": "desc", "decr": "desc", "shuffle": "shuffle"}
_TOKENS = frozenset({"id", "label", "key", "value", "keys", "values"})


async def _itself(_context: Context, traverser: Traverser) -> Any:
    return traverser.value


def _key(key: str) -> Take:
    async def take(_context: Context, traverser: Traverser) -> Any:
        value = traverser.value
        if isinstance(value, dict):
            return value.get(key, MISSING)
        if key in ("id", "label") and isinstance(value, Element):
            return getattr(value, key)
        found = values_of(value, (key,))
        return found[0] if found else MISSING

    return take


def _token(name: str) -> Take:
    async def take(_context: Context, traverser: Traverser) -> Any:
        return token_of(traverser.value, name)

    return take


def token_of(value: Any, name: str) -> Any:
    """Return a value's id, label, key or value; of a map its keys or values."""
    if isinstance(value, dict) and name in ("keys", "values"):
        return list(value.keys() if name == "keys" else value.values())
    if isinstance(value, Element) and name in ("id", "label"):
        return getattr(value, name)
    if isinstance(value, VertexProperty | Property):
        if name == "id" and isinstance(value, VertexProperty):
            return value.id
        if name in ("key", "label", "value"):
            return value.value if name == "value" else value.key
    return MISSING
