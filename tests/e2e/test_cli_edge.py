"""`fogbank functions edge-test`, run as users run it, on a folder's function."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = """
def handler(event, context):
    record = event["Records"][0]["cf"]
    request, response = record["request"], record.get("response")
    if response is not None:
        response["headers"]["x-trigger"] = [{"key": "X-Trigger", "value": record["config"]["eventType"]}]
        return response
    if request["uri"] == "/old":
        return {"status": "301", "headers": {"location": [{"key": "Location", "value": "/new"}]}, "body": "moved"}
    if request["uri"] == "/wrong":
        return {"status": "200", "headers": {"Connection": "close"}}
    if request["uri"] == "/fail":
        raise ValueError("no")
    request["uri"] += "index.html"
    return request
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("edge")
    for each in (path, *path.parents[:2]):
        each.chmod(0o755)
    (path / "app.py").write_text(SOURCE)
    return path


def edge_test(server: ServerProcess, function: str, *arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "fogbank", "functions", "edge-test", function, "--server", server.url, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_a_function_is_tried_as_cloudfront_calls_it(server: ServerProcess, folder: Path) -> None:
    status, lines = edge_test(server, str(folder), "--url", "https://example.com/docs/?a=1", "--header", "X-Own: 1")
    assert status == 0, lines
    assert lines[:3] == [
        "viewer-request: GET https://example.com/docs/?a=1",
        "The request goes on to the cache.",
        "  GET /docs/index.html?a=1",
    ]
    assert "  X-Own: 1" in lines
    assert lines[-1] == "Changed: uri"
    name = folder.name
    status, lines = edge_test(server, name, "--url", "https://example.com/old")
    assert (status, lines[1:]) == (0, ["The viewer gets this at once:", "  301 Moved Permanently", "  Location: /new",
                                       "", "  moved"])  # fmt: skip
    status, lines = edge_test(server, name, "--event", "origin-request")
    assert "  to d111111abcdef8.cloudfront.net" in lines
    for trigger in ("origin-response", "viewer-response"):
        status, lines = edge_test(server, name, "--event", trigger, "--status", "404", "--answer-header", "ETag: x")
        assert (status, lines[1:3]) == (0, ["The response goes on to the viewer:", "  404 Not Found"])
        assert lines[-2:] == ["  ETag: x", f"  X-Trigger: {trigger}"]


def test_what_cloudfront_does_not_take_ends_with_status_1(server: ServerProcess, folder: Path) -> None:
    status, lines = edge_test(server, str(folder), "--url", "https://example.com/wrong")
    assert (status, lines[1]) == (1, "CloudFront answers the viewer 502 Bad Gateway:")
    assert "in lower case" in lines[2]
    status, lines = edge_test(server, folder.name, "--url", "https://example.com/fail")
    assert (status, lines[2]) == (1, "  The function failed: ValueError: no")
    status, lines = edge_test(server, "missing")
    assert status == 1
    assert "Function not found" in lines[-1]
