"""Binding expressions: names in curly brackets that stand for what is known of the event that sets a function off.

"Azure Functions binding expression patterns" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-
expressions-patterns): parameters of the route, `Query.` and `headers.` of a request, properties of what is JSON,
metadata of the trigger, and the system's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.runtimes.model import Invocation

_EXPRESSION: Final = re.compile(r"\{([^{}]+)\}")
_MISSING: Final = object()


class ExpressionError(Exception):
    """An expression stands for nothing that is known; the message says so."""


class Known:
    """What is known of an invocation, by the names that expressions have for it; names are the same in any case."""

    def __init__(self, invocation: Invocation, now_us: int, new_id: Callable[[], str]) -> None:
        self._invocation = invocation
        self._now_us = now_us
        self._new_id = new_id
        context = invocation.context
        query = _folded(dict(parse_qsl(context.get("query", ""), keep_blank_values=True)))
        headers = _folded(dict(context.get("headers", ())))
        self._whole = {"query": query, "headers": headers}

    def resolve(self, text: str) -> str:
        """Return a text with what its expressions stand for; raises `ExpressionError`."""
        return _EXPRESSION.sub(lambda found: _text(self.value(found[1])), text)

    def value(self, name: str) -> Any:
        """Return what an expression stands for; raises `ExpressionError`."""
        first, *steps = name.strip().lower().split(".")
        if not steps and first in ("rand-guid", "datetime"):
            return self._new_id() if first == "rand-guid" else self._time()
        if first == "sys":
            return self._system(name, steps)
        if ":" in name:
            msg = f"Fogbank does not support formats in binding expressions, as in '{{{name}}}'."
            raise ExpressionError(msg)
        for part in self._parts(whole=bool(steps)):
            found = part.get(first, _MISSING)
            for step in steps:
                found = _folded(found).get(step, _MISSING) if isinstance(found, Mapping) else _MISSING
            if found is not _MISSING:
                return found
        msg = f"No value for named parameter '{name}'."
        raise ExpressionError(msg)

    def _parts(self, *, whole: bool) -> Iterator[Mapping[str, Any]]:
        """Yield where names are looked up: the first that has one counts. An event is read only when it is needed."""
        if whole:
            yield self._whole
        yield _folded(self._invocation.context.get("params", {}))
        yield self._whole["query"]
        yield _folded(self._invocation.context.get("metadata", {}))
        yield _folded(self._event())

    def _system(self, name: str, steps: list[str]) -> str:
        if steps == ["randguid"]:
            return self._new_id()
        if steps == ["utcnow"]:
            return self._time()
        if steps == ["methodname"]:
            return str(self._invocation.context["function"])
        msg = f"No value for named parameter '{name}'."
        raise ExpressionError(msg)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._now_us / SECOND_US, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _event(self) -> Mapping[str, Any]:
        """Return the properties of an event that is JSON, and a message's text."""
        known: dict[str, Any] = {}
        if "text" in self._invocation.context:
            known["queueTrigger"] = self._invocation.event.decode(errors="replace")
        try:
            found = msgspec.json.decode(self._invocation.event)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return known
        return {**found, **known} if isinstance(found, dict) else known


def names_in(text: str) -> list[str]:
    """Return the names of a text's expressions."""
    return _EXPRESSION.findall(text)


def replaced(text: str, instead: Callable[[str], str]) -> str:
    """Return a text with other texts in the place of its expressions, by their names."""
    return _EXPRESSION.sub(lambda found: instead(found[1]), text)


def _folded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in values.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
