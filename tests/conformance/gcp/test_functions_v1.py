"""google.cloud.functions.v1 by Google's client, over gRPC and REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud import functions_v1

from tests.conformance.gcp.conftest import HELLO, REGION, archive, deploy, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer


def create(client: Any, parent: str, name: str, **settings: Any) -> Any:
    """Create a function; returns it."""
    url = client.generate_upload_url(request={"parent": parent}).upload_url
    put(url, archive(main=settings.pop("code", HELLO)))
    made = {
        "name": f"{parent}/functions/{name}",
        "runtime": "python311",
        "entry_point": "hello",
        "https_trigger": {},
        "source_upload_url": url,
        **settings,
    }
    return client.create_function(location=parent, function=made).result(timeout=20)


def test_a_functions_life(client_v1: Any, parent: str, project: str, server: ThreadedServer) -> None:
    made = create(client_v1, parent, "Hello_1", environment_variables={"A": "b"}, max_instances=3)
    assert made.status is functions_v1.CloudFunctionStatus.ACTIVE
    assert made.https_trigger.url == f"{server.url}/{REGION}-{project}/Hello_1"
    assert (made.version_id, made.timeout.seconds, made.available_memory_mb) == (1, 60, 256)
    assert client_v1.get_function(name=made.name) == made
    given = {"name": made.name, "timeout": "90s", "available_memory_mb": 512}
    mask = {"paths": ["timeout"]}
    after = client_v1.update_function(request={"function": given, "update_mask": mask}).result(timeout=20)
    assert (after.version_id, after.timeout.seconds, after.available_memory_mb) == (2, 90, 256)
    assert [each.name for each in client_v1.list_functions(request={"parent": parent})] == [made.name]
    client_v1.delete_function(name=made.name).result(timeout=20)
    with pytest.raises(exceptions.NotFound):
        client_v1.get_function(name=made.name)


def test_operations_have_names_without_a_project(client_v1: Any, parent: str) -> None:
    url = client_v1.generate_upload_url(request={"parent": parent}).upload_url
    put(url, archive(other=""))
    made = {"name": f"{parent}/functions/f", "runtime": "python311", "source_upload_url": url}
    future = client_v1.create_function(location=parent, function=made)
    name = future.operation.name
    assert name.startswith("operations/")
    operation = client_v1.get_operation(request={"name": name})
    assert (operation.done, operation.error.code) == (True, 3)
    assert "missing main.py" in operation.error.message
    metadata = functions_v1.OperationMetadataV1.deserialize(operation.metadata.value)
    assert metadata.type_ is functions_v1.OperationType.CREATE_FUNCTION


def test_the_generations_dont_see_each_other(client_v1: Any, make_client: Callable[..., Any], parent: str) -> None:
    second = make_client("v2", "grpc")
    create(client_v1, parent, "first")
    deploy(second, parent, "second")
    assert [each.name.rpartition("/")[2] for each in client_v1.list_functions(request={"parent": parent})] == ["first"]
    assert [each.name.rpartition("/")[2] for each in second.list_functions(parent=parent)] == ["second"]
    with pytest.raises(exceptions.NotFound):
        second.get_function(name=f"{parent}/functions/first")
    with pytest.raises(exceptions.Conflict):
        deploy(second, parent, "first")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"available_memory_mb": 300}, "300 MB"),
        ({"timeout": "541s"}, "timeout"),
        ({"https_trigger": None, "event_trigger": {"event_type": "x", "resource": "y"}}, "event_trigger"),
        ({"vpc_connector": "x"}, "vpc_connector"),
        ({"network": "x"}, "network"),
        ({"min_instances": 4, "max_instances": 3}, "min_instances"),
        ({"source_upload_url": "https://example.com/x"}, "GenerateUploadUrl"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client_v1: Any, parent: str, settings: dict[str, Any], what: str) -> None:
    with pytest.raises((exceptions.BadRequest, exceptions.MethodNotImplemented), match=what):
        create(client_v1, parent, "refused", **settings)
    assert not list(client_v1.list_functions(request={"parent": parent}))
