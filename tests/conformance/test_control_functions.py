"""The functions of all accounts and regions, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import deploy

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer


def test_functions_of_all_regions_are_listed_in_pages(
    timed_server: ThreadedServer, timed_client: Callable[..., Any], account: str
) -> None:
    for region, name in (("us-east-1", "b"), ("us-east-1", "a"), ("eu-west-1", "c")):
        deploy(timed_client("lambda", region), name, "handler = None", MemorySize=256, Timeout=9)

    def ask(query: str = "") -> Any:
        with urllib.request.urlopen(f"{timed_server.url}/_fogbank/functions{query}") as reply:
            return json.load(reply)

    everything = ask()
    assert [each["name"] for each in everything["functions"]] == ["c", "a", "b"]
    assert everything["next"] is None
    assert everything["functions"][1] == {
        "name": "a",
        "scope": f"aws/{account}/us-east-1",
        "contract": "lambda",
        "runtime": "python3.11",
        "handler": "app.handler",
        "memory_mib": 256,
        "timeout_seconds": 9,
        "created": "2026-11-22T12:00:00.000000Z",
        "modified": "2026-11-22T12:00:00.000000Z",
    }
    first = ask("?limit=2")
    assert [each["name"] for each in first["functions"]] == ["c", "a"]
    assert [each["name"] for each in ask(f"?after={first['next']}")["functions"]] == ["b"]
    for query in ("?limit=0", "?x=1"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            ask(query)
