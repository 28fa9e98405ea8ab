"""Amazon DynamoDB through boto3: warm throughput, and a maximum of what is paid for on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., Any]
    Refused = Callable[..., Any]

INVALID = "One or more parameter values were invalid: "
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}
UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
PROVISIONED = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": UNITS}
INDEX = {
    "IndexName": "colours",
    "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


@pytest.fixture
def timed_server(shared: Path) -> Iterator[ThreadedServer]:
    settings = Settings(port=0, memory=True, shared=shared, strict=True)
    with ThreadedServer(settings, frozen_at_us=1_795_348_800_000_000, seed=1) as running:
        yield running


def create(ddb: Any, index: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    names = ["id"] if index is None else ["id", "colour"]
    created: dict[str, Any] = ddb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        **({} if index is None else {"GlobalSecondaryIndexes": [INDEX | index]}),
        **more,
    )["TableDescription"]
    return created


def described(ddb: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the descriptions of the table and of its index, if it has one."""
    table = ddb.describe_table(TableName="orders")["Table"]
    return table, next(iter(table.get("GlobalSecondaryIndexes", ())), {})


def warm(read: int, write: int) -> dict[str, Any]:
    return {"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": "ACTIVE"}


def test_what_is_paid_for_on_demand_is_warm_from_the_beginning(ddb: Any) -> None:
    assert create(ddb, {}, **ON_DEMAND)["WarmThroughput"]["Status"] == "CREATING"
    table, index = described(ddb)
    assert table["WarmThroughput"] == index["WarmThroughput"] == warm(12_000, 4_000)
    assert "OnDemandThroughput" not in table


def test_warm_throughput_grows_and_stays(ddb: Any, refused: Refused) -> None:
    create(ddb, {"ProvisionedThroughput": UNITS}, **PROVISIONED, WarmThroughput={"ReadUnitsPerSecond": 50})
    table, index = described(ddb)
    assert table["WarmThroughput"] == warm(50, 6)
    assert index["WarmThroughput"] == warm(5, 6)
    for units in (9, 1):
        ddb.update_table(
            TableName="orders", ProvisionedThroughput={"ReadCapacityUnits": units, "WriteCapacityUnits": units}
        )
    assert described(ddb)[0]["WarmThroughput"] == warm(50, 9)
    ddb.update_table(
        TableName="orders",
        WarmThroughput={"WriteUnitsPerSecond": 20},
        GlobalSecondaryIndexUpdates=[{"Update": {"IndexName": "colours", "WarmThroughput": {"ReadUnitsPerSecond": 7}}}],
    )
    table, index = described(ddb)
    assert table["WarmThroughput"] == warm(50, 20)
    assert index["WarmThroughput"] == warm(7, 6)
    ddb.update_table(TableName="orders", **ON_DEMAND)
    for each in described(ddb):
        assert each["WarmThroughput"] == warm(12_000, 4_000)
    with refused(
        f"{INVALID}Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput,"
        " decreasing WarmThroughput is not supported"
    ):
        ddb.update_table(TableName="orders", WarmThroughput={"ReadUnitsPerSecond": 11_999})


def test_a_maximum_is_set_and_removed(ddb: Any, refused: Refused) -> None:
    create(ddb, {"OnDemandThroughput": {"MaxReadRequestUnits": 200}}, **ON_DEMAND)
    table, index = described(ddb)
    assert "OnDemandThroughput" not in table
    assert index["OnDemandThroughput"] == {"MaxReadRequestUnits": 200}
    ddb.update_table(TableName="orders", OnDemandThroughput={"MaxReadRequestUnits": 3, "MaxWriteRequestUnits": 4})
    assert described(ddb)[0]["OnDemandThroughput"] == {"MaxReadRequestUnits": 3, "MaxWriteRequestUnits": 4}
    ddb.update_table(TableName="orders", OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert described(ddb)[0]["OnDemandThroughput"] == {"MaxWriteRequestUnits": 4}
    with refused(f"{INVALID}Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range"):
        ddb.update_table(TableName="orders", OnDemandThroughput={"MaxWriteRequestUnits": 0})
    update = {"IndexName": "colours", "ProvisionedThroughput": UNITS}
    ddb.update_table(TableName="orders", **PROVISIONED, GlobalSecondaryIndexUpdates=[{"Update": update}])
    ddb.update_table(TableName="orders", **ON_DEMAND)
    assert all("OnDemandThroughput" not in each for each in described(ddb)), "it doesn't come back"


def test_an_update_of_indexes_says_which(ddb: Any, refused: Refused) -> None:
    create(ddb, {}, **ON_DEMAND)
    with refused(f"{INVALID}List of GlobalSecondaryIndexUpdates is empty"):
        ddb.update_table(TableName="orders", GlobalSecondaryIndexUpdates=[])


def test_a_strict_server_keeps_to_the_maximum(
    timed_client: Make, timed_server: ThreadedServer, refused: Refused
) -> None:
    ddb = timed_client("dynamodb")
    create(ddb, **ON_DEMAND, OnDemandThroughput={"MaxWriteRequestUnits": 2})
    exceeded = ("Throughput exceeds the maximum OnDemandThroughput configured on table or index", "ThrottlingException")

    def put(name: str) -> dict[str, Any]:
        return {"Put": {"TableName": "orders", "Item": {"id": {"S": name}}}}

    ddb.put_item(TableName="orders", Item={"id": {"S": "a"}})
    ddb.put_item(TableName="orders", Item={"id": {"S": "b"}})
    with refused(*exceeded) as caught:
        ddb.put_item(TableName="orders", Item={"id": {"S": "c"}})
    arn = ddb.describe_table(TableName="orders")["Table"]["TableArn"]
    assert caught.value.response["throttlingReasons"] == [
        {"reason": "TableWriteMaxOnDemandThroughputExceeded", "resource": arn}
    ]
    with pytest.raises(ddb.exceptions.TransactionCanceledException) as cancelled:
        ddb.transact_write_items(TransactItems=[put("d")])
    (reason,) = cancelled.value.response["CancellationReasons"]
    assert reason == {"Code": "ThrottlingError", "Message": exceeded[0]}
    timed_server.advance(1)
    writes = [{"PutRequest": {"Item": {"id": {"S": name}}}} for name in "efg"]
    left = ddb.batch_write_item(RequestItems={"orders": writes})["UnprocessedItems"]
    assert left == {"orders": writes[2:]}
    for _ in range(5):
        assert ddb.scan(TableName="orders")["Count"] == 4, "reads have no maximum"
