"""Amazon DynamoDB Streams through boto3."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

TABLE: dict[str, Any] = {
    "TableName": "orders",
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}


def enabled(view: str = "NEW_AND_OLD_IMAGES") -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": view}


def make(ddb: Any, view: str = "NEW_AND_OLD_IMAGES") -> str:
    """Create the table with a stream; returns the stream's ARN."""
    return ddb.create_table(**TABLE, StreamSpecification=enabled(view))["TableDescription"]["LatestStreamArn"]


def iterator(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    found = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=kind, **more)
    return found["ShardIterator"]


def records(streams: Any, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[dict[str, Any]]:
    return streams.get_records(ShardIterator=iterator(streams, arn, kind, **more))["Records"]


@pytest.fixture
def streams(client: Make) -> Any:
    return client("dynamodbstreams", parameter_validation=False)


@pytest.fixture
def arn(ddb: Any) -> str:
    return make(ddb)


def write(ddb: Any) -> None:
    """Insert, modify, leave alone and remove one item."""
    ddb.put_item(TableName="orders", Item={**KEY, "n": {"N": "1"}})
    ddb.put_item(TableName="orders", Item={"n": {"N": "1"}, **KEY})
    ddb.update_item(
        TableName="orders",
        Key=KEY,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"BOOL": True}},
    )
    ddb.delete_item(TableName="orders", Key=KEY)
    ddb.delete_item(TableName="orders", Key=KEY)


def test_a_stream_is_described_with_its_table(ddb: Any, streams: Any, arn: str, account: str) -> None:
    table = ddb.describe_table(TableName="orders")["Table"]
    assert table["StreamSpecification"] == enabled()
    label = table["LatestStreamLabel"]
    assert arn == f"arn:aws:dynamodb:us-east-1:{account}:table/orders/stream/{label}"
    assert streams.list_streams()["Streams"] == [{"StreamArn": arn, "TableName": "orders", "StreamLabel": label}]
    assert streams.list_streams(TableName="other")["Streams"] == []
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    created = described.pop("CreationRequestDateTime")
    assert created.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S") == label[:19]
    (shard,) = described.pop("Shards")
    assert len(shard["ShardId"]) >= 28
    assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    assert described == {
        "StreamArn": arn,
        "StreamLabel": label,
        "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "TableName": "orders",
        "KeySchema": TABLE["KeySchema"],
    }
    later = streams.describe_stream(StreamArn=arn, ExclusiveStartShardId=shard["ShardId"])["StreamDescription"]
    assert later["Shards"] == []
    wanted = {"Type": "CHILD_SHARDS", "ShardId": shard["ShardId"]}
    assert streams.describe_stream(StreamArn=arn, ShardFilter=wanted)["StreamDescription"]["Shards"] == []


def test_records_tell_what_each_write_changed(ddb: Any, streams: Any, arn: str) -> None:
    write(ddb)
    inserted, modified, removed = records(streams, arn)
    assert [each["eventName"] for each in (inserted, modified, removed)] == ["INSERT", "MODIFY", "REMOVE"]
    assert len({each["eventID"] for each in (inserted, modified, removed)}) == 3
    told = inserted["dynamodb"]
    at = told.pop("ApproximateCreationDateTime")
    assert abs((dt.datetime.now(dt.UTC) - at).total_seconds()) < 60
    number = told.pop("SequenceNumber")
    assert 21 <= len(number) <= 40
    assert told == {
        "Keys": KEY,
        "NewImage": {**KEY, "n": {"N": "1"}},
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "SizeBytes": 7 + 10,
    }
    del inserted["dynamodb"], inserted["eventID"]
    assert inserted == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
    }
    # To Python, true is 1; to DynamoDB it isn't.
    assert modified["dynamodb"]["OldImage"]["n"] == {"N": "1"}
    assert modified["dynamodb"]["NewImage"]["n"] == {"BOOL": True}
    assert removed["dynamodb"]["OldImage"]["n"] == {"BOOL": True}
    assert "NewImage" not in removed["dynamodb"]
    assert "userIdentity" not in removed


@pytest.mark.parametrize(
    ("view", "images"),
    [("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"})],
)
def test_view_types(ddb: Any, streams: Any, view: str, images: set[str]) -> None:
    arn = make(ddb, view)
    write(ddb)
    _, modified, _ = records(streams, arn)
    assert modified["dynamodb"]["StreamViewType"] == view
    assert {name for name in modified["dynamodb"] if name.endswith("Image")} == images


def test_batches_and_updates_of_nothing(ddb: Any, streams: Any, arn: str) -> None:
    puts = [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"N": str(number)}}}} for number in range(5)]
    ddb.batch_write_item(RequestItems={"orders": puts})
    ddb.update_item(TableName="orders", Key=KEY)
    numbers = [each["dynamodb"]["Keys"]["sk"]["N"] for each in records(streams, arn)]
    assert sorted(numbers) == ["0", "1", "2", "3", "4"]


def test_iterators(ddb: Any, streams: Any, arn: str, refused: Refused) -> None:
    early = iterator(streams, arn, "LATEST")
    for number in range(4):
        ddb.put_item(TableName="orders", Item={**KEY, "n": {"N": str(number)}})

    def seen(found: list[dict[str, Any]]) -> list[int]:
        return [int(each["dynamodb"]["NewImage"]["n"]["N"]) for each in found]

    first = streams.get_records(ShardIterator=early, Limit=3)
    assert seen(first["Records"]) == [0, 1, 2]
    second = streams.get_records(ShardIterator=first["NextShardIterator"])
    assert seen(second["Records"]) == [3]
    assert streams.get_records(ShardIterator=second["NextShardIterator"])["Records"] == []
    assert records(streams, arn, "LATEST") == []
    number = first["Records"][1]["dynamodb"]["SequenceNumber"]
    assert seen(records(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=number)) == [1, 2, 3]
    assert seen(records(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=number)) == [2, 3]
    assert seen(records(streams, arn, "AT_TIMESTAMP", Timestamp=0)) == [0, 1, 2, 3]
    assert records(streams, arn, "AT_TIMESTAMP", Timestamp=4_000_000_000) == []
    with refused(f"Invalid SequenceNumber: {'9' * 30}"):
        iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber="9" * 30)
    with refused("SequenceNumber is required for ShardIteratorType AT_SEQUENCE_NUMBER"):
        iterator(streams, arn, "AT_SEQUENCE_NUMBER")
    with refused("SequenceNumber is not allowed for ShardIteratorType LATEST"):
        iterator(streams, arn, "LATEST", SequenceNumber=number)
    with refused("Invalid ShardIterator"):
        streams.get_records(ShardIterator="nothing")


def test_a_page_has_a_megabyte_at_most(ddb: Any, streams: Any, arn: str) -> None:
    for number in range(4):
        ddb.put_item(TableName="orders", Item={"pk": {"S": "a"}, "sk": {"N": str(number)}, "x": {"S": "x" * 390_000}})
    page = streams.get_records(ShardIterator=iterator(streams, arn))
    assert len(page["Records"]) == 2
    assert len(streams.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == 2


def test_a_stream_is_disabled_and_another_enabled(ddb: Any, streams: Any, arn: str, refused: Refused) -> None:
    write(ddb)
    with refused("Table already has an enabled stream: TableName: orders"):
        ddb.update_table(TableName="orders", StreamSpecification=enabled("KEYS_ONLY"))
    disabled = ddb.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})["TableDescription"]
    assert "StreamSpecification" not in disabled
    assert disabled["LatestStreamArn"] == arn
    with refused("Table is already disabled for streams: TableName: orders"):
        ddb.update_table(TableName="orders", StreamSpecification={"StreamEnabled": False})
    again = ddb.update_table(TableName="orders", StreamSpecification=enabled("KEYS_ONLY"))["TableDescription"]
    other = again["LatestStreamArn"]
    assert other != arn
    write(ddb)
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    page = streams.get_records(ShardIterator=iterator(streams, arn))
    assert "NextShardIterator" not in page
    last = page["Records"][-1]["dynamodb"]["SequenceNumber"]
    assert described["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"] == last
    assert len(page["Records"]) == 3
    assert len(records(streams, other)) == 3
    first = streams.list_streams(Limit=1)
    assert first["LastEvaluatedStreamArn"] == arn
    rest = streams.list_streams(ExclusiveStartStreamArn=arn)
    assert [each["StreamArn"] for each in rest["Streams"]] == [other]


def test_a_deleted_table_can_still_be_read_of(ddb: Any, streams: Any, arn: str) -> None:
    write(ddb)
    ddb.delete_table(TableName="orders")
    assert len(records(streams, arn)) == 3
    ddb.create_table(**TABLE)
    assert "LatestStreamArn" not in ddb.describe_table(TableName="orders")["Table"]
    assert [each["StreamArn"] for each in streams.list_streams(TableName="orders")["Streams"]] == [arn]


def test_streams_that_make_no_sense(ddb: Any, streams: Any, arn: str, refused: Refused) -> None:
    table = {**TABLE, "TableName": "others"}
    with refused(
        "One or more parameter values were invalid: StreamViewType must be specified when StreamEnabled is true"
    ):
        ddb.create_table(**table, StreamSpecification={"StreamEnabled": True})
    with refused(
        "One or more parameter values were invalid: Table is being created with a stream disabled, UpdateViewType"
        " should not be specified"
    ):
        ddb.create_table(**table, StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"})
    with pytest.raises(ClientError, match=r"streamViewType.*Member must satisfy enum value set"):
        ddb.create_table(**table, StreamSpecification={"StreamEnabled": True, "StreamViewType": "ALL"})
    missing = arn.replace("orders", "others")
    with refused(f"Requested resource not found: Stream: {missing} not found", "ResourceNotFoundException"):
        streams.describe_stream(StreamArn=missing)
    with refused(f"Invalid StreamArn: {'x' * 40}"):
        streams.describe_stream(StreamArn="x" * 40)
    shard = f"shardId-{0:020}-00000000"
    with refused(
        f"Requested resource not found: Shard: {shard} in Stream: {arn} not found", "ResourceNotFoundException"
    ):
        streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")
    with pytest.raises(ClientError, match="less than or equal to 1000"):
        streams.get_records(ShardIterator=iterator(streams, arn), Limit=1_001)
    assert ddb.list_tables()["TableNames"] == ["orders"]


def test_what_time_does_to_streams(timed_server: ThreadedServer, timed_client: Make) -> None:
    ddb, streams = timed_client("dynamodb"), timed_client("dynamodbstreams")
    arn = make(ddb)
    ddb.put_item(TableName="orders", Item=KEY)
    place = iterator(streams, arn)
    timed_server.advance(15 * 60)
    assert len(streams.get_records(ShardIterator=place)["Records"]) == 1
    timed_server.advance(1)
    with pytest.raises(streams.exceptions.ExpiredIteratorException):
        streams.get_records(ShardIterator=place)
    number = records(streams, arn)[0]["dynamodb"]["SequenceNumber"]
    timed_server.advance(86_400 - 16 * 60)
    place = iterator(streams, arn)
    ddb.delete_item(TableName="orders", Key=KEY)
    timed_server.advance(10 * 60)
    (removed,) = records(streams, arn)
    assert removed["eventName"] == "REMOVE"
    for trimmed in (
        lambda: streams.get_records(ShardIterator=place),
        lambda: iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=number),
    ):
        with pytest.raises(streams.exceptions.TrimmedDataAccessException, match="past the oldest stream record"):
            trimmed()
    ddb.delete_table(TableName="orders")
    timed_server.advance(86_400 - 61)
    assert len(streams.list_streams()["Streams"]) == 1
    timed_server.advance(200)
    assert streams.list_streams()["Streams"] == []
