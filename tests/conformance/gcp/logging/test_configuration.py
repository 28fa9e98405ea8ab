"""Buckets, views, sinks and types of resources through Google's own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions

if TYPE_CHECKING:
    from tests.conformance.gcp.logging.conftest import Logs


def test_the_two_buckets_and_what_leads_there(grpc_logs: Logs) -> None:
    parent = f"projects/{grpc_logs.project}"
    there = f"{parent}/locations/global/buckets"
    buckets = list(grpc_logs.config.list_buckets(parent=f"{parent}/locations/-"))
    told = [(bucket.name, bucket.retention_days, bucket.locked, bucket.lifecycle_state.name) for bucket in buckets]
    assert told == [(f"{there}/_Default", 30, False, "ACTIVE"), (f"{there}/_Required", 400, True, "ACTIVE")]
    assert grpc_logs.config.get_bucket(request={"name": f"{there}/_Required"}) == buckets[1]
    assert list(grpc_logs.config.list_buckets(parent=f"{parent}/locations/us-east1")) == []
    views = [view.name for view in grpc_logs.config.list_views(parent=f"{there}/_Default")]
    assert views == [f"{there}/_Default/views/_AllLogs", f"{there}/_Default/views/_Default"]
    assert (
        grpc_logs.config.get_view(request={"name": views[1]}).filter
        == 'NOT LOG_ID("cloudaudit.googleapis.com/data_access")'
    )
    sinks = {sink.name: sink for sink in grpc_logs.config.list_sinks(parent=parent)}
    assert sinks["_Default"].destination == f"logging.googleapis.com/{there}/_Default"
    assert grpc_logs.config.get_sink(sink_name=f"{parent}/sinks/_Required") == sinks["_Required"]
    assert list(grpc_logs.config.list_exclusions(parent=parent)) == []
    assert list(grpc_logs.config.list_links(parent=f"{there}/_Default")) == []
    for missing in (f"{there}/mine", f"{there}/_Default/views/mine"):
        with pytest.raises(exceptions.NotFound):
            (grpc_logs.config.get_view if "views" in missing else grpc_logs.config.get_bucket)({"name": missing})


def test_sinks_are_true(grpc_logs: Logs) -> None:
    """What the two sinks say is where entries are: each sink's filter finds those of its bucket."""
    parent = f"projects/{grpc_logs.project}"
    grpc_logs.write({"text_payload": "audit"}, log_id="cloudaudit.googleapis.com%2Factivity")
    grpc_logs.write({"text_payload": "mine"})
    for sink in grpc_logs.config.list_sinks(parent=parent):
        view = f"{sink.destination.removeprefix('logging.googleapis.com/')}/views/_AllLogs"
        found = grpc_logs.texts(resource_names=[view])
        assert found == grpc_logs.texts(sink.filter) == [{"_Default": "mine", "_Required": "audit"}[sink.name]]
    assert grpc_logs.texts() == ["audit", "mine"]
    grpc_logs.write({"text_payload": "data"}, log_id="cloudaudit.googleapis.com%2Fdata_access")
    views = f"{parent}/locations/global/buckets/_Default/views"
    assert grpc_logs.texts(resource_names=[f"{views}/_Default"]) == ["mine"]
    assert grpc_logs.texts(resource_names=[f"{views}/_AllLogs"]) == ["mine", "data"]
    with pytest.raises(exceptions.InvalidArgument, match="_Required"):
        grpc_logs.api.delete_log(log_name=grpc_logs.name("cloudaudit.googleapis.com%2Factivity"))


def test_over_http(logs: Logs) -> None:
    logs.client._use_grpc = False
    assert [sink.name for sink in logs.client.list_sinks()] == ["_Default", "_Required"]


def test_types_of_resources(grpc_logs: Logs) -> None:
    found = list(grpc_logs.api.list_monitored_resource_descriptors(request={"page_size": 2}))
    assert [each.type for each in found] == ["cloud_function", "cloud_run_revision", "generic_task", "global"]
    assert [label.key for label in found[3].labels] == ["project_id"]
