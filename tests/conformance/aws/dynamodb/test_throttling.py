"""What Amazon DynamoDB refuses as more than is provisioned, through boto3 on a server that is strict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

CODE = "ProvisionedThroughputExceededException"
OF_TABLE = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning"
    " level with the UpdateTable API."
)
OF_INDEX = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded."
    " Consider provisioning your under-provisioned global secondary indexes with the UpdateTable API."
)
# With these, 300 seconds' capacity is 300 writes and 600 reads.
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
BURST = 300


@pytest.fixture
def timed_server(shared: Path) -> Iterator[ThreadedServer]:
    settings = Settings(port=0, memory=True, shared=shared, strict=True)
    with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as running:
        yield running


@pytest.fixture
def ddb(timed_client: Make) -> Any:
    return timed_client("dynamodb")


def make(ddb: Any, name: str = "slow", write: int = 1, **more: Any) -> None:
    ddb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("id", *more)],
        ProvisionedThroughput=UNITS | {"WriteCapacityUnits": write},
        **(
            {
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "colours",
                        "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"},
                        "ProvisionedThroughput": UNITS,
                    }
                ]
            }
            if more
            else {}
        ),
    )


def put(ddb: Any, units: int = 1, name: str = "a", **more: Any) -> None:
    """Put an item that costs so many units, where there was none that costs more."""
    data = "x" * (units * 1_024 - 20)
    ddb.put_item(TableName="slow", Item={"id": {"S": name}, "data": {"S": data}, **more})


def get(ddb: Any, **more: Any) -> Any:
    return ddb.get_item(TableName="slow", Key={"id": {"S": "a"}}, **more)


def test_writes_use_up_what_was_saved_and_then_what_comes(
    ddb: Any, timed_server: ThreadedServer, refused: Refused
) -> None:
    make(ddb)
    put(ddb, 199)
    put(ddb, 100, "c")
    put(ddb, name="d")
    with refused(OF_TABLE, CODE) as caught:
        put(ddb, name="b")
    arn = ddb.describe_table(TableName="slow")["Table"]["TableArn"]
    assert caught.value.response["ThrottlingReasons"] == [
        {"reason": "TableWriteProvisionedThroughputExceeded", "resource": arn}
    ]
    # What was refused wasn't written.
    assert "Item" not in ddb.get_item(TableName="slow", Key={"id": {"S": "b"}})
    timed_server.advance(1)
    # Deleting costs what the item was.
    put(ddb, name="b")
    with refused(OF_TABLE, CODE):
        ddb.delete_item(TableName="slow", Key={"id": {"S": "a"}})
    timed_server.advance(2)
    ddb.update_item(
        TableName="slow",
        Key={"id": {"S": "b"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    # More than there ever is can be had once all is there.
    with refused(OF_TABLE, CODE):
        put(ddb, 390)
    timed_server.advance(BURST + 200)
    put(ddb, 390)
    timed_server.advance(BURST - 200)
    with refused(OF_TABLE, CODE):
        put(ddb, 390)
    ddb.update_table(TableName="slow", BillingMode="PAY_PER_REQUEST")
    for _ in range(3):
        put(ddb, 390)


def test_reads_count_halves(ddb: Any, timed_server: ThreadedServer, refused: Refused) -> None:
    make(ddb, write=1_000)
    put(ddb, 392)
    # 98 units each, or half of that.
    for _ in range(3):
        get(ddb, ConsistentRead=True)
    with refused(OF_TABLE, CODE):
        get(ddb)
    ddb.get_item(TableName="slow", Key={"id": {"S": "none"}})
    for _ in range(11):
        ddb.get_item(TableName="slow", Key={"id": {"S": "none"}})
    with refused(OF_TABLE, CODE):
        ddb.get_item(TableName="slow", Key={"id": {"S": "none"}})
    timed_server.advance(49)
    ddb.scan(TableName="slow")
    with refused(OF_TABLE, CODE):
        ddb.scan(TableName="slow")
    with refused(OF_TABLE, CODE):
        ddb.execute_statement(Statement="SELECT * FROM slow WHERE id = 'a'")


def test_indexes_have_their_own(ddb: Any, timed_server: ThreadedServer, refused: Refused) -> None:
    make(ddb, write=1_000, colour="S")
    red = {"colour": {"S": "red"}}
    put(ddb, 299, **red)
    with refused(OF_INDEX, CODE):
        put(ddb, 300, **red)
    put(ddb, 200, name="b")
    for _ in range(4):
        find(ddb, ConsistentRead=False)
    for _ in range(4):
        find(ddb)
    with refused(OF_INDEX, CODE):
        find(ddb)
    get(ddb, ConsistentRead=True)


def find(ddb: Any, **more: Any) -> None:
    ddb.query(
        TableName="slow",
        IndexName="colours",
        KeyConditionExpression="colour = :c",
        ExpressionAttributeValues={":c": {"S": "red"}},
        **more,
    )


def test_batches_leave_what_is_throttled(ddb: Any, timed_server: ThreadedServer, refused: Refused) -> None:
    make(ddb)
    puts = [{"PutRequest": {"Item": {"id": {"S": str(number)}, "data": {"S": "x" * 99_000}}}} for number in range(4)]
    reply = ddb.batch_write_item(RequestItems={"slow": puts})
    assert reply["UnprocessedItems"] == {"slow": [puts[3]]}
    gone = [{"DeleteRequest": {"Key": {"id": {"S": "0"}}}}]
    with refused(OF_TABLE, CODE):
        ddb.batch_write_item(RequestItems={"slow": gone})
    keys = [{"id": {"S": str(number)}} for number in range(3)]
    for _ in range(3):
        assert (
            ddb.batch_get_item(RequestItems={"slow": {"Keys": keys, "ConsistentRead": True}})["UnprocessedKeys"] == {}
        )
    ddb.get_item(TableName="slow", Key=keys[0], ConsistentRead=True)
    reply = ddb.batch_get_item(RequestItems={"slow": {"Keys": keys, "ConsistentRead": True}})
    assert reply["UnprocessedKeys"] == {"slow": {"Keys": keys[2:], "ConsistentRead": True}}
    assert len(reply["Responses"]["slow"]) == 2
    with refused(OF_TABLE, CODE):
        ddb.batch_get_item(RequestItems={"slow": {"Keys": keys, "ConsistentRead": True}})


def test_transactions_are_cancelled(ddb: Any, timed_server: ThreadedServer) -> None:
    make(ddb)
    make(ddb, "fast", write=1_000)

    def write(kilobytes: int) -> None:
        ddb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "fast", "Item": {"id": {"S": "a"}}}},
                {"Put": {"TableName": "slow", "Item": {"id": {"S": "a"}, "data": {"S": "x" * 1_000 * kilobytes}}}},
            ]
        )

    write(140)
    with pytest.raises(ClientError) as caught:
        write(140)
    reasons = caught.value.response["CancellationReasons"]
    assert [each["Code"] for each in reasons] == ["None", "ProvisionedThroughputExceeded"]
    assert reasons[1]["Message"] == OF_TABLE
    gets = [{"Get": {"TableName": "slow", "Key": {"id": {"S": "a"}}}}]
    for _ in range(4):
        ddb.transact_get_items(TransactItems=gets)
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        ddb.transact_get_items(TransactItems=gets)
