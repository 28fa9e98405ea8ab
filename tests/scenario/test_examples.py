"""The examples do what they are examples of."""

from __future__ import annotations

import base64
import http.client
import io
import json
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import pytest
from google.cloud import functions_v2
from PIL import Image

from examples.backup import deploy as backup
from examples.bootstraps import deploy as bootstraps
from examples.thumbnails import deploy as thumbnails
from examples.todo_api import deploy as todo_api
from tests.conformance.azure.conftest import Azure
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer


def ask(server: ThreadedServer, method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """Ask the server itself, whatever name the URL has."""
    parts, place = urlsplit(url), urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {"Host": parts.netloc, **headers})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_images_are_resized_behind_a_url(client: Callable[..., Any], server: ThreadedServer) -> None:
    url = thumbnails.deploy(client("lambda"))
    picture = io.BytesIO()
    Image.new("RGB", (640, 320), "navy").save(picture, "JPEG")
    status, body = ask(server, "POST", f"{url}?size=64", picture.getvalue(), **{"Content-Type": "image/jpeg"})
    assert status == 200
    assert Image.open(io.BytesIO(body)).size == (64, 32)
    assert ask(server, "POST", f"{url}?size=0", picture.getvalue(), **{"Content-Type": "image/jpeg"})[0] == 400
    status, body = ask(server, "POST", url, b"no image", **{"Content-Type": "image/png"})
    assert (status, json.loads(body)) == (415, {"message": "that is no image"})


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go: apt install golang-go")
def test_a_program_in_go_is_its_own_runtime(client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    bootstraps.deploy_go(lambda_)
    reply = lambda_.invoke(FunctionName="words", Payload=json.dumps({"text": "To be, or not to be"}), LogType="Tail")
    assert json.load(reply["Payload"]) == {"to": 2, "be": 2, "or": 1, "not": 1}
    assert "counted 4 words" in base64.b64decode(reply["LogResult"]).decode()
    reply = lambda_.invoke(FunctionName="words", Payload="{}")
    assert reply["FunctionError"] == "Unhandled"
    assert json.load(reply["Payload"]) == {"errorType": "Function.InvalidEvent", "errorMessage": "there is no text"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: there is none on PATH")
def test_a_shell_script_runs_functions_in_shell(client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    bootstraps.deploy_shell(lambda_)
    reply = lambda_.invoke(FunctionName="greet", Payload=json.dumps({"name": "Ada"}), LogType="Tail")
    assert json.load(reply["Payload"]) == {"greeting": "Hello, Ada"}
    assert "greeting Ada" in base64.b64decode(reply["LogResult"]).decode()
    reply = lambda_.invoke(FunctionName="greet", Payload="{}")
    assert reply["FunctionError"] == "Unhandled"
    assert json.load(reply["Payload"]) == {"errorType": "Function.Failed", "errorMessage": "there is no name"}
    lambda_.update_function_configuration(FunctionName="greet", Handler="missing.handler")
    reply = lambda_.invoke(FunctionName="greet", Payload="{}")
    assert json.load(reply["Payload"])["errorType"] == "Runtime.NoSuchFile"


def test_a_web_api(server: ThreadedServer) -> None:
    channel = grpc.insecure_channel(urlsplit(server.url).netloc)
    made = functions_v2.FunctionServiceClient
    functions = made(transport=made.get_transport_class("grpc")(channel=channel))
    url = todo_api.deploy(functions, "projects/example-todo/locations/us-central1")
    channel.close()

    def call(method: str, path: str, value: Any = None) -> tuple[int, Any]:
        body = None if value is None else json.dumps(value).encode()
        status, text = ask(server, method, url + path, body, **{"Content-Type": "application/json"})
        return status, json.loads(text)

    assert call("GET", "/tasks") == (200, [])
    assert call("POST", "/tasks", {"title": "write"}) == (201, {"id": 1, "title": "write", "done": False})
    assert call("POST", "/tasks", {})[0] == 400
    assert call("PUT", "/tasks/1", {"done": True}) == (200, {"id": 1, "title": "write", "done": True})
    assert call("DELETE", "/tasks/1")[0] == 200
    assert call("GET", "/tasks/1") == (404, {"error": "there is no task 1"})


def test_a_backup_is_made_every_night(timed_server: ThreadedServer, tmp_path: Path) -> None:
    source, folder = tmp_path / "shop.db", tmp_path / "copies"
    folder.mkdir()
    folder.chmod(0o777)
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE sale (item TEXT)")
        database.execute("INSERT INTO sale VALUES ('umbrella')")
    database.close()
    azure = Azure(timed_server)
    try:
        backup.deploy(azure.client, "shop", source, folder)
        for night in range(1, 10):
            # The clock starts at noon.
            timed_server.advance((15 if night == 1 else 24) * 3_600)
            wait_until(lambda: len(copies(folder)) == min(night, 7))  # noqa: B023 - waited for at once
            wait_until(lambda: timed_server.app.runner.running == 0)
    finally:
        azure.client.close()
    newest = sqlite3.connect(copies(folder)[-1])
    assert newest.execute("SELECT item FROM sale").fetchall() == [("umbrella",)]
    newest.close()


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("shop-*.db"))
