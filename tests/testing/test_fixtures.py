"""The fixtures of the pytest plugin, as tests of other projects use them, on each cloud's own SDK."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from azure.cosmos import PartitionKey
from azure.mgmt.web import WebSiteManagementClient

from fogbank.connectors.time_control import SharedTimeError
from fogbank.settings import Settings
from fogbank.testing.aws import AwsClients
from fogbank.testing.server import ThreadedServer
from fogbank.testing.spy import Spy
from fogbank.testing.time_travel import TimeTravel
from tests.conformance.aws.functions import ROLE, deploy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.testing.accounts import Account
    from fogbank.testing.azure import AzureClients
    from fogbank.testing.gcp import GoogleClients


def test_a_queue_in_an_account_of_its_own(aws: AwsClients, fogbank_account: Account) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="coffee")
    # The same by way of the port.
    (message,) = aws("sqs", over_port=True).receive_message(QueueUrl=url)["Messages"]
    assert (message["Body"], fogbank_account.aws in url) == ("coffee", True)
    assert aws("sts").get_caller_identity()["Account"] == fogbank_account.aws


@pytest.mark.parametrize("turn", [1, 2])
def test_nothing_is_left_of_other_tests(aws: AwsClients, gcp: GoogleClients, turn: int) -> None:
    sqs, publisher = aws("sqs"), gcp.publisher()
    assert "QueueUrls" not in sqs.list_queues()
    assert list(publisher.list_topics(project=f"projects/{gcp.project}")) == []
    sqs.create_queue(QueueName=f"left-{turn}")
    publisher.create_topic(name=gcp.topic("left"))


def test_clients_without_a_port(aws: AwsClients) -> None:
    """Errors, bodies of some size, REST and Query protocols, and answers in parts."""
    sqs, sns, dynamodb, functions = aws("sqs"), aws("sns"), aws("dynamodb"), aws("lambda")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="nowhere")
    topic = sns.create_topic(Name="news")["TopicArn"]
    assert sns.publish(TopicArn=topic, Message="x")["MessageId"]
    dynamodb.create_table(
        TableName="things", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    dynamodb.put_item(TableName="things", Item={"pk": {"S": "1"}, "text": {"S": "x" * 300_000}})
    assert len(dynamodb.get_item(TableName="things", Key={"pk": {"S": "1"}})["Item"]["text"]["S"]) == 300_000
    deploy(functions, "echo", "def handler(event, context): return {'got': event}")
    answer = functions.invoke(FunctionName="echo", Payload=b'{"n": 1}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (200, b'{"got": {"n": 1}}')
    streamed = functions.invoke_with_response_stream(FunctionName="echo", Payload=b"2")
    parts = [each["PayloadChunk"]["Payload"] for each in streamed["EventStream"] if "PayloadChunk" in each]
    assert b"".join(parts) == b'{"got": 2}'


def test_googles_clients(gcp: GoogleClients) -> None:
    publisher, subscriber = gcp.publisher(), gcp.subscriber()
    publisher.create_topic(name=gcp.topic("orders"))
    subscriber.create_subscription(name=gcp.subscription("bill"), topic=gcp.topic("orders"))
    publisher.publish(gcp.topic("orders"), b"tea").result()
    (received,) = subscriber.pull(subscription=gcp.subscription("bill"), max_messages=1).received_messages
    assert received.message.data == b"tea"
    users = gcp.firestore().collection("users")
    users.document("1").set({"name": "Ada"})
    assert users.document("1").get().to_dict() == {"name": "Ada"}
    assert list(gcp.scheduler().list_jobs(parent=gcp.parent)) == []
    assert list(gcp.tasks().list_queues(parent=gcp.parent)) == []
    assert list(gcp.functions().list_functions(parent=gcp.parent)) == []
    assert list(gcp.eventarc().list_triggers(parent=gcp.parent)) == []
    assert "PUBSUB_EMULATOR_HOST" not in os.environ


def test_azures_clients(azure: AzureClients) -> None:
    queue = azure.queues().create_queue("orders")
    queue.send_message("coffee")
    assert queue.receive_message().content == "coffee"
    table = azure.tables().create_table("things")
    table.upsert_entity({"PartitionKey": "a", "RowKey": "1", "n": 1})
    assert table.get_entity("a", "1")["n"] == 1
    container = azure.cosmos().create_database("shop").create_container("orders", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    assert container.read_item("1", "a")["pk"] == "a"
    assert list(azure.management(WebSiteManagementClient).web_apps.list()) == []


@pytest.mark.parametrize("turn", [1, 2])
def test_code_that_makes_its_own_clients(fogbank_env: Mapping[str, str], aws: AwsClients, turn: int) -> None:
    url = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    assert aws("sqs").list_queues()["QueueUrls"] == [url]
    assert aws.account in url, turn
    assert os.environ["GOOGLE_CLOUD_PROJECT"] == fogbank_env["GOOGLE_CLOUD_PROJECT"]


def test_time_travel(fogbank: ThreadedServer, aws: AwsClients, time_travel: TimeTravel) -> None:
    sqs = aws("sqs")
    queue = sqs.create_queue(QueueName="later")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="tea", DelaySeconds=900)
    began = time_travel.now
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    time_travel(minutes=15)
    assert sqs.receive_message(QueueUrl=queue, VisibilityTimeout=60)["Messages"][0]["Body"] == "tea"
    assert (time_travel.now - began).total_seconds() == 900
    assert fogbank.now() == time_travel.now.timestamp()


def test_time_travel_is_a_tests_own(
    fogbank: ThreadedServer, fogbank_server: ThreadedServer, time_travel: TimeTravel
) -> None:
    time_travel(days=1)
    assert fogbank is not fogbank_server
    assert fogbank.now() - fogbank_server.now() > 80_000


def test_time_travel_is_among_a_tests_own_fixtures(request: pytest.FixtureRequest) -> None:
    with pytest.raises(pytest.fail.Exception, match="among the test's own fixtures"):
        request.getfixturevalue("time_travel")


def test_a_snapshot_is_gone_back_to(fogbank_server: ThreadedServer, fogbank_account: Account) -> None:
    clients = AwsClients(fogbank_server, fogbank_account)
    sqs, dynamodb = clients("sqs"), clients("dynamodb")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="coffee")
    before = fogbank_server.snapshot()
    for _ in range(2):
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        sqs.create_queue(QueueName="more")
        fogbank_server.restore(before)
        assert sqs.list_queues()["QueueUrls"] == [url]
    assert dynamodb.list_tables()["TableNames"] == []


def test_functions_come_back_with_a_snapshot(fogbank: ThreadedServer, fogbank_account: Account) -> None:
    functions = fogbank.client("lambda", account=fogbank_account.aws)
    deploy(functions, "f", "def handler(event, context): return 1")
    assert functions.invoke(FunctionName="f")["Payload"].read() == b"1"
    before = fogbank.snapshot()
    deploy(functions, "g", "def handler(event, context): return 2")
    functions.delete_function(FunctionName="f")
    fogbank.restore(before)
    assert functions.invoke(FunctionName="f")["Payload"].read() == b"1"
    assert [each["FunctionName"] for each in functions.list_functions()["Functions"]] == ["f"]


def test_a_spy_and_snapshots_on_postgres(postgres_url: str) -> None:
    with ThreadedServer(Settings(port=0, database=postgres_url)) as server:
        server.reset()
        spy = Spy(server)
        sqs = server.client("sqs")
        url = sqs.create_queue(QueueName="orders")["QueueUrl"]
        before = server.snapshot()
        sqs.send_message(QueueUrl=url, MessageBody='{"type": "paid"}')
        assert spy.wait_for(queue="orders", body__type="paid", timeout=60)["text"] == '{"type": "paid"}'
        server.restore(before)
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
        spy.close()
        with pytest.raises(SharedTimeError):
            TimeTravel(server)


def test_what_waits_in_a_snapshot_goes_on(fogbank: ThreadedServer, aws: AwsClients, time_travel: TimeTravel) -> None:
    """Timers and consumers that were asleep take notice of what came back."""
    schedules, sqs = aws("scheduler"), aws("sqs")
    url = sqs.create_queue(QueueName="ticks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    target: dict[str, Any] = {"Arn": arn, "RoleArn": ROLE, "Input": "tick"}
    schedules.create_schedule(
        Name="s", ScheduleExpression="rate(5 minutes)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    before = fogbank.snapshot()
    fogbank.reset()
    time_travel(minutes=6)
    fogbank.restore(before)
    time_travel(minutes=6)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "tick"
