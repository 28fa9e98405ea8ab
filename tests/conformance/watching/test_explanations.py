"""Why requests fail, and what would make them pass."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.queue import QueueServiceClient
from botocore.exceptions import ClientError
from click import ClickException

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.watching.conftest import Watched

if TYPE_CHECKING:
    from collections.abc import Callable


def fails(call: Callable[..., Any], **given: Any) -> None:
    with pytest.raises((ClientError, HttpResponseError)):
        call(**given)


def test_near_names_are_offered(client: Callable[..., Any], watched: Watched) -> None:
    client("sqs").create_queue(QueueName="orders")
    # Of another kind, and no help.
    client("sns").create_topic(Name="ordesr")
    fails(client("sqs").get_queue_url, QueueName="ordres")
    told = watched.explain()
    assert told["near"] == ["orders"]
    assert told["why"].startswith("ordres isn't there in ")
    assert told["cure"].startswith("Did you mean orders?")


def test_what_libraries_look_for_by_themselves_is_passed_over(client: Callable[..., Any], watched: Watched) -> None:
    probe = urllib.request.Request(
        f"{watched.url}/computeMetadata/v1/instance/id", headers={"Metadata-Flavor": "Google"}
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(probe)
    assert watched.show()["operation"].startswith("GET")
    fails(client("sqs").get_queue_url, QueueName="orders")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(probe)
    assert watched.show()["operation"] == "GetQueueUrl"


def test_the_region_that_has_it_is_named(client: Callable[..., Any], watched: Watched, account: str) -> None:
    table = {
        "TableName": "things",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    client("dynamodb", region="eu-west-1").create_table(**table)
    fails(client("dynamodb").get_item, TableName="things", Key={"k": {"S": "1"}})
    told = watched.explain()
    assert told["elsewhere"] == [f"{account}/eu-west-1"]
    assert told["cure"].startswith(f"It is there in {account}/eu-west-1")
    # It is there: what failed is another thing.
    fails(client("dynamodb", region="eu-west-1").get_item, TableName="things", Key={"x": {"S": "1"}})
    assert watched.explain()["elsewhere"] == []
    assert "schema" in watched.explain()["why"]


def test_what_fogbank_lacks_is_named(client: Callable[..., Any], watched: Watched) -> None:
    fails(client("dynamodb").list_global_tables)
    assert "Fogbank doesn't support the operation ListGlobalTables" in watched.explain()["why"]


def test_a_service_that_isn_t_here(client: Callable[..., Any], watched: Watched) -> None:
    fails(client("kinesis").list_streams)
    assert "Fogbank doesn't support the AWS service kinesis" in watched.explain()["why"]


def test_conditions_and_what_is_there_already(client: Callable[..., Any], watched: Watched) -> None:
    iam = client("iam")
    role = {"RoleName": "r", "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": []})}
    try:
        iam.create_role(**role)
    except ClientError:
        role["AssumeRolePolicyDocument"] = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        )
        iam.create_role(**role)
    fails(iam.create_role, **role)
    assert watched.explain()["why"].startswith("What it would create or change is there already")


def test_a_wrong_key_in_azure(watched: Watched) -> None:
    wrong = "d3Jvbmc="
    text = f"AccountName={DEVELOPMENT};AccountKey={wrong};QueueEndpoint={watched.url}/{DEVELOPMENT};"
    service = QueueServiceClient.from_connection_string(f"DefaultEndpointsProtocol=http;{text}", retry_total=0)
    with service:
        fails(service.create_queue, name="qqq")
    told = watched.explain()
    assert told["why"].startswith("The request doesn't prove who sends it: AuthenticationFailed")
    assert "Sign with one of the account's own keys" in told["cure"]


def test_a_missing_index_of_firestore() -> None:
    with ThreadedServer(Settings(port=0, memory=True, firestore_index_check=True)) as server:
        query = {
            "structuredQuery": {
                "from": [{"collectionId": "c"}],
                "orderBy": [{"field": {"fieldPath": "a"}}, {"field": {"fieldPath": "b"}}],
            }
        }
        parent = "v1/projects/project-1/databases/(default)/documents"
        asked = urllib.request.Request(f"{server.url}/{parent}:runQuery", data=json.dumps(query).encode())
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(asked)
        told = Watched(server).explain()
    assert "needs an index that isn't defined" in told["why"]


def test_what_has_not_failed(client: Callable[..., Any], watched: Watched) -> None:
    with pytest.raises(ClickException, match="No request has failed"):
        watched.explain()
    client("sqs").list_queues()
    (only,) = watched.requests()
    assert watched.explain(only["id"])["why"] == "It has not failed."
