"""Nothing is left over of what is beside functions, of streams that break off, and of snapshots."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.extension_layers import publish_extension
from tests.conformance.aws.functions import deploy, zipped
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.aws.test_lambda_robustness import left_over
from tests.conformance.aws.test_lambda_runtimes import create
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTENSION = """
    me = register("INVOKE", "SHUTDOWN")[1]["Lambda-Extension-Identifier"]
    call("PUT", "/2022-07-01/telemetry", {"schemaVersion": "2022-12-13", "types": ["platform"],
         "destination": {"protocol": "HTTP", "URI": "http://localhost:1"}}, Lambda_Extension_Identifier=me)
    while ask(me)[2]["eventType"] != "SHUTDOWN":
        pass
"""
STREAM = """
    exports.handler = awslambda.streamifyResponse(async (event, stream) => {
        for (let part = 0; part < 50; part++) await new Promise((go) => stream.write("x".repeat(50000), go));
        stream.end();
    });
"""
SNAPSHOT = "import os\ndef handler(event, context):\n    if event: os._exit(1)"


@pytest.fixture
def server() -> Iterator[ThreadedServer]:
    with ThreadedServer(Settings(port=0, memory=True)) as running:
        yield running


def round_of_all(lambda_: Any) -> None:
    layer = publish_extension(lambda_, EXTENSION)
    deploy(lambda_, "beside", "def handler(event, context):\n    while event: pass", Layers=[layer], Timeout=1)
    invoke(lambda_, name="beside", event={})
    invoke(lambda_, name="beside", event=[1])
    for _ in range(2):
        invoke(lambda_, name="beside", event={})
    deploy(
        lambda_, "snapshot", SNAPSHOT, Runtime="python3.12", SnapStart={"ApplyOn": "PublishedVersions"}, Publish=True
    )
    for event in ({}, [1], {}, [1], {}):
        invoke(lambda_, name="snapshot", event=event, Qualifier="1")
    lambda_.update_function_code(FunctionName="snapshot", ZipFile=zipped(SNAPSHOT + "\n"), Publish=True)
    invoke(lambda_, name="snapshot", event={}, Qualifier="2")
    if shutil.which("node") is not None:
        create(lambda_, "nodejs20.x", {"index.js": STREAM})
        for _ in range(3):
            broken = lambda_.invoke_with_response_stream(FunctionName="f", Payload=json.dumps({}))["EventStream"]
            next(iter(broken))
            broken.close()
        lambda_.delete_function(FunctionName="f")
    for name in ("beside", "snapshot"):
        lambda_.delete_function(FunctionName=name)


def test_nothing_is_left_over(server: ThreadedServer, account: str) -> None:
    lambda_ = boto3_client(server, account)("lambda")
    round_of_all(lambda_)
    stems = server.app.runner._nursery
    wait_for(lambda: left_over(server)["folders"] == 0 and not stems._filling)
    before = left_over(server)
    round_of_all(lambda_)
    # Stems are made again a little after they were taken.
    wait_for(lambda: _about(left_over(server), before), seconds=20)


def _about(now: dict[str, int], before: dict[str, int]) -> bool:
    return now["folders"] == 0 and all(now[name] <= before[name] for name in ("processes", "groups", "descriptors"))
