"""Google's own clients of a server, over gRPC and over REST, each in a project of its own."""

from __future__ import annotations

import io
import itertools
import os
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import functions_v1, functions_v2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

REGION = "us-central1"
HELLO = """
import functions_framework

@functions_framework.http
def hello(request):
    return f"Hello, {request.args.get('name', 'fog')}!"
"""
_projects = itertools.count(1)
CLIENTS = {"v1": functions_v1.CloudFunctionsServiceClient, "v2": functions_v2.FunctionServiceClient}


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"project-{os.getpid() % 100_000:05d}-{next(_projects)}"


@pytest.fixture
def parent(project: str) -> str:
    return f"projects/{project}/locations/{REGION}"


@pytest.fixture
def make_client(server: ThreadedServer) -> Iterator[Callable[..., Any]]:
    """`make_client("v2", "grpc")` makes a client of the functions API."""
    channels: list[grpc.Channel] = []

    def make(version: str, transport: str, url: str = server.url) -> Any:
        kind = CLIENTS[version]
        if transport == "rest":
            options = ClientOptions(api_endpoint=url)
            return kind(transport="rest", credentials=AnonymousCredentials(), client_options=options)
        channels.append(grpc.insecure_channel(url.removeprefix("http://")))
        return kind(transport=kind.get_transport_class("grpc")(channel=channels[-1]))

    yield make
    for channel in channels:
        channel.close()


@pytest.fixture(params=["grpc", "rest"])
def client(request: pytest.FixtureRequest, make_client: Callable[..., Any]) -> Any:
    """A client of the second generation's API, over each transport."""
    return make_client("v2", request.param)


@pytest.fixture(params=["grpc", "rest"])
def client_v1(request: pytest.FixtureRequest, make_client: Callable[..., Any]) -> Any:
    """A client of the first generation's API, over each transport."""
    return make_client("v1", request.param)


def archive(**files: str) -> bytes:
    """Return a zip file; `main="…"` is main.py."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(f"{name}.py", text)
    return buffer.getvalue()


def upload(client: Any, parent: str, data: bytes) -> Any:
    """Upload an archive as the API says; returns where it is."""
    offered = client.generate_upload_url(request={"parent": parent})
    put(offered.upload_url, data)
    return offered


def put(url: str, data: bytes) -> int:
    request = urllib.request.Request(url, data, {"Content-Type": "application/zip"}, method="PUT")
    with urllib.request.urlopen(request) as answer:
        return int(answer.status)


def function(runtime: str = "python311", entry_point: str = "hello", **service: Any) -> dict[str, Any]:
    """Return a function without its source."""
    return {"build_config": {"runtime": runtime, "entry_point": entry_point}, "service_config": service}


def deploy(client: Any, parent: str, name: str, code: str = HELLO, **settings: Any) -> Any:
    """Create a function from code; returns it."""
    made = function(**settings)
    made["build_config"]["source"] = {"storage_source": upload(client, parent, archive(main=code)).storage_source}
    operation = client.create_function(request={"parent": parent, "function_id": name, "function": made})
    return operation.result(timeout=20)
