"""Whatever is sent to queues and Event Grid, the answer is no internal error."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.clouds.azure.eventgrid.service import OPERATIONS
from fogbank.clouds.azure.eventgrid.subscriptions.destinations import _READERS
from fogbank.clouds.azure.eventgrid.subscriptions.event_subscriptions import _FILTER, _PROPERTIES
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT
from fogbank.languages.eventgrid_filters import OPERATORS
from tests.conformance.azure.conftest import GROUP, LOCATION, Azure

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

SCALARS = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=6)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
NAMES = st.sampled_from(["some-name", "-", "a/b", "é", "\0", "..", "x:publish"]) | st.text(max_size=5)
KEY = "Bearer anything"
PARAMETERS = ["comp", "restype", "popreceipt", "visibilitytimeout", "messagettl", "numofmessages", "peekonly", "prefix",
              "marker", "maxresults", "include", "sv", "sig", "si", "ss", "sp", "se", "timeout"]  # fmt: skip
VALUES = ["list", "metadata", "acl", "properties", "service", "0", "-1", "1", "604800", "true", "x", "\0", "A" * 32,
          "////////////////////////////////"]  # fmt: skip
BODIES = [
    b"",
    b"<QueueMessage><MessageText>a</MessageText></QueueMessage>",
    b"<SignedIdentifiers/>",
    b"<a>",
    b"\xff\xfe<",
    b"<StorageServiceProperties><Cors><CorsRule/></Cors></StorageServiceProperties>",
    b"<!DOCTYPE a><a/>",
]


@cache
def azure_of(server: ThreadedServer) -> Azure:
    azure = Azure(server)
    provider = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid"
    for kind in ("topics", "domains", "namespaces"):
        path = f"{provider}/{kind}/{azure.prefix}-{kind}"
        assert azure.arm("PUT", path, {"location": LOCATION}).status == 201
    path = f"{provider}/namespaces/{azure.prefix}-namespaces/topics/topic"
    assert azure.arm("PUT", path, {"properties": {}}).status == 201
    assert azure.arm("PUT", f"{path}/eventSubscriptions/sub", {"properties": {}}).status == 201
    assert azure.storage("PUT", f"/{DEVELOPMENT}/any-queue").status in (201, 204)
    return azure


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"]),
    path=st.lists(st.sampled_from(["any-queue", "messages", "x", "a--b", "\0", "0" * 36]), max_size=4),
    query=st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(VALUES) | st.text(max_size=4), max_size=4),
    body=st.sampled_from(BODIES) | st.binary(max_size=10),
    authorized=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_any_storage_request(
    server: ThreadedServer, method: str, path: list[str], query: dict[str, str], body: bytes, authorized: bool
) -> None:
    azure = azure_of(server)
    if method == "DELETE" and len(path) < 2:
        method = "PUT"
    target = "/" + "/".join([DEVELOPMENT, *(quote(each, safe="") for each in path)])
    target += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    headers = {"authorization": KEY} if authorized else {}
    answer = azure.control(method, target, body, x_ms_version="2026-02-06", **headers)
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        assert answer.headers["x-ms-error-code"]


@given(
    operation=st.sampled_from(sorted(OPERATIONS)),
    names=st.lists(NAMES, min_size=6, max_size=6),
    existing=st.booleans(),
    body=JSON | st.fixed_dictionaries({"properties": JSON}) | st.fixed_dictionaries({"location": st.just(LOCATION)}),
)
@settings(max_examples=60, deadline=None)
def test_any_resource(
    server: ThreadedServer, operation: tuple[str, str], names: list[str], existing: bool, body: Any
) -> None:
    azure = azure_of(server)
    method, pattern = operation
    if existing and method == "DELETE":
        method = "GET"
    given_names = iter([f"{azure.prefix}-{pattern.partition('/')[0]}", "topic", "sub", *names] if existing else names)
    segments = [segment or quote(next(given_names), safe="") for segment in pattern.split("/")]
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/{'/'.join(segments)}"
    answer = azure.arm(method, path, json.dumps(body).encode())
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        assert set(answer.json()["error"]) == {"code", "message"}


FILTERS = st.fixed_dictionaries({
    "operatorType": st.sampled_from([*OPERATORS, "Other"]), "key": st.text(max_size=4), "value": JSON, "values": JSON,
})  # fmt: skip


@given(
    kind=st.sampled_from([each for each in _READERS if each != "webhook"]),
    properties=st.dictionaries(st.sampled_from(sorted(_PROPERTIES - {"destination"})), JSON, max_size=3),
    destination=st.dictionaries(st.sampled_from(["resourceId", "queueName", "maxEventsPerBatch", "other"]), JSON),
    told=st.dictionaries(st.sampled_from(sorted(_FILTER)), JSON, max_size=2),
    advanced=st.lists(FILTERS, max_size=2),
)
@settings(max_examples=60, deadline=None)
def test_any_event_subscription(
    server: ThreadedServer, kind: str, properties: dict[str, Any], destination: dict[str, Any], told: dict[str, Any],
    advanced: list[Any],
) -> None:  # fmt: skip
    azure = azure_of(server)
    account = "/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
    whole = {
        "filter": {"advancedFilters": advanced, **told},
        **properties,
        "destination": {
            "endpointType": kind,
            "properties": {"resourceId": account, "queueName": "any-queue", **destination},
        },
    }
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.EventGrid/topics/{azure.prefix}-topics/eventSubscriptions/any"
    answer = azure.arm("PUT", path, json.dumps({"properties": whole}).encode())
    assert answer.status in (201, 400), answer.body
    azure.arm("DELETE", path)


ENDS = ["/api/events", "/topics/topic:publish", "/topics/topic/eventsubscriptions/sub:acknowledge",
        "/topics/topic/eventsubscriptions/sub:release?releaseDelayInSeconds=x", "/topics/other:publish",
        "/topics/topic/eventsubscriptions/sub:renewLock", "/eventSubscriptions/x/validate?id=1&subscription=topics/x",
        "/topics/topic/eventsubscriptions/%00:receive", "/", ""]  # fmt: skip
EVENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "subject", "eventType", "eventTime", "dataVersion", "data", "topic"), JSON)
)
CLOUD_EVENTS = st.fixed_dictionaries(
    {"specversion": st.just("1.0")}, optional=dict.fromkeys(("id", "source", "type", "data", "subject"), JSON)
)


@given(
    owner=st.sampled_from(["topics", "domains", "namespaces"]),
    end=st.sampled_from(ENDS),
    body=st.lists(EVENTS | CLOUD_EVENTS, max_size=3) | JSON | st.fixed_dictionaries({"lockTokens": JSON}),
    kind=st.sampled_from(["application/json", "application/cloudevents-batch+json", "application/cloudevents+json"]),
)
@settings(max_examples=60, deadline=None)
def test_any_event(server: ThreadedServer, owner: str, end: str, body: Any, kind: str) -> None:
    azure = azure_of(server)
    target = f"/eventgrid/{azure.prefix}-{owner}.{LOCATION}-1{end}"
    answer = azure.control("POST", target, json.dumps(body).encode(), authorization=KEY, content_type=kind)
    assert answer.status < 500, answer.body
