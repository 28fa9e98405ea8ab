"""Folders become functions: from the folder itself where the server can, zipped where it can't."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.cli.dev.lambda_api import LambdaApi, LambdaError, caller, pack
from fogbank.cli.dev.projects import FunctionSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakeLambda:
    """A server that notes what it is asked; `answers` are statuses and messages by method and path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.takes_folders = True
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.asked.append((self.command, self.path, body))
                status, message = fake.answers.get(f"{self.command} {self.path}", (200, ""))
                if "S3Bucket" in body.get("Code", body) and not fake.takes_folders:
                    status, message = 400, "Fogbank doesn't support Code.S3Bucket."
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps({"message": message}).encode())

            do_POST = do_PUT = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def fake() -> Iterator[FakeLambda]:
    made = FakeLambda()
    yield made
    made.close()


@pytest.fixture
def spec(tmp_path: Path) -> FunctionSpec:
    (tmp_path / "app.py").write_text("handler = None")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.pyc").write_text("")
    return FunctionSpec("f", tmp_path, "python3.12", "app.handler", 256, None, {"A1": "b"})


def test_functions_run_from_the_folder_where_the_server_can(fake: FakeLambda, spec: FunctionSpec) -> None:
    api = LambdaApi(fake.url, "111122223333", "eu-west-1")
    api.publish(spec)
    api.update_code(spec)
    code = {"S3Bucket": "hot-reload", "S3Key": str(spec.folder)}
    settings = {
        "Handler": "app.handler",
        "Runtime": "python3.12",
        "Role": "arn:aws:iam::111122223333:role/f",
        "MemorySize": 256,
        "Timeout": 3,
        "Environment": {"Variables": {"A1": "b"}},
    }
    functions = "/2015-03-31/functions"
    assert fake.asked == [
        ("POST", functions, {"FunctionName": "f", "Code": code, **settings}),
        ("PUT", f"{functions}/f/code", code),
    ]
    fake.asked.clear()
    fake.answers[f"POST {functions}"] = (409, "Function already exist: f")
    api.publish(spec)
    assert [(method, path) for method, path, _ in fake.asked] == [
        ("POST", functions),
        ("PUT", f"{functions}/f/configuration"),
        ("PUT", f"{functions}/f/code"),
    ]


def test_where_the_server_can_t_the_folder_is_zipped(fake: FakeLambda, spec: FunctionSpec) -> None:
    fake.takes_folders = False
    api = LambdaApi(fake.url)
    api.publish(spec)
    api.update_code(spec)
    assert len(fake.asked) == 3, "it is asked once only"
    for body in (fake.asked[1][2]["Code"], fake.asked[2][2]):
        with zipfile.ZipFile(io.BytesIO(b64decode(body["ZipFile"]))) as archive:
            assert archive.namelist() == ["app.py"]


def test_other_refusals_and_silence_are_errors(fake: FakeLambda, spec: FunctionSpec) -> None:
    fake.answers["POST /2015-03-31/functions"] = (400, "no such runtime")
    with pytest.raises(LambdaError, match="no such runtime"):
        LambdaApi(fake.url).publish(spec)
    with pytest.raises(LambdaError, match="No answer from"):
        LambdaApi("http://127.0.0.1:1").publish(spec)
    fake.takes_folders = False
    api = LambdaApi(fake.url)
    with pytest.raises(LambdaError):
        api.publish(spec)
    (spec.folder / "memory").symlink_to("/proc/self/mem")
    with pytest.raises(LambdaError, match="can't be read"):
        api.update_code(spec)


def test_permissions_are_packed_and_what_is_gone_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "bootstrap").write_text("#!/bin/sh")
    (tmp_path / "bootstrap").chmod(0o755)
    (tmp_path / "dangling").symlink_to("nothing")
    with zipfile.ZipFile(io.BytesIO(pack(tmp_path))) as archive:
        [entry] = archive.infolist()
        assert (entry.filename, entry.external_attr >> 16 & 0o777) == ("bootstrap", 0o755)


def test_the_caller_is_who_sdks_would_be() -> None:
    assert caller({}) == ("000000000000", "us-east-1")
    assert caller({"AWS_ACCESS_KEY_ID": "111122223333", "AWS_DEFAULT_REGION": "eu-west-1"}) == (
        "111122223333",
        "eu-west-1",
    )
    assert caller({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}) == (
        "000000000000",
        "a",
    )
