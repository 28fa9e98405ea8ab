"""In the place of LocalStack: its variables, endpoints, host names and tools."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest

from fogbank import __version__
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


def ask(url: str, method: str, path: str, body: str = "", host: str = "") -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, path, body, {"Host": host} if host else {})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    # As test containers start the image, but for the port.
    environment = {
        "SERVICES": "sqs,sns,s3",
        "LOCALSTACK_HOST": "127.0.0.1",
        "HOSTNAME_EXTERNAL": "localhost",
        "DEFAULT_REGION": "us-east-1",
        "PERSISTENCE": "0",
        "LAMBDA_RUNTIME_EXECUTOR": "local",
    }
    with ServerProcess(environment=environment) as running:
        yield running


def test_it_says_what_is_not_here_and_that_it_is_ready(server: ServerProcess) -> None:
    assert server.lines[-1] == "Ready."
    text = "\n".join(server.lines)
    assert "Note         SERVICES: there is no s3 here" in text
    assert "Note         LAMBDA_RUNTIME_EXECUTOR: functions run as processes" in text
    assert "sns here" not in text
    assert "in memory" in text


def test_health_and_info(server: ServerProcess) -> None:
    status, health = ask(server.url, "GET", "/_localstack/health")
    assert (status, health["edition"], health["version"]) == (200, "community", __version__)
    assert health["services"]["sqs"] == "running"
    status, info = ask(server.url, "GET", "/_localstack/info")
    assert (status, info["is_license_activated"], info["edition"]) == (200, False, "community")
    assert info["uptime"] >= 0
    status, answer = ask(server.url, "POST", "/_localstack/health", '{"action": "restart"}')
    assert (status, answer) == (501, {"error": "Fogbank does not support the action restart of /_localstack/health."})
    assert ask(server.url, "GET", "/_localstack/diagnose")[0] == 404


def test_init_hooks_are_told_of(tmp_path: Path) -> None:
    ready = tmp_path / ".fogbank" / "init" / "ready.d"
    ready.mkdir(parents=True)
    (ready / "one.py").write_text("print('one')\n")
    (ready / "two.sh").write_text("#!/bin/sh\nexit 3\n")
    (ready / "two.sh").chmod(0o755)
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        running = ServerProcess("--memory")
    finally:
        os.chdir(before)
    with running:
        status, init = ask(running.url, "GET", "/_localstack/init")
        assert status == 200
        assert init["completed"] == {"BOOT": True, "START": True, "READY": True, "SHUTDOWN": False}
        assert init["scripts"] == [
            {"stage": "READY", "name": "one.py", "state": "SUCCESSFUL"},
            {"stage": "READY", "name": "two.sh", "state": "ERROR"},
        ]
        assert ask(running.url, "GET", "/_localstack/init/ready")[1] == {"completed": True, "scripts": init["scripts"]}
        assert ask(running.url, "GET", "/_localstack/init/boot")[1] == {"completed": True, "scripts": []}
        assert ask(running.url, "GET", "/_localstack/init/none")[0] == 404


def sqs_of(url: str, key: str = "test") -> Any:
    return boto3.client(
        "sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key="test"
    )


def test_its_credentials_are_the_account_of_zeros(server: ServerProcess) -> None:
    sqs = sqs_of(server.url)
    url = sqs.create_queue(QueueName="mine")["QueueUrl"]
    assert url == f"{server.url}/000000000000/mine"
    assert sqs_of(server.url, "000000000000").list_queues()["QueueUrls"] == [url]


def test_the_state_is_reset(server: ServerProcess) -> None:
    sqs = sqs_of(server.url)
    sqs.create_queue(QueueName="gone")
    assert ask(server.url, "POST", "/_localstack/state/reset") == (200, {})
    assert "QueueUrls" not in sqs.list_queues()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("", "http://{host}/000000000000/q"),
        ("dynamic", "http://{host}/000000000000/q"),
        ("standard", "http://sqs.eu-west-1.localhost.localstack.cloud:{port}/000000000000/q"),
        ("domain", "http://eu-west-1.queue.localhost.localstack.cloud:{port}/000000000000/q"),
        ("path", "http://{host}/queue/eu-west-1/000000000000/q"),
    ],
)
def test_queue_urls_of_each_strategy_are_understood(strategy: str, expected: str) -> None:
    with ServerProcess("--memory", environment={"SQS_ENDPOINT_STRATEGY": strategy} if strategy else {}) as running:
        port = urlsplit(running.url).port
        host = f"sqs.eu-west-1.localhost.localstack.cloud:{port}"
        sqs = boto3.client("sqs", endpoint_url=running.url, region_name="eu-west-1", **KEYS)
        sqs.meta.events.register("before-send.sqs", lambda request, **_: request.headers.__setitem__("Host", host))
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        assert url == expected.format(host=host, port=port)
        assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == sqs.list_queues()["QueueUrls"][0] == url
        elsewhere = boto3.client("sqs", endpoint_url=running.url, region_name="us-east-1", **KEYS)
        if strategy in ("standard", "domain", "path"):
            # The region in the URL counts.
            elsewhere.send_message(QueueUrl=url, MessageBody="x")
            assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x"


def test_awslocal(server: ServerProcess) -> None:
    program = shutil.which("awslocal", path=str(Path(sys.executable).parent))
    assert program is not None, "awscli-local is one of the development dependencies"
    place = server.url.removeprefix("http://")
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/nonexistent"}
    for variables in ({"LOCALSTACK_HOST": place}, {"AWS_ENDPOINT_URL": server.url}):
        command = [program, "sqs", "create-queue", "--queue-name", "by-awslocal"]
        done = subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["QueueUrl"] == f"{server.url}/000000000000/by-awslocal"
