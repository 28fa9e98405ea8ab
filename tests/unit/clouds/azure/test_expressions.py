"""Binding expressions, and what is known of an event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fogbank.clouds.azure.functions.triggering.expressions import ExpressionError, Known, names_in, replaced
from fogbank.runtimes.model import Invocation

REQUEST = {
    "function": "work",
    "method": "POST",
    "params": {"Id": "7"},
    "query": "id=8&page=2&empty=",
    "headers": [["X-Tenant", "t1"]],
}


def known(event: Any = None, context: dict[str, Any] | None = None) -> Known:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return Known(Invocation("1", body, REQUEST if context is None else context), 1_500_000, lambda: "new-id")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{id}", "7"), ("{Query.id}", "8"), ("{page}-{empty}", "2-"), ("{headers.x-tenant}", "t1"), ("plain", "plain"),
        ("{name}", "Ada"), ("{user.age}", "36"), ("{user.tags}", '["a"]'), ("{sys.methodname}", "work"),
        ("{rand-guid}/{sys.randguid}", "new-id/new-id"), ("{DateTime}", "1970-01-01T00:00:01Z"),
        ("{sys.utcnow}", "1970-01-01T00:00:01Z"),
    ],
)  # fmt: skip
def test_what_expressions_stand_for(text: str, found: str) -> None:
    assert known({"id": "body", "name": "Ada", "user": {"Age": 36, "tags": ["a"]}}).resolve(text) == found


@pytest.mark.parametrize("text", ["{none}", "{user.none}", "{name.first}", "{sys.none}", "{DateTime:yyyy}"])
def test_what_stands_for_nothing(text: str) -> None:
    with pytest.raises(ExpressionError):
        known({"name": "Ada", "user": {}}).resolve(text)


def test_what_is_known_of_a_message() -> None:
    context = {"function": "work", "text": "1", "metadata": {"DequeueCount": 2}}
    assert known({"key": "k"}, context).resolve("{key} {dequeuecount} {queueTrigger}") == 'k 2 {"key": "k"}'
    assert known(b"\xff", context).resolve("{queueTrigger}") == "\ufffd"
    with pytest.raises(ExpressionError):
        known([1], context).resolve("{key}")


def test_names_are_replaced() -> None:
    text = "SELECT * FROM c WHERE c.a = {a.b} AND c.c = {d}"
    assert names_in(text) == ["a.b", "d"]
    assert replaced(text, lambda name: f"@{name}") == "SELECT * FROM c WHERE c.a = @a.b AND c.c = @d"
