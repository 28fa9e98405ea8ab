"""Waiting for what a program sets off: on each cloud, also what is gone by the time, and what is told at a time-out."""

from __future__ import annotations

import json
import urllib.request
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey

from fogbank.testing.accounts import new_account
from fogbank.testing.aws import AwsClients
from fogbank.testing.spy import Spy, SpyTimeoutError
from tests.conformance.aws.functions import deploy
from tests.conformance.azure import conftest as azures
from tests.conformance.gcp import conftest as google

if TYPE_CHECKING:
    from fogbank.testing.azure import AzureClients
    from fogbank.testing.gcp import GoogleClients
    from fogbank.testing.server import ThreadedServer
    from fogbank.testing.time_travel import TimeTravel

PATIENCE_SECONDS = 60
FUNCTION_APP = """
    import azure.functions as func
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route(route="greet")
    def greet(req):
        return "hi"
"""
TABLE: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


def queue_arn(sqs: Any, url: str) -> str:
    found: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return found


def test_a_message_that_comes_later(aws: AwsClients, spy: Spy) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody='{"type": "made"}')

    def pay() -> None:
        color = {"DataType": "String", "StringValue": "red"}
        body = json.dumps({"type": "paid", "items": [{"n": 1}]})
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes={"color": color})

    paying = Thread(target=pay)
    paying.start()
    sighting = spy.wait_for(queue="orders", body__type="paid", timeout=PATIENCE_SECONDS)
    paying.join()
    assert sighting["body"]["items"] == [{"n": 1}]
    assert sighting["attributes"] == {"color": "red"}
    assert spy.wait_for(queue="orders", body__items__0__n=lambda number: number > 0) is sighting
    assert [each["body"]["type"] for each in spy.seen(queue="orders")] == ["made", "paid"]
    spy.forget()
    assert spy.seen() == []


def test_a_condition_may_use_the_server(aws: AwsClients, spy: Spy) -> None:
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]

    def first(body: int) -> bool:
        sqs.send_message(QueueUrl=url, MessageBody=str(body + 1))
        return body == 1

    sqs.send_message(QueueUrl=url, MessageBody="1")
    assert spy.wait_for(queue="orders", body=first)["body"] == 1


def test_what_is_gone_by_the_time_was_seen(aws: AwsClients, spy: Spy) -> None:
    sqs, sns = aws("sqs"), aws("sns")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(sqs, url))
    sns.publish(TopicArn=topic, Message="coffee")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert spy.wait_for(topic="news", body="coffee")["text"] == "coffee"
    assert spy.wait_for(queue="orders", body__Message="coffee").scope.endswith("/us-east-1")


def test_what_was_undone_was_not_seen(aws: AwsClients, spy: Spy) -> None:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(TableName="orders", **TABLE)
    puts = [
        {"Put": {"TableName": "orders", "Item": {"pk": {"S": "1"}}}},
        {"ConditionCheck": {
            "TableName": "orders", "Key": {"pk": {"S": "2"}}, "ConditionExpression": "attribute_exists(pk)",
        }},
    ]  # fmt: skip
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=puts)
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "3"}})
    assert [each["item"] for each in spy.seen(table="orders")] == [{"pk": "3"}]


def test_dead_letters(aws: AwsClients, spy: Spy, time_travel: TimeTravel) -> None:
    sqs = aws("sqs")
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": queue_arn(sqs, letters), "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url)
        time_travel(minutes=1)
    assert spy.wait_for(queue="letters")["body"] == "bad"
    sqs.start_message_move_task(SourceArn=queue_arn(sqs, letters))
    time_travel(minutes=1)
    assert len(spy.seen(queue="orders", body="bad")) == 2


def test_writes(aws: AwsClients, gcp: GoogleClients, azure: AzureClients, spy: Spy) -> None:
    dynamodb = aws("dynamodb")
    dynamodb.create_table(TableName="orders", **TABLE)
    dynamodb.put_item(TableName="orders", Item={"pk": {"S": "1"}, "n": {"N": "2"}})
    dynamodb.delete_item(TableName="orders", Key={"pk": {"S": "1"}})
    assert spy.wait_for(table="orders", item__n=2)["removed"] is False
    assert spy.wait_for(table="orders", removed=True)["before"] == {"pk": "1", "n": 2}
    gcp.firestore().collection("users").document("1").collection("orders").document("2").set({"n": 3})
    assert spy.wait_for(collection="users/1/orders")["item"] == {"n": 3}
    container = azure.cosmos().create_database("shop").create_container("things", PartitionKey("/pk"))
    container.create_item({"id": "1", "pk": "a"})
    assert spy.wait_for(container="things", item__id="1")["before"] is None
    azure.tables().create_table("notes").upsert_entity({"PartitionKey": "a", "RowKey": "1", "n": 4})
    assert spy.wait_for(table="notes")["item"]["n"] == 4


def test_googles_and_azures_messages(gcp: GoogleClients, azure: AzureClients, spy: Spy) -> None:
    publisher = gcp.publisher()
    publisher.create_topic(name=gcp.topic("orders"))
    gcp.subscriber().create_subscription(name=gcp.subscription("bill"), topic=gcp.topic("orders"))
    publisher.publish(gcp.topic("orders"), b'{"n": 1}', kind="new").result()
    assert spy.wait_for(topic="orders", body__n=1)["attributes"] == {"kind": "new"}
    assert spy.wait_for(subscription="bill", attributes__kind="new")["text"] == '{"n": 1}'
    azure.queues().create_queue("orders").send_message("tea")
    assert spy.wait_for(queue="orders")["body"] == "tea"


def test_events_on_a_bus(aws: AwsClients, spy: Spy) -> None:
    entry = {"Source": "shop", "DetailType": "paid", "Detail": '{"n": 1}'}
    assert aws("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert spy.wait_for(bus="default", body__detail__n=1)["body"]["source"] == "shop"


def test_invocations(aws: AwsClients, spy: Spy) -> None:
    functions = aws("lambda")
    source = """
        def handler(event, context):
            print("so it goes")
            return 1 / event["n"]
    """
    deploy(functions, "divide", source)
    functions.invoke(FunctionName="divide", InvocationType="Event", Payload=b'{"n": 2}')
    functions.invoke(FunctionName="divide", Payload=b'{"n": 0}')
    done = spy.wait_for(function="divide", event__n=2, timeout=PATIENCE_SECONDS)
    assert (done["payload"], done["ok"]) == (0.5, True)
    assert any("so it goes" in line for line in done["log"])
    assert spy.wait_for(function="divide", ok=False)["error"] == "ZeroDivisionError: division by zero"


def test_googles_and_azures_invocations(fogbank: ThreadedServer, gcp: GoogleClients, spy: Spy) -> None:
    uri = google.deploy(gcp.functions(), gcp.parent, "hello").service_config.uri
    with urllib.request.urlopen(f"{uri}/there?name=Ada") as answer:
        assert answer.read() == b"Hello, Ada!"
    greeted = spy.wait_for(function="hello", payload="Hello, Ada!")
    assert greeted["context"]["path"] == "/there"
    everybody, apps = Spy(fogbank), azures.Azure(fogbank)
    app = apps.deploy(function_app=FUNCTION_APP)
    apps.get(app, "/api/greet")
    assert everybody.wait_for(function="greet")["payload"] == "hi"
    assert everybody.wait_for(function=f"{app}/greet", context__path="/api/greet")["ok"]
    everybody.close()
    apps.client.close()


def test_a_timeout_tells_what_was_seen(aws: AwsClients, spy: Spy) -> None:
    sqs = aws("sqs")
    for name in ("orders", "others"):
        sqs.send_message(QueueUrl=sqs.create_queue(QueueName=name)["QueueUrl"], MessageBody='{"type": "made"}')
    with pytest.raises(SpyTimeoutError) as error:
        spy.wait_for(queue="orders", body__type="paid", timeout=0.01)
    told = str(error.value)
    assert "0 of 1 came within 0.01 s: message (queue='orders', body__type='paid')" in told
    assert "seen there: {'body': {'type': 'made'}" in told
    assert "seen besides: 1 times message others" in told
    spy.forget()
    with pytest.raises(SpyTimeoutError, match="nothing else was seen"):
        spy.wait_for_each(2, queue="orders", timeout=0.01)


def test_only_its_own_account_unless_it_has_none(fogbank: ThreadedServer, spy: Spy) -> None:
    everybody = Spy(fogbank)
    try:
        other = AwsClients(fogbank, new_account())("sqs")
        other.send_message(QueueUrl=other.create_queue(QueueName="orders")["QueueUrl"], MessageBody="x")
        assert len(everybody.seen(queue="orders")) == 1
        assert spy.seen(queue="orders") == []
    finally:
        everybody.close()
    other.send_message(QueueUrl=other.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="y")
    assert len(everybody.seen(queue="orders")) == 1


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({}, "not none"),
        ({"queue": "q", "topic": "t"}, "not queue and topic"),
        ({"queue": "q", "boddy": 1}, "boddy: a message has body, text"),
        ({"table": "t", "body__x": 1}, "body__x: a write has item, before, removed"),
    ],
)
def test_what_a_spy_cannot_look_for(spy: Spy, wanted: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=told):
        spy.wait_for(**wanted)
