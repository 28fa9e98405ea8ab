"""Snapshots: everything is as it was, and what runs by itself goes by it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from click import ClickException
from google.api_core import exceptions

from fogbank.cli.client import ask
from tests.conformance.aws.functions import deploy, zipped
from tests.conformance.conftest import boto3_client
from tests.conformance.gcp.firestore.conftest import connect
from tests.conformance.state.conftest import Cli
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}


def bodies(sqs: Any, url: str) -> list[str]:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return sorted(message["Body"] for message in found.get("Messages", ()))


def test_everything_is_as_it_was(kept_server: ThreadedServer, account: str) -> None:
    client = boto3_client(kept_server, account)
    cli = Cli(kept_server.url)
    sqs, ddb = client("sqs"), client("dynamodb")
    kept, gone = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("kept", "gone"))
    ddb.create_table(TableName="table", **TABLE)
    ddb.put_item(TableName="table", Item={"id": {"S": "1"}, "n": {"N": "1"}})
    sqs.send_message(QueueUrl=kept, MessageBody="before")
    cli.snapshot("save", "one")

    sqs.send_message(QueueUrl=kept, MessageBody="after")
    sqs.set_queue_attributes(QueueUrl=kept, Attributes={"DelaySeconds": "9"})
    sqs.delete_queue(QueueUrl=gone)
    later = sqs.create_queue(QueueName="later")["QueueUrl"]
    ddb.put_item(TableName="table", Item={"id": {"S": "1"}, "n": {"N": "2"}})
    ddb.put_item(TableName="table", Item={"id": {"S": "2"}})
    assert ddb.get_item(TableName="table", Key={"id": {"S": "1"}})["Item"]["n"] == {"N": "2"}

    for _ in range(2):
        cli.snapshot("restore", "one")
        assert bodies(sqs, kept) == ["before"]
        assert sqs.get_queue_attributes(QueueUrl=kept, AttributeNames=["DelaySeconds"])["Attributes"] == {
            "DelaySeconds": "0"
        }
        assert bodies(sqs, gone) == []
        with pytest.raises(sqs.exceptions.QueueDoesNotExist):
            sqs.send_message(QueueUrl=later, MessageBody="x")
        assert ddb.scan(TableName="table")["Items"] == [{"id": {"S": "1"}, "n": {"N": "1"}}]
        # All goes on from there.
        sqs.send_message(QueueUrl=kept, MessageBody="again")
        assert bodies(sqs, kept) == ["again", "before"]


def test_saved_again_listed_and_deleted(cli: Cli, client: Callable[..., Any]) -> None:
    sqs = client("sqs")
    cli.snapshot("save", "b")
    assert cli.snapshot("save", "a").startswith("Saved a, ")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    cli.snapshot("save", "b")
    listed = json.loads(cli.snapshot("list", "--json"))
    assert [each["name"] for each in listed] == ["a", "b"]
    assert "Fogbank" in cli.snapshot("list")
    ask(cli.url, "POST", "/_fogbank/reset")
    cli.snapshot("restore", "b")
    assert bodies(sqs, url) == []
    cli.snapshot("delete", "b")
    assert "There is no snapshot b." in cli.snapshot("restore", "b", fails=True)
    assert "There is no snapshot b." in cli.snapshot("delete", "b", fails=True)
    assert "There is no snapshot b." in cli.snapshot("diff", "a", "b", fails=True)


@pytest.mark.parametrize("name", ["../a", ".a", "a/b", "ä", "x" * 101, "a b"])
def test_names_that_are_none(cli: Cli, name: str) -> None:
    assert "letters, digits, dots" in cli.snapshot("save", name, fails=True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/_fogbank/snapshots", "POST is not allowed"),
        ("GET", "/_fogbank/snapshots/a", "GET is not allowed"),
        ("POST", "/_fogbank/snapshots/a/undo", "There is nothing at"),
        ("GET", "/_fogbank/snapshots?limit=1", "There is no parameter limit"),
        ("GET", "/_fogbank/snapshots/a/diff?to=b", "There is no parameter to"),
        ("POST", "/_fogbank/export", "POST is not allowed"),
        ("GET", "/_fogbank/import", "GET is not allowed"),
        ("GET", "/_fogbank/export/x", "There is nothing at"),
    ],
)
def test_what_there_is_not(cli: Cli, method: str, path: str, status: str) -> None:
    with pytest.raises(ClickException, match=status):
        ask(cli.url, method, path)


def test_differences(cli: Cli, client: Callable[..., Any]) -> None:
    ask(cli.url, "POST", "/_fogbank/reset")
    sqs, ddb = client("sqs"), client("dynamodb")
    one, two = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("one", "two"))
    ddb.create_table(TableName="table", **TABLE)
    for number in range(3):
        ddb.put_item(TableName="table", Item={"id": {"S": str(number)}})
        sqs.send_message(QueueUrl=one, MessageBody=str(number))
    cli.snapshot("save", "before")
    assert cli.diff("before") == []
    assert cli.snapshot("diff", "before") == "There are no differences.\n"

    ddb.put_item(TableName="table", Item={"id": {"S": "0"}, "n": {"N": "1"}})
    ddb.put_item(TableName="table", Item={"id": {"S": "9"}})
    ddb.delete_item(TableName="table", Key={"id": {"S": "1"}})
    sqs.purge_queue(QueueUrl=one)
    sqs.send_message(QueueUrl=one, MessageBody="new")
    sqs.delete_queue(QueueUrl=two)
    client("sns").create_topic(Name="news")
    cli.snapshot("save", "after")
    found = {(each["service"], each["kind"], each["name"]): each for each in cli.diff("before", "after")}
    assert {key: each["change"] for key, each in found.items()} == {
        ("aws dynamodb", "collection", "table"): "same",
        ("aws sns", "topic", "news"): "added",
        ("aws sqs", "queue", "one"): "same",
        ("aws sqs", "queue", "two"): "removed",
    }
    assert found["aws dynamodb", "collection", "table"]["documents"] == {"added": 1, "removed": 1, "changed": 1}
    assert found["aws sqs", "queue", "one"]["messages"] == {"added": 1, "removed": 3, "changed": 0}
    assert list(found.values()) == cli.diff("before")
    text = cli.snapshot("diff", "before")
    assert "aws dynamodb\n    collection table" in text
    assert ": documents +1, -1, ~1" in text
    assert "  + topic news" in text
    assert "  - queue two" in text


def test_functions_run_the_code_that_was_then(cli: Cli, client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    deploy(lambda_, "f", "def handler(event, context):\n    return 'then'\n")

    def run() -> Any:
        return json.load(lambda_.invoke(FunctionName="f")["Payload"])

    assert run() == "then"
    cli.snapshot("save", "one")
    lambda_.update_function_code(FunctionName="f", ZipFile=zipped("def handler(event, context):\n    return 'now'\n"))
    assert run() == "now"
    cli.snapshot("restore", "one")
    assert run() == "then"


def test_who_waits_for_a_message_has_it(cli: Cli, client: Callable[..., Any]) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    cli.snapshot("save", "one")
    message = sqs.receive_message(QueueUrl=url)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    received: list[Any] = []
    waiting = threading.Thread(
        target=lambda: received.extend(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"])
    )
    waiting.start()
    cli.snapshot("restore", "one")
    waiting.join()
    assert [each["Body"] for each in received] == ["x"]


def test_schedules_and_time(timed_server: ThreadedServer, timed_client: Callable[..., Any]) -> None:
    """What falls due is what is there; the clock doesn't go back, and no number is drawn twice."""
    cli = Cli(timed_server.url)
    sqs, events = timed_client("sqs"), timed_client("events")
    url = sqs.create_queue(QueueName="ticks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="tick", ScheduleExpression="rate(10 minutes)")
    events.put_targets(Rule="tick", Targets=[{"Id": "q", "Arn": arn, "Input": '"tick"'}])
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=900)
    cli.snapshot("save", "one")
    events.remove_targets(Rule="tick", Ids=["q"])
    events.delete_rule(Name="tick")
    timed_server.advance(600)
    now = ask(timed_server.url, "GET", "/_fogbank/clock")["now"]
    assert bodies(sqs, url) == []
    cli.snapshot("restore", "one")
    assert ask(timed_server.url, "GET", "/_fogbank/clock")["now"] == now
    timed_server.advance(1)
    assert bodies(sqs, url) == ['"tick"']
    timed_server.advance(300)
    assert bodies(sqs, url) == ['"tick"', "late"]


def test_sources_of_events_are_read_again(cli: Cli, client: Callable[..., Any]) -> None:
    lambda_, sqs = client("lambda"), client("sqs")
    url = sqs.create_queue(QueueName="source")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    deploy(lambda_, "reader", "def handler(event, context):\n    return len(event['Records'])\n")
    mapping = lambda_.create_event_source_mapping(FunctionName="reader", EventSourceArn=arn)["UUID"]
    cli.snapshot("save", "one")
    lambda_.delete_event_source_mapping(UUID=mapping)
    cli.snapshot("restore", "one")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert wait_until(lambda: ask(cli.url, "GET", "/_fogbank/invocations?function=reader")["invocations"])


def test_transactions_and_listeners(cli: Cli, server: ThreadedServer, account: str) -> None:
    with connect(server.url, f"project-{account}") as db:
        document = db.document("a/1")
        document.set({"n": 1})
        cli.snapshot("save", "one")
        document.set({"n": 2})
        seen: list[Any] = []
        watch = document.on_snapshot(lambda documents, _changes, _time: seen.append(documents[0].get("n")))
        try:
            assert wait_until(lambda: seen == [2])
            transaction = db.transaction()
            transaction._begin()
            transaction.set(db.document("a/2"), {"n": 1})
            cli.snapshot("restore", "one")
            assert wait_until(lambda: seen == [2, 1])
            with pytest.raises(exceptions.Aborted):
                transaction._commit()
            assert not db.document("a/2").get().exists
            document.set({"n": 3})
            assert wait_until(lambda: seen == [2, 1, 3])
        finally:
            watch.unsubscribe()
