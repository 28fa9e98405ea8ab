"""Faults on purpose, as boto3 meets them, with its retries on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from click import ClickException

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.watching.conftest import Watched
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def retrying(server: ThreadedServer, account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`retrying("sqs")` makes a client that tries again, and doesn't wait for it."""
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.close", lambda _: None)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)

    def make(service: str, attempts: int = 3, **settings: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}, **settings),
        )

    return make


@pytest.mark.parametrize(
    ("service", "operation", "given", "code", "status"),
    [
        (
            "dynamodb", "get_item", {"TableName": "t", "Key": {"k": {"S": "1"}}},
            "ProvisionedThroughputExceededException", 400,
        ),
        ("dynamodb", "list_tables", {}, "ThrottlingException", 400),
        ("sqs", "list_queues", {}, "RequestThrottled", 403),
        ("sns", "list_topics", {}, "Throttling", 400),
        ("lambda", "list_functions", {}, "TooManyRequestsException", 429),
        ("events", "list_event_buses", {}, "ThrottlingException", 400),
        ("scheduler", "list_schedules", {}, "ThrottlingException", 429),
        ("iam", "list_roles", {}, "Throttling", 400),
    ],
)  # fmt: skip
def test_each_service_throttles_in_its_own_words_and_is_tried_again(
    retrying: Callable[..., Any], watched: Watched, service: str, operation: str, given: Any, code: str, status: int
) -> None:
    watched.fault("throttle", service=service)
    with pytest.raises(ClientError) as refused:
        getattr(retrying(service), operation)(**given)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    # The client knows that code for one that passes.
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 2


def test_what_is_tried_again_passes_when_the_fault_is_used_up(retrying: Callable[..., Any], watched: Watched) -> None:
    watched.fault("throttle", service="dynamodb", count=2)
    answer = retrying("dynamodb").list_tables()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert [each["status"] for each in watched.requests()] == [400, 400, 200]
    assert [(each["fitted"], each["struck"]) for each in watched.faults()] == [(2, 2)]


def test_errors_have_the_status_and_words_that_were_asked_for(retrying: Callable[..., Any], watched: Watched) -> None:
    watched.fault("error", service="sqs", status=418, code="Teapot", message="Short and stout.")
    watched.fault("error", service="sns")
    with pytest.raises(ClientError) as refused:
        retrying("sqs").list_queues()
    assert refused.value.response["Error"]["Message"] == "Short and stout."
    assert refused.value.response["Error"]["Code"] == "Teapot"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 418
    with pytest.raises(ClientError) as refused:
        retrying("sns").list_topics()
    assert refused.value.response["Error"]["Code"] == "InternalError"
    assert (
        refused.value.response["ResponseMetadata"] | {"RetryAttempts": 2, "HTTPStatusCode": 500}
        == (refused.value.response["ResponseMetadata"])
    )


def test_rules_are_for_operations_and_resources(retrying: Callable[..., Any], watched: Watched) -> None:
    sqs = retrying("sqs", attempts=1)
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("orders-1", "other")]
    watched.fault("error", service="SQS", operation="send*", resource="orders-*")
    sqs.send_message(QueueUrl=urls[1], MessageBody="x")
    sqs.receive_message(QueueUrl=urls[0])
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=urls[0], MessageBody="x")
    dynamodb = retrying("dynamodb", attempts=1)
    watched.fault("error", service="dynamodb", resource="wanted", code="Struck")
    item = {"Put": {"TableName": "wanted", "Item": {"k": {"S": "1"}}}}
    for call in (
        lambda: dynamodb.transact_write_items(TransactItems=[item]),
        lambda: dynamodb.batch_get_item(RequestItems={"wanted": {"Keys": [{"k": {"S": "1"}}]}}),
    ):
        with pytest.raises(ClientError, match="Struck"):
            call()


@pytest.mark.parametrize(("when", "count"), [("before", 0), ("after", 1)])
def test_a_connection_is_dropped_with_or_without_the_work(
    retrying: Callable[..., Any], watched: Watched, when: str, count: int
) -> None:
    sqs = retrying("sqs", attempts=1)
    watched.fault("drop", operation="CreateQueue", when=when)
    with pytest.raises(ConnectionClosedError):
        sqs.create_queue(QueueName="q")
    assert len(sqs.list_queues().get("QueueUrls", [])) == count
    assert watched.explain()["why"].startswith("A fault that was set on purpose struck it")
    # A client that tries again gets through.
    watched.server.call(_clear(watched))
    watched.fault("drop", operation="ListQueues", count=1)
    assert retrying("sqs").list_queues()["ResponseMetadata"]["RetryAttempts"] == 1


async def _clear(watched: Watched) -> None:
    watched.server.app.watch.faults.clear()


def test_latency_is_waited_for(retrying: Callable[..., Any], watched: Watched) -> None:
    watched.fault("latency", service="sqs", low_ms=600_000)
    with pytest.raises(ReadTimeoutError):
        retrying("sqs", attempts=1, read_timeout=0.05).list_queues()
    # The server takes note that its client is gone.
    wait_until(lambda: [each["status"] for each in watched.requests()] == [0])
    watched.server.call(_clear(watched))
    watched.fault("latency", service="sqs", low_ms=20, high_ms=30)
    retrying("sqs").list_queues()
    assert watched.requests()[-1]["took_us"] >= 20_000
    assert watched.requests()[-1]["status"] == 200


def test_the_same_seed_strikes_the_same_requests(retrying: Callable[..., Any], watched: Watched) -> None:
    sqs = retrying("sqs", attempts=1)

    def run(seed: int) -> list[int]:
        watched.server.reset()
        watched.fault("error", service="sqs", rate=0.5, seed=seed)
        for _ in range(20):
            with contextlib.suppress(ClientError):
                sqs.list_queues()
        return [each["status"] for each in watched.requests()]

    first = run(7)
    assert {200, 500} == set(first)
    assert run(7) == first
    assert run(8) != first


def test_a_message_comes_twice(retrying: Callable[..., Any], watched: Watched) -> None:
    sqs = retrying("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    watched.fault("duplicate", service="sqs", resource="q", count=1)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first, again = (sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2))
    assert first["MessageId"] == again["MessageId"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_messages_overtake_one_another_except_in_order(retrying: Callable[..., Any], watched: Watched) -> None:
    sqs = retrying("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    watched.fault("reorder", service="sqs", count=1)
    for number in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
        sqs.send_message(QueueUrl=fifo, MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number))
    found = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [each["Body"] for each in found] == ["0", "1", "2"]
    received = []
    while found := sqs.receive_message(QueueUrl=url).get("Messages"):
        received += [each["Body"] for each in found]
    assert sorted(received) == ["0", "1", "2"]
    assert received[0] != "0"


def test_no_fault_outlives_a_reset_or_the_server(watched: Watched) -> None:
    watched.fault("error")
    watched.server.reset()
    assert watched.faults() == []
    with ThreadedServer(Settings(port=0, memory=True)) as other:
        Watched(other).fault("error")
    with ThreadedServer(Settings(port=0, memory=True)) as other:
        assert Watched(other).faults() == []


def test_faults_don_t_strike_what_fogbank_is_asked_for_itself(watched: Watched) -> None:
    watched.fault("error")
    watched.fault("drop")
    assert len(watched.faults()) == 2
    assert watched.requests() == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"kind": "latency"}, "low_ms"),
        ({"kind": "error", "low_ms": 1}, "go with latency"),
        ({"kind": "latency", "low_ms": 2, "high_ms": 1}, "high_ms must not be less"),
        ({"kind": "throttle", "code": "X"}, "go with error"),
        ({"kind": "error", "when": "after"}, "when goes with drop"),
        ({"kind": "duplicate", "operation": "Get*"}, "operation doesn't go with duplicate"),
        ({"kind": "error", "rate": 0}, "rate"),
        ({"kind": "error", "status": 200}, "status"),
        ({"kind": "error", "unknown": 1}, "unknown"),
        ({"kind": "explode"}, "explode"),
    ],
)
def test_what_is_no_fault_is_refused(watched: Watched, rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ClickException, match=says):
        watched.fault(**rule)
