"""Functions that documents set off, and Eventarc's triggers on documents, through Google's own clients."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1 import types

from tests.conformance.gcp.conftest import archive, function, put, upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.gcp.test_event_triggers import World

# What a function gets it publishes, to be looked at: what it prints can't be waited for.
CODE = """
import base64, json, os, urllib.request
import functions_framework

def tell(**facts):
    data = base64.b64encode(json.dumps(facts).encode()).decode()
    body = json.dumps({"messages": [{"data": data}]}).encode()
    url = os.environ["FOGBANK"] + "/v1/" + os.environ["TOPIC"] + ":publish"
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})).read()

@functions_framework.cloud_event
def on_event(event):
    tell(data=base64.b64encode(event.data).decode(), **{name: event[name] for name in event.get_attributes()})

def on_document(data, context):
    tell(data=data, kind=context.event_type, resource=str(context.resource), id=context.event_id)
"""
STEM = "google.cloud.firestore.document.v1."


def _deploy(client: Any, parent: str, world: World, kind: str, **filters: Any) -> Any:
    made = function(entry_point="on_event", environment_variables=world.environment)
    made["build_config"]["source"] = {"storage_source": upload(client, parent, archive(main=CODE)).storage_source}
    pattern = {"attribute": "document", "operator": "match-path-pattern", "value": filters.pop("document", "users/{u}")}
    every = [{"attribute": name, "value": value} for name, value in {"database": "(default)", **filters}.items()]
    made["event_trigger"] = {"event_type": kind, "event_filters": [*every, pattern]}
    request = {"parent": parent, "function_id": "listener", "function": made}
    return client.create_function(request=request).result(timeout=20)


def test_a_document_sets_a_function_off(
    make_client: Callable[..., Any],
    parent: str,
    world: World,
    db: Any,
) -> None:
    client = make_client("v2", "grpc")
    made = _deploy(client, parent, world, STEM + "updated")
    assert made.event_trigger.event_filters[1].value == "users/{u}"
    user = db.document("users/ann")
    user.set({"n": 1, "m": {"a": 1, "b": 2}})
    db.document("users/ann/notes/x").set({"n": 1})
    db.document("users/ann/notes/x").update({"n": 2})
    user.update({"n": 1})
    user.update({"n": 2, "m.b": 3})
    told = world.next()
    assert told["type"] == STEM + "updated"
    assert told["source"] == f"//firestore.googleapis.com/projects/{db.project}/databases/(default)"
    assert (told["subject"], told["document"]) == ("documents/users/ann", "users/ann")
    # DocumentEventData: value 1, old_value 2, update_mask 3. A write request has documents in the same places.
    data = base64.b64decode(told["data"])
    value = types.Document.deserialize(_part(data, 1))
    assert value.name == f"{db._database_string}/documents/users/ann"
    assert value.fields["n"].integer_value == 2
    assert types.Document.deserialize(_part(data, 2)).fields["n"].integer_value == 1
    assert list(types.DocumentMask.deserialize(_part(data, 3)).field_paths) == ["m.b", "n"]
    client.delete_function(name=made.name).result(timeout=20)
    user.update({"n": 3})
    assert world.pubsub.is_empty(world.inbox)


def _part(data: bytes, number: int) -> bytes:
    """Return a field of a message by its number."""
    at = 0
    while at < len(data):
        tag, at = data[at], at + 1
        length = shift = 0
        while True:
            byte, at = data[at], at + 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                break
        if tag >> 3 == number:
            return data[at : at + length]
        at += length
    return b""


def test_what_cannot_be_a_trigger(
    make_client: Callable[..., Any],
    parent: str,
    world: World,
) -> None:
    client = make_client("v2", "grpc")
    with pytest.raises(exceptions.MethodNotImplemented, match=r"written\.withAuthContext"):
        _deploy(client, parent, world, STEM + "written.withAuthContext")
    with pytest.raises(exceptions.InvalidArgument, match="no attribute 'colour'"):
        _deploy(client, parent, world, STEM + "written", colour="red")
    assert list(client.list_functions(parent=parent)) == []


def test_a_function_of_the_first_generation(
    make_client: Callable[..., Any],
    parent: str,
    world: World,
    db: Any,
) -> None:
    client = make_client("v1", "grpc")
    url = client.generate_upload_url(request={"parent": parent}).upload_url
    put(url, archive(main=CODE))
    made = {
        "name": f"{parent}/functions/listener",
        "runtime": "python311",
        "entry_point": "on_document",
        "source_upload_url": url,
        "environment_variables": world.environment,
        "event_trigger": {
            "event_type": "providers/cloud.firestore/eventTypes/document.write",
            "resource": f"{db._database_string}/documents/users/{{user}}",
        },
    }
    shown = client.create_function(location=parent, function=made).result(timeout=20)
    assert shown.event_trigger.service == "firestore.googleapis.com"
    db.document("others/bob").set({})
    db.document("users/bob").set({"n": 1})
    told = world.next()
    assert told["kind"] == "providers/cloud.firestore/eventTypes/document.write"
    assert told["resource"].endswith("/documents/users/bob")
    assert told["data"]["value"]["fields"] == {"n": {"integerValue": "1"}}
    assert told["data"]["oldValue"] == {}
    db.document("users/bob").delete()
    assert world.next()["data"]["oldValue"]["fields"] == {"n": {"integerValue": "1"}}
    client.delete_function(name=made["name"]).result(timeout=20)
    assert [each.name for each in world.pubsub.publisher.list_topics(project=f"projects/{db.project}")] == sorted(
        [world.topic, world.told]
    )
