"""Connections of storage bindings, and what host.json says of queues."""

from __future__ import annotations

import json

import pytest

from fogbank.clouds.azure.functions.apps import QueueSettings
from fogbank.clouds.azure.functions.host_json import read_host_json
from fogbank.clouds.azure.functions.outputs import contents, encode_body
from fogbank.clouds.azure.functions.storage.connections import ConnectionNameError, account_of
from fogbank.clouds.azure.functions.storage.queue_triggers import decode_body
from fogbank.connectors.queue_triggers import UnreadableError


@pytest.mark.parametrize(
    ("connection", "settings", "account"),
    [
        ("", {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}, "devstoreaccount1"),
        ("C", {"AzureWebJobsC": "AccountName=one;AccountKey=a==", "C": "AccountName=two"}, "one"),
        ("C", {"C": "QueueEndpoint=http://localhost:4566/three"}, "three"),
        ("C", {"C": "AccountName=a;QueueEndpoint=https://four.queue.core.windows.net/"}, "a"),
        ("C", {"C": "QueueEndpoint=https://four.queue.core.windows.net/"}, "four"),
        ("C", {"C__accountName": "five"}, "five"),
        ("C", {"C__queueServiceUri": "http://127.0.0.1:1/six"}, "six"),
    ],
)
def test_connections(connection: str, settings: dict[str, str], account: str) -> None:
    assert account_of(connection, settings) == account


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "'C' does not exist"),
        ({"C": "EndpointSuffix=core.windows.net"}, "names no storage account"),
        ({"C": "AccountName=a;QueueEndpoint=https://example.com/a"}, "leads to 'example.com'"),
    ],
)
def test_connections_that_lead_nowhere(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ConnectionNameError, match=said):
        account_of("C", settings)


def host(**queues: object) -> str:
    return json.dumps({"version": "2.0", "extensions": {"queues": queues}})


def test_settings_of_queues() -> None:
    assert read_host_json(host()).queues == QueueSettings()
    given = host(
        batchSize=4, maxDequeueCount=2, visibilityTimeout="00:01:30", messageEncoding="None", maxPollingInterval=1
    )
    assert read_host_json(given).queues == QueueSettings(4, 2, 2, 90, "none")
    for name, value in (
        ("batchSize", 33),
        ("batchSize", "4"),
        ("maxDequeueCount", 0),
        ("newBatchThreshold", -1),
        ("visibilityTimeout", 5),
        ("messageEncoding", "utf-8"),
        ("other", 1),
    ):
        assert f"extensions.queues.{name}".lower() in read_host_json(host(**{name: value})).error.lower()


def test_contents() -> None:
    assert contents({"string": "[1]"}) == [b"[1]"]
    assert contents({"bytes": "/w=="}) == [b"\xff"]
    assert contents({"json": '["a", {"b": 1}]'}) == [b"a", b'{"b":1}']
    assert decode_body(encode_body(b"\xff", "base64"), "base64") == b"\xff"
    assert decode_body(encode_body(b"a", "none"), "none") == b"a"
    for text in (b"no!", b"a", b"\xff"):
        with pytest.raises(UnreadableError):
            decode_body(text, "base64")
