"""Functions that set themselves off: stopped after 16 passes, by the trace header that SDKs pass on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

PASSES = 16
TELLS = """
    import os
    def handler(event, context):
        return os.environ.get("_X_AMZN_TRACE_ID")
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def traced(client: Any, operation: str, header: str) -> None:
    """Let a client send a trace header, as SDKs do inside functions."""

    def add(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Amzn-Trace-Id"] = header

    client.meta.events.register(f"before-call.{client.meta.service_model.service_name}.{operation}", add)


def fields_of(header: str) -> dict[str, str]:
    return dict(field.split("=", 1) for field in header.split(";"))


def test_whether_a_function_may_loop_is_kept_with_it(lambda_: Any) -> None:
    deploy(lambda_, "f", TELLS)
    assert lambda_.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    assert lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    lambda_.update_function_configuration(FunctionName="f", Timeout=5)
    assert lambda_.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Allow"
    lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Terminate")
    assert lambda_.get_function_recursion_config(FunctionName="f")["RecursiveLoop"] == "Terminate"
    with pytest.raises(ClientError, match="enum value set"):
        lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Maybe")
    for method, more in (("get", {}), ("put", {"RecursiveLoop": "Allow"})):
        with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="function:g"):
            getattr(lambda_, f"{method}_function_recursion_config")(FunctionName="g", **more)


def test_a_trace_goes_on_and_counts_the_passes_of_each_function(client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    deploy(lambda_, "f", TELLS)
    deploy(lambda_, "g", TELLS)
    first = fields_of(invoke(lambda_)[0])
    assert first["Root"].startswith("1-")
    assert first["Lineage"].endswith(":1")
    assert fields_of(invoke(lambda_)[0])["Root"] != first["Root"]

    other = client("lambda")
    header = f"Root={first['Root']};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:5%7C{first['Lineage']}"
    traced(other, "Invoke", header)
    second = fields_of(invoke(other)[0])
    mark = first["Lineage"].removesuffix(":1")
    assert (second["Root"], second["Sampled"]) == (first["Root"], "1")
    assert second["Parent"] != "53995c3f42cd8ad8"
    assert second["Lineage"] == f"a87bd80c:5|{mark}:2"
    third = fields_of(invoke(other, name="g")[0])
    assert third["Lineage"].startswith(f"a87bd80c:5|{mark}:1|")
    assert third["Lineage"].endswith(":1")


@pytest.mark.parametrize("header", ["nonsense", "Lineage=;;|:=", "Lineage=x:-1|y:²|z:999999999999", "a" * 2000])
def test_headers_that_make_no_sense_are_no_trouble(client: Callable[..., Any], header: str) -> None:
    lambda_ = client("lambda")
    deploy(lambda_, "f", TELLS)
    traced(lambda_, "Invoke", header.encode().decode("latin-1"))
    assert fields_of(invoke(lambda_)[0])["Root"].startswith("1-")


def test_a_request_in_a_loop_is_refused_unless_loops_are_allowed(client: Callable[..., Any]) -> None:
    lambda_ = client("lambda")
    deploy(lambda_, "f", TELLS)
    lambda_.publish_version(FunctionName="f")
    mark = fields_of(invoke(lambda_)[0])["Lineage"].removesuffix(":1")
    traced(lambda_, "Invoke", f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={mark}:{PASSES - 1}")
    assert fields_of(invoke(lambda_)[0])["Lineage"] == f"{mark}:{PASSES}"
    traced(lambda_, "Invoke", f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={mark}:{PASSES}")
    for name in ("f", "f:1"):
        with pytest.raises(lambda_.exceptions.RecursiveInvocationException) as caught:
            invoke(lambda_, name=name)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    traced(lambda_, "InvokeWithResponseStream", f"Root=1-5759e988-bd862e3fe1be46a994272793;Lineage={mark}:{PASSES}")
    with pytest.raises(lambda_.exceptions.RecursiveInvocationException):
        lambda_.invoke_with_response_stream(FunctionName="f")
    lambda_.put_function_recursion_config(FunctionName="f", RecursiveLoop="Allow")
    for name in ("f", "f:1"):
        assert fields_of(invoke(lambda_, name=name)[0])["Lineage"] == f"{mark}:{PASSES + 1}"
    first, *_ = lambda_.invoke_with_response_stream(FunctionName="f")["EventStream"]
    assert fields_of(json.loads(first["PayloadChunk"]["Payload"]))["Lineage"] == f"{mark}:{PASSES + 1}"


def test_messages_carry_the_trace(client: Callable[..., Any]) -> None:
    sqs, sns = client("sqs"), client("sns")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:5"
    for operation in ("SendMessage", "SendMessageBatch"):
        traced(sqs, operation, header)
    traced(sns, "Publish", header)
    own = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-000000000000000000000000"}}
    assert "MD5OfMessageSystemAttributes" not in sqs.send_message(QueueUrl=queue, MessageBody="one")
    told = sqs.send_message_batch(
        QueueUrl=queue,
        Entries=[
            {"Id": "a", "MessageBody": "two"},
            {"Id": "b", "MessageBody": "three", "MessageSystemAttributes": own},
        ],
    )["Successful"]
    assert ["MD5OfMessageSystemAttributes" in each for each in told] == [False, True]
    sns.publish(TopicArn=topic, Message="four")
    found: list[str] = []
    while len(found) < 4:
        received = sqs.receive_message(
            QueueUrl=queue, MessageSystemAttributeNames=["AWSTraceHeader"], MaxNumberOfMessages=10, WaitTimeSeconds=5
        )
        found += [each["Attributes"]["AWSTraceHeader"] for each in received["Messages"]]
    assert sorted(found) == sorted([header] * 3 + [own["AWSTraceHeader"]["StringValue"]])


LOOPS = """
    import boto3, json
    def handler(event, context):
        print("pass")
        CALL
"""


def passes_of(client: Callable[..., Any]) -> int:
    logs = client("logs")
    try:
        events = logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="pass")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return 0
    return len([event for event in events if event["message"].startswith("pass")])


def make_queue(sqs: Any, name: str, **attributes: str) -> tuple[str, str]:
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_loop_over_a_queue_ends_in_the_queue_s_dead_letters(timed_server: ThreadedServer, account: str) -> None:
    client = boto3_client(timed_server, account)
    sqs, lambda_ = client("sqs"), client("lambda")
    dead, dead_arn = make_queue(sqs, "dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "1"})
    queue, arn = make_queue(sqs, "q", VisibilityTimeout="30", RedrivePolicy=policy)
    call = "url = event['Records'][0]['body']; boto3.client('sqs').send_message(QueueUrl=url, MessageBody=url)"
    deploy(lambda_, "f", LOOPS.replace("CALL", call), Timeout=20, MemorySize=256)
    lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName="f", BatchSize=10)
    sqs.send_message(QueueUrl=queue, MessageBody=queue)
    wait_for(lambda: passes_of(client) == PASSES)

    def waiting() -> str:
        names = ["ApproximateNumberOfMessagesNotVisible"]
        return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"][names[0]]

    wait_for(lambda: waiting() == "1")
    timed_server.advance(31)
    letters = wait_for(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"))
    assert [letter["Body"] for letter in letters] == [queue]
    assert passes_of(client) == PASSES


@pytest.mark.parametrize("way", ["itself", "topic"])
def test_a_loop_of_asynchronous_invocations_ends_in_the_function_s_dead_letters(
    client: Callable[..., Any], way: str
) -> None:
    sqs, sns, lambda_ = client("sqs"), client("sns"), client("lambda")
    dead, dead_arn = make_queue(sqs, "dead")
    told, told_arn = make_queue(sqs, "told")
    topic = sns.create_topic(Name="t")["TopicArn"]
    call = f"boto3.client('sns').publish(TopicArn='{topic}', Message='again')"
    if way == "itself":
        call = "boto3.client('lambda').invoke(FunctionName='f', InvocationType='Event', Payload=json.dumps(event))"
    source = LOOPS.replace("CALL", call)
    made = deploy(lambda_, "f", source, Timeout=20, MemorySize=256, DeadLetterConfig={"TargetArn": dead_arn})
    lambda_.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnFailure": {"Destination": told_arn}}
    )
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=made["FunctionArn"])
    lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"a": 1}')
    letter = wait_for(
        lambda: sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"], WaitTimeSeconds=1).get("Messages")
    )[0]
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "Recursive invocation detected."
    record = json.loads(sqs.receive_message(QueueUrl=told, WaitTimeSeconds=5)["Messages"][0]["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert passes_of(client) == PASSES


def test_only_what_is_part_of_a_loop_is_left_out_of_a_batch(client: Callable[..., Any]) -> None:
    sqs, lambda_ = client("sqs"), client("lambda")
    source = """
        import os
        def handler(event, context):
            if event:
                print("pass", [record["body"] for record in event["Records"]])
            return os.environ["_X_AMZN_TRACE_ID"]
    """
    deploy(lambda_, "f", source, Timeout=20)
    mark = fields_of(invoke(lambda_)[0])["Lineage"].removesuffix(":1")
    queue, arn = make_queue(sqs, "q")
    looped = {"AWSTraceHeader": {"DataType": "String", "StringValue": f"Lineage={mark}:{PASSES}"}}
    entries = [
        {"Id": "a", "MessageBody": "one"},
        {"Id": "b", "MessageBody": "looped", "MessageSystemAttributes": looped},
        {"Id": "c", "MessageBody": "two"},
    ]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    mapping = lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName="f", BatchSize=10)["UUID"]
    wait_for(lambda: passes_of(client) == 2)
    names = ["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages"]
    expected = dict(zip(names, "10", strict=True))
    wait_for(lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"] == expected)
    # Otherwise the message would come back, and the server would say so, for as long as other tests use it.
    lambda_.delete_event_source_mapping(UUID=mapping)
    sqs.delete_queue(QueueUrl=queue)
