"""What Google's services cost a server that serves them: none of Google's own packages but protobuf."""

from __future__ import annotations

import json
import urllib.request

import grpc

from tests.servers import ServerProcess

FORBIDDEN = ("google.api", "google.api_core", "google.auth", "google.cloud", "google.longrunning", "google.rpc", "grpc",
             "proto", "functions_framework", "flask", "requests")  # fmt: skip


def test_no_package_of_googles_is_needed_to_serve() -> None:
    with ServerProcess("--memory", environment={"PYTHONPROFILEIMPORTTIME": "1"}) as running:
        path = "/v2/projects/my-project/locations/us-central1/functions"
        with urllib.request.urlopen(running.url + path) as answer:
            assert json.load(answer) == {}
        with grpc.insecure_channel(running.url.removeprefix("http://")) as channel:
            assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\x08\x01"
            parent = b"projects/my-project/locations/us-central1"
            request = b"\x0a" + bytes([len(parent)]) + parent
            assert channel.unary_unary("/google.cloud.functions.v2.FunctionService/ListFunctions")(request) == b""
        _, errors = running.stop()
    loaded = {line.rpartition("|")[2].strip() for line in errors.splitlines() if line.startswith("import time:")}
    assert "hpack" in loaded
    assert "google.protobuf" in loaded
    found = [name for name in loaded if any(name == each or name.startswith(f"{each}.") for each in FORBIDDEN)]
    assert not found
