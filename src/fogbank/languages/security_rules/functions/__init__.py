"""Functions and methods of the rules language, by the types that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.linear_regex import PatternError
from fogbank.languages.security_rules.errors import EvaluationError
from fogbank.languages.security_rules.functions import collections, globally, texts, times
from fogbank.languages.security_rules.values import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.languages.security_rules.values import Value

_METHODS: Final[dict[str, dict[str, Callable[..., Any]]]] = {
    "string": texts.STRING,
    "bytes": texts.BYTES,
    "list": collections.LIST,
    "map": collections.MAP,
    "set": collections.SET,
    "map_diff": collections.MAP_DIFF,
    "path": collections.PATH,
    "timestamp": times.TIMESTAMP,
    "duration": times.DURATION,
    "latlng": globally.LATLNG,
}
NAMESPACES: Final = globally.NAMESPACES
GLOBALS: Final = globally.GLOBALS


def call_method(left: Value, name: str, arguments: Sequence[Value]) -> Value:
    """Call a method of a value; raises `EvaluationError`."""
    found = _METHODS.get(type_of(left), {}).get(name)
    if found is None:
        msg = f"Function not found error: Name: [{name}] of {type_of(left)}."
        raise EvaluationError(msg)
    return _call(name, found, left, *arguments)


def call_function(namespace: str, name: str, arguments: Sequence[Value]) -> Value:
    """Call a function that is there everywhere, of a namespace or ("") of none; raises `EvaluationError`."""
    functions = NAMESPACES[namespace] if namespace else GLOBALS
    found = functions.get(name)
    if found is None:
        msg = f"Function not found error: Name: [{name}]."
        raise EvaluationError(msg)
    return _call(name, found, *arguments)


def _call(name: str, function: Callable[..., Any], *arguments: Value) -> Value:
    """Call a function, for which values of other types than it takes are errors of its own kind."""
    try:
        return function(*arguments)
    except (TypeError, ValueError, AttributeError, OverflowError, KeyError, PatternError) as error:
        given = ", ".join(type_of(each) for each in arguments)
        msg = f"{name} isn't for ({given}): {error}"
        raise EvaluationError(msg) from None
