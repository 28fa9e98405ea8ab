"""google.cloud.functions.v2 by Google's client, over gRPC and REST: deploying, changing, listing, deleting."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud import functions_v2

from tests.conformance.gcp.conftest import HELLO, REGION, archive, deploy, function, put, upload

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer


def test_a_function_is_made_of_an_upload(client: Any, parent: str, project: str, server: ThreadedServer) -> None:
    made = deploy(client, parent, "hello", available_memory="512Mi", environment_variables={"A": "b"})
    assert made.name == f"{parent}/functions/hello"
    assert made.state is functions_v2.Function.State.ACTIVE
    assert made.environment is functions_v2.Environment.GEN_2
    assert made.url == made.service_config.uri == f"{server.url}/{REGION}-{project}/hello"
    assert made.service_config.revision.startswith("hello-00001-")
    assert made.service_config.environment_variables == {"A": "b"}
    assert (made.service_config.timeout_seconds, made.service_config.max_instance_count) == (60, 100)
    assert made.update_time == made.create_time
    assert client.get_function(name=made.name) == made


def test_operations_tell_what_became_of_it(client: Any, parent: str) -> None:
    deploy(client, parent, "told")
    listed = list(client.list_operations(request={"name": parent}).operations)
    assert len(listed) == 1
    operation = client.get_operation(request={"name": listed[0].name})
    assert operation.done
    metadata = functions_v2.OperationMetadata.deserialize(operation.metadata.value)
    assert (metadata.verb, metadata.target) == ("create", f"{parent}/functions/told")
    assert functions_v2.Function.deserialize(operation.response.value).name == f"{parent}/functions/told"
    with pytest.raises(exceptions.NotFound):
        client.get_operation(request={"name": f"{parent}/operations/nothing"})


def test_a_function_is_made_of_a_folder(client: Any, parent: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(HELLO)
    made = function()
    made["build_config"]["source"] = {"storage_source": {"bucket": "hot-reload", "object": str(tmp_path)}}
    operation = client.create_function(request={"parent": parent, "function_id": "local", "function": made})
    assert operation.result(timeout=20).build_config.source.storage_source.object == str(tmp_path)
    with pytest.raises(exceptions.BadRequest):
        client.generate_download_url(request={"name": f"{parent}/functions/local"})


def test_the_source_can_be_downloaded(client: Any, parent: str) -> None:
    deploy(client, parent, "source")
    url = client.generate_download_url(request={"name": f"{parent}/functions/source"}).download_url
    with urllib.request.urlopen(url) as answer:
        assert answer.read()[:2] == b"PK"


def test_a_mask_says_what_is_changed(client: Any, parent: str) -> None:
    before = deploy(client, parent, "changed", timeout_seconds=30, environment_variables={"A": "1", "B": "2"})
    given = {
        "name": before.name,
        "description": "new",
        "service_config": {"timeout_seconds": 45, "environment_variables": {"A": "3"}, "available_memory": "1Gi"},
    }
    mask = {"paths": ["description", "service_config.environment_variables", "service_config.timeout_seconds"]}
    after = client.update_function(request={"function": given, "update_mask": mask}).result(timeout=20)
    assert (after.description, after.service_config.timeout_seconds) == ("new", 45)
    assert after.service_config.environment_variables == {"A": "3"}
    assert after.service_config.available_memory == before.service_config.available_memory == "256M"
    assert after.build_config.source == before.build_config.source
    assert after.service_config.revision.startswith("changed-00002-")
    assert after.create_time == before.create_time


def test_without_a_mask_everything_is_changed(client: Any, parent: str) -> None:
    before = deploy(client, parent, "whole", timeout_seconds=30)
    given = function(available_memory="1Gi") | {"name": before.name}
    given["build_config"]["source"] = {
        "storage_source": upload(client, parent, archive(main=HELLO, other="")).storage_source
    }
    after = client.update_function(request={"function": given}).result(timeout=20)
    assert (after.service_config.timeout_seconds, after.service_config.available_memory) == (60, "1Gi")
    assert after.build_config.source.storage_source.object_ != before.build_config.source.storage_source.object_


def test_lists_come_in_pages_of_all_regions(client: Any, parent: str, project: str) -> None:
    for name in ("c", "a", "b"):
        deploy(client, parent, name)
    deploy(client, parent.replace(REGION, "europe-west1"), "z")
    assert [each.name.rpartition("/")[2] for each in client.list_functions(parent=parent)] == ["a", "b", "c"]
    everywhere = client.list_functions(request={"parent": f"projects/{project}/locations/-", "page_size": 2})
    pages = [[each.name.rpartition("/")[2] for each in page.functions] for page in everywhere.pages]
    assert pages == [["z", "a"], ["b", "c"]]
    with pytest.raises(exceptions.BadRequest):
        list(client.list_functions(request={"parent": parent, "page_token": "%%%"}))


def test_filters(client: Any, parent: str) -> None:
    deploy(client, parent, "f")
    for words in ('environment="GEN_2"', "environment=GEN_2"):
        assert len(list(client.list_functions(request={"parent": parent, "filter": words}))) == 1
    for other in ({"filter": 'environment="GEN_1"'}, {"filter": "name:f"}, {"order_by": "name"}):
        with pytest.raises(exceptions.MethodNotImplemented, match=next(iter(other))):
            list(client.list_functions(request={"parent": parent, **other}))


def test_deleted_is_gone(client: Any, parent: str) -> None:
    made = deploy(client, parent, "gone")
    client.delete_function(name=made.name).result(timeout=20)
    with pytest.raises(exceptions.NotFound, match="was not found"):
        client.get_function(name=made.name)
    with pytest.raises(exceptions.NotFound):
        client.delete_function(name=made.name)
    deploy(client, parent, "gone")


def test_a_name_is_taken_once(client: Any, parent: str) -> None:
    deploy(client, parent, "once")
    with pytest.raises(exceptions.Conflict):
        deploy(client, parent, "once")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"runtime": "go122"}, "go122"),
        ({"runtime": "cobol"}, "cobol"),
        ({"runtime": ""}, "Runtime"),
        ({"timeout_seconds": 3_601}, "timeout_seconds"),
        ({"available_memory": "much"}, "available_memory"),
        ({"available_memory": "64Mi"}, "available_memory"),
        ({"available_cpu": "99"}, "available_cpu"),
        ({"max_instance_request_concurrency": 80}, "concurrency"),
        ({"max_instance_request_concurrency": 1_001, "available_cpu": "1"}, "concurrency"),
        ({"min_instance_count": 5, "max_instance_count": 4}, "min_instance_count"),
        ({"environment_variables": {"K_SERVICE": "x"}}, "K_SERVICE"),
        ({"environment_variables": {"a-b": "x"}}, "a-b"),
        ({"vpc_connector": "x"}, "vpc_connector"),
        ({"secret_environment_variables": [{"key": "A"}]}, "secret_environment_variables"),
    ],
)
def test_what_cannot_be_is_refused_by_name(client: Any, parent: str, settings: dict[str, Any], what: str) -> None:
    with pytest.raises((exceptions.BadRequest, exceptions.MethodNotImplemented), match=what):
        deploy(client, parent, "refused", **settings)
    assert not list(client.list_functions(parent=parent))


def test_event_triggers_are_refused_by_name(client: Any, parent: str) -> None:
    made = function() | {"event_trigger": {"event_type": "google.cloud.storage.object.v1.finalized"}}
    with pytest.raises(exceptions.MethodNotImplemented, match="event_trigger"):
        client.create_function(request={"parent": parent, "function_id": "f", "function": made})


@pytest.mark.parametrize("name", ["Hello", "1st", "a_b", "a-", "x" * 64])
def test_names_that_cannot_be(client: Any, parent: str, name: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="function id"):
        client.create_function(request={"parent": parent, "function_id": name, "function": function()})


def test_places_that_are_not_there(client: Any, project: str) -> None:
    with pytest.raises(exceptions.Forbidden, match="or it may not exist"):
        list(client.list_functions(parent=f"projects/{project}/locations/atlantis1"))
    with pytest.raises(exceptions.BadRequest):
        list(client.list_functions(parent=f"projects/X/locations/{REGION}"))


def test_sources_that_cannot_be(client: Any, parent: str) -> None:
    def create(source: dict[str, Any]) -> Any:
        made = function()
        made["build_config"]["source"] = source
        return client.create_function(request={"parent": parent, "function_id": "f", "function": made})

    with pytest.raises(exceptions.MethodNotImplemented, match="Cloud Storage"):
        create({"storage_source": {"bucket": "mine", "object": "code.zip"}})
    with pytest.raises(exceptions.MethodNotImplemented, match="repo_source"):
        create({"repo_source": {"repo_name": "x"}})
    with pytest.raises(exceptions.BadRequest, match="/not/there"):
        create({"storage_source": {"bucket": "hot-reload", "object": "/not/there"}})
    with pytest.raises(exceptions.BadRequest, match=r"storage_source\.object"):
        create({"storage_source": {"bucket": "hot-reload"}})
    nothing_there = client.generate_upload_url(request={"parent": parent}).storage_source
    with pytest.raises(exceptions.BadRequest, match="does not exist"):
        create({"storage_source": nothing_there})
    # As on Google, these are told by the operation: it is the build that fails.
    for data, why in ((b"no zip", "unpacked"), (archive(other=""), "missing main.py")):
        operation = create({"storage_source": upload(client, parent, data).storage_source})
        with pytest.raises(exceptions.GoogleAPICallError, match=why):
            operation.result(timeout=20)
    assert not list(client.list_functions(parent=parent))


def test_uploads_go_where_they_were_offered_only(
    client: Any, parent: str, project: str, server: ThreadedServer
) -> None:
    url = f"{server.url}/gcf-v2-uploads-{project}.{REGION}.cloudfunctions.appspot.com/made-up.zip"
    with pytest.raises(urllib.error.HTTPError) as raised:
        put(url, b"x")
    assert raised.value.code == 403
    assert b"<Code>AccessDenied</Code>" in raised.value.read()
    offered = client.generate_upload_url(request={"parent": parent}).upload_url
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(offered)
    assert raised.value.code == 405
    raised.value.close()


def test_runtimes(client: Any, parent: str) -> None:
    runtimes = {each.name: each.display_name for each in client.list_runtimes(parent=parent).runtimes}
    assert runtimes["python311"] == "Python 3.11"
    with pytest.raises(exceptions.MethodNotImplemented, match="filter"):
        client.list_runtimes(request={"parent": parent, "filter": "name=x"})


def test_locations(client: Any, project: str) -> None:
    found = client.list_locations(request={"name": f"projects/{project}"})
    assert REGION in {each.location_id for each in found.locations}


def test_methods_that_fogbank_has_not(client: Any, parent: str) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        client.get_iam_policy(request={"resource": f"{parent}/functions/f"})
