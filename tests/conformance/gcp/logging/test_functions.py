"""What functions of all three clouds print, read through Cloud Logging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions

from fogbank.runtimes.model import Line, Printed
from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.gcp.conftest import REGION, deploy
from tests.conformance.gcp.test_functions_v1 import create
from tests.conformance.gcp.test_serving import call

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.gcp.logging.conftest import Logs

PRINTS = """
import functions_framework, json

@functions_framework.http
def hello(request):
    print("plain text")
    print(json.dumps({
        "severity": "ERROR", "message": "structured", "count": 1, "logging.googleapis.com/labels": {"own": "label"},
        "logging.googleapis.com/trace": "projects/p/traces/t", "httpRequest": {"status": 500}, "time": "not a time",
    }))
    return request.headers["Function-Execution-Id"]
"""


def test_a_function_of_the_second_generation(
    grpc_logs: Logs, make_client: Callable[..., Any], parent: str, project: str
) -> None:
    made = deploy(make_client("v2", "grpc"), parent, "prints", PRINTS)
    execution = call(made.url).body.decode()
    query = f'resource.type="cloud_run_revision" labels.execution_id="{execution}"'
    text, structured = wait_for(lambda: len(found := grpc_logs.found(query)) == 2 and found)
    assert (text.log_name, text.text_payload) == (grpc_logs.name("run.googleapis.com%2Fstdout"), "plain text")
    labels = dict(text.resource.labels)
    assert labels.pop("revision_name").startswith("prints-")
    assert labels == {
        "project_id": project,
        "location": REGION,
        "service_name": "prints",
        "configuration_name": "prints",
    }
    assert text.labels["instanceId"]
    assert (structured.severity, structured.trace) == (500, "projects/p/traces/t")
    assert dict(structured.json_payload) == {"message": "structured", "count": 1, "time": "not a time"}
    assert (structured.labels["own"], structured.http_request.status) == ("label", 500)
    assert [entry.severity for entry in grpc_logs.found(f"{query} severity>=ERROR")] == [500]


def test_a_function_of_the_first_generation(
    grpc_logs: Logs, make_client: Callable[..., Any], parent: str, project: str
) -> None:
    client = make_client("v1", "grpc")
    create(client, parent, "first", code=PRINTS)
    answer = client.call_function(request={"name": f"{parent}/functions/first", "data": "{}"})
    query = 'log_id("cloudfunctions.googleapis.com/cloud-functions") "plain text"'
    (entry,) = wait_for(lambda: grpc_logs.found(query))
    assert entry.resource.type == "cloud_function"
    assert dict(entry.resource.labels) == {"project_id": project, "region": REGION, "function_name": "first"}
    assert entry.labels["execution_id"] == answer.execution_id


def test_other_clouds_logs_are_read_by_their_names(grpc_logs: Logs, server: ThreadedServer) -> None:
    async def print_lines() -> None:
        for cloud, place, line in (("aws", "eu-west-1", "[ERROR]\tlambda"), ("azure", "app", "z   [Warning]   app")):
            group = (f"{cloud}/{grpc_logs.project}/{place}", f"/{cloud}/functions/mine")
            server.app.logs.take(Printed(group, "instance", [Line(server.app.clock.now(), line)], "run-1"))

    server.call(print_lines())
    name = grpc_logs.name(f"aws%2F{grpc_logs.project}%2Feu-west-1%2F%2Faws%2Ffunctions%2Fmine")
    (entry,) = wait_for(lambda: grpc_logs.found(f'logName="{name}" severity>=ERROR labels.execution_id="run-1"'))
    assert (entry.log_name, entry.text_payload, entry.resource.type) == (name, "[ERROR]\tlambda", "generic_task")
    assert entry.resource.labels["task_id"] == "instance"
    (entry,) = wait_for(lambda: grpc_logs.found(f'log_id("azure/{grpc_logs.project}/app//azure/functions/mine")'))
    assert (entry.severity, entry.text_payload) == (400, "z   [Warning]   app")
    assert grpc_logs.found("lambda OR app") == []
    with pytest.raises(exceptions.InvalidArgument, match="belongs to another cloud"):
        grpc_logs.write({"log_name": name, "text_payload": "x"})
