"""Amazon DynamoDB through boto3: tables."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]

HASH_ONLY = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
ON_DEMAND = HASH_ONLY | {"BillingMode": "PAY_PER_REQUEST"}
PROVISIONED = HASH_ONLY | {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}


def test_a_table_is_created_described_listed_and_deleted(ddb: Any, account: str, refused: Any) -> None:
    created = ddb.create_table(TableName="orders", **ON_DEMAND)["TableDescription"]
    now = time.time()
    assert abs(created["CreationDateTime"].timestamp() - now) < 60
    assert created == {
        "TableName": "orders",
        "TableArn": f"arn:aws:dynamodb:us-east-1:{account}:table/orders",
        "TableId": created["TableId"],
        "TableStatus": "CREATING",
        "CreationDateTime": created["CreationDateTime"],
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "DeletionProtectionEnabled": False,
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "BillingModeSummary": {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": created["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"],
        },
        "WarmThroughput": {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "CREATING"},
        **HASH_ONLY,
    }
    warm = created["WarmThroughput"] | {"Status": "ACTIVE"}
    assert ddb.describe_table(TableName="orders")["Table"] == created | {
        "TableStatus": "ACTIVE",
        "WarmThroughput": warm,
    }
    assert ddb.list_tables()["TableNames"] == ["orders"]
    deleted = ddb.delete_table(TableName="orders")["TableDescription"]
    assert (deleted["TableName"], deleted["TableStatus"]) == ("orders", "DELETING")
    assert ddb.list_tables()["TableNames"] == []
    for work in (ddb.describe_table, ddb.delete_table, ddb.describe_time_to_live):
        with refused("Requested resource not found: Table: orders not found", "ResourceNotFoundException"):
            work(TableName="orders")
    with refused("Requested resource not found: Table: orders not found", "ResourceNotFoundException"):
        ddb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
    with refused("Table not found: orders", "TableNotFoundException"):
        ddb.describe_continuous_backups(TableName="orders")


def test_a_table_created_again_is_empty(ddb: Any, things: str, refused: Any) -> None:
    ddb.put_item(TableName=things, Item={"id": {"S": "1"}})
    with refused("Table already exists: things", "ResourceInUseException"):
        ddb.create_table(TableName=things, **ON_DEMAND)
    ddb.delete_table(TableName=things)
    ddb.create_table(TableName=things, **ON_DEMAND)
    assert ddb.scan(TableName=things)["Count"] == 0


def test_the_waiters_of_the_sdk_are_satisfied(ddb: Any) -> None:
    ddb.create_table(TableName="orders", **ON_DEMAND)
    ddb.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    ddb.delete_table(TableName="orders")
    ddb.get_waiter("table_not_exists").wait(TableName="orders", WaiterConfig={"Delay": 1, "MaxAttempts": 1})


def test_items_are_counted_and_weighed(ddb: Any, things: str) -> None:
    ddb.put_item(TableName=things, Item={"id": {"S": "12"}, "n": {"N": "100"}})
    ddb.put_item(TableName=things, Item={"id": {"S": "3"}, "l": {"L": [{"BOOL": True}, {"NULL": True}]}})
    table = ddb.describe_table(TableName=things)["Table"]
    # id 2 + text 2, n 1 + number 2; id 2 + text 1, l 1 + 3 for the list, 1 for each member, and what they are.
    assert (table["ItemCount"], table["TableSizeBytes"]) == (2, 7 + 11)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "RANGE"}]},
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "HASH"}]},
            "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}]},
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}]},
            "Invalid KeySchema: Some index key attribute have no definition",
        ),
        (
            {"AttributeDefinitions": [{"AttributeName": "b", "AttributeType": "S"}]},
            (
                "One or more parameter values were invalid: Some index key attributes are not defined in"
                " AttributeDefinitions. Keys: [id], AttributeDefinitions: [b]"
            ),
        ),
        (
            {"AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "b")]},
            (
                "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match"
                " number of attributes defined in AttributeDefinitions"
            ),
        ),
        (
            {
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "b", "KeyType": "RANGE"},
                    {"AttributeName": "c", "KeyType": "RANGE"},
                ]
            },
            (
                "1 validation error detected: Value '[KeySchemaElement(attributeName=id, keyType=HASH),"
                " KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]'"
                " at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
            ),
        ),
        (
            {"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "BOOL"}]},
            (
                "1 validation error detected: Value 'BOOL' at 'attributeDefinitions.1.member.attributeType' failed to"
                " satisfy constraint: Member must satisfy enum value set: [B, N, S]"
            ),
        ),
        (
            {"KeySchema": [{"AttributeName": "id"}]},
            (
                "1 validation error detected: Value null at 'keySchema.1.member.keyType' failed to satisfy constraint:"
                " Member must not be null"
            ),
        ),
        (
            {"KeySchema": []},
            (
                "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint:"
                " Member must have length greater than or equal to 1"
            ),
        ),
        (
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
            (
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be"
                " specified when BillingMode is PAY_PER_REQUEST"
            ),
        ),
        (
            {"BillingMode": "PROVISIONED"},
            (
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be"
                " specified when BillingMode is PROVISIONED"
            ),
        ),
        (
            {
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1},
            },
            (
                "1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy"
                " constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            {
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 40_001},
            },
            "Given value 40001 for WriteCapacityUnits is out of bounds",
        ),
        (
            {"Tags": [{"Key": str(number), "Value": ""} for number in range(51)]},
            "One or more parameter values were invalid: Number of tags exceeds 50",
        ),
        (
            {"SSESpecification": {"Enabled": True}},
            (
                "Fogbank does not support SSESpecification with a key of the key management service, which it does not"
                " have."
            ),
        ),
        ({"SSESpecification": {"KMSMasterKeyId": "alias/x"}}, None),
        ({"VectorIndexes": []}, "Fogbank does not support the parameter VectorIndexes."),
        (
            {"OnDemandThroughput": {}},
            (
                "One or more parameter values were invalid: At least one of MaxReadRequestUnits and"
                " MaxWriteRequestUnits must be specified for OnDemandThroughput for table"
            ),
        ),
    ],
)
def test_tables_that_are_refused(ddb: Any, refused: Any, change: dict[str, Any], message: str | None) -> None:
    message = message or (
        "Fogbank does not support SSESpecification with a key of the key management service, which it does not have."
    )
    with refused(message):
        ddb.create_table(TableName="orders", **ON_DEMAND | change)
    assert ddb.list_tables()["TableNames"] == []


def test_what_is_required_is_named_together(ddb: Any, refused: Any) -> None:
    with refused(
        "2 validation errors detected: Value null at 'attributeDefinitions' failed to satisfy constraint: Member must"
        " not be null; Value null at 'keySchema' failed to satisfy constraint: Member must not be null"
    ):
        ddb.create_table(TableName="orders")
    with refused(
        "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be"
        " null; Value null at 'key' failed to satisfy constraint: Member must not be null"
    ):
        ddb.get_item()
    with refused(
        "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint:"
        " Member must have length greater than or equal to 1"
    ):
        ddb.describe_table(TableName="")


@pytest.mark.parametrize("name", ["ab", "x" * 256, "a b c", "höhe", "a/b/c"])
def test_names_that_no_table_may_have(ddb: Any, refused: Any, name: str) -> None:
    message = (
        "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only"
        " the characters a-z, A-Z, 0-9, '_', '-', and '.'"
    )
    with refused(message):
        ddb.create_table(TableName=name, **ON_DEMAND)
    with refused(message):
        ddb.get_item(TableName=name, Key={"id": {"S": "1"}})


def test_tables_are_named_by_arn_and_by_other_accounts(client: Make, ddb: Any, things: str, account: str) -> None:
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/{things}"
    ddb.put_item(TableName=arn, Item={"id": {"S": "1"}}, ReturnConsumedCapacity="TOTAL")
    abroad = client("dynamodb", region="eu-west-1")
    assert abroad.get_item(TableName=arn, Key={"id": {"S": "1"}})["Item"] == {"id": {"S": "1"}}
    assert abroad.describe_table(TableName=arn)["Table"]["TableArn"] == arn
    assert abroad.list_tables()["TableNames"] == []


@pytest.mark.parametrize("arn", ["arn:aws:sqs:us-east-1:1:things", "arn:aws:dynamodb:us-east-1:1:stream/x", "arn:x"])
def test_other_arns_are_refused(ddb: Any, refused: Any, arn: str) -> None:
    with refused(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}"):
        ddb.describe_table(TableName=arn)


def test_lists_are_paged(ddb: Any, make_table: Make, refused: Any) -> None:
    names = [make_table(f"table-{number}", id="S") for number in range(5)]
    first = ddb.list_tables(Limit=2)
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (names[:2], names[1])
    pages = ddb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2})
    assert [name for page in pages for name in page["TableNames"]] == names
    assert "LastEvaluatedTableName" not in ddb.list_tables(Limit=5)
    for limit, bound in ((0, "greater than or equal to 1"), (101, "less than or equal to 100")):
        with refused(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint:"
            f" Member must have value {bound}"
        ):
            ddb.list_tables(Limit=limit)


def test_billing_and_throughput_change(
    ddb: Any, timed_client: Make, timed_server: ThreadedServer, refused: Any
) -> None:
    ddb = timed_client("dynamodb")

    def shown() -> dict[str, Any]:
        return ddb.describe_table(TableName="orders")["Table"]

    def provision(read: int, write: int, **more: Any) -> None:
        throughput = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
        ddb.update_table(TableName="orders", ProvisionedThroughput=throughput, **more)

    ddb.create_table(TableName="orders", **PROVISIONED)
    assert shown()["ProvisionedThroughput"] == {
        "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 5, "WriteCapacityUnits": 6,
    }  # fmt: skip
    assert "BillingModeSummary" not in shown()
    timed_server.advance(60)
    provision(7, 6)
    timed_server.advance(60)
    provision(7, 4)
    provision(6, 4)
    throughput = shown()["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (6, 4)
    assert (throughput["LastDecreaseDateTime"] - throughput["LastIncreaseDateTime"]).total_seconds() == 60
    assert throughput["NumberOfDecreasesToday"] == 2
    timed_server.advance(86_400)
    assert shown()["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    with refused(
        "The provisioned throughput for the table will not change. The requested value equals the current value."
        " Current ReadCapacityUnits provisioned for the table: 6. Requested ReadCapacityUnits: 6."
        " Current WriteCapacityUnits provisioned for the table: 4. Requested WriteCapacityUnits: 4."
        " Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    ):
        provision(6, 4)
    ddb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")
    assert shown()["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert shown()["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    with refused(
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified"
        " when BillingMode is PAY_PER_REQUEST"
    ):
        provision(1, 1)
    provision(1, 2, BillingMode="PROVISIONED")
    assert shown()["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert shown()["ProvisionedThroughput"]["WriteCapacityUnits"] == 2
    ddb.update_table(TableName="orders", TableClass="STANDARD_INFREQUENT_ACCESS")
    assert shown()["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"


def test_an_update_must_say_something(ddb: Any, things: str, refused: Any) -> None:
    with refused(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or"
        " SSESpecification or ReplicaUpdates is required"
    ):
        ddb.update_table(TableName=things)
    with refused("Fogbank does not support the parameter MultiRegionConsistency."):
        ddb.update_table(TableName=things, MultiRegionConsistency="STRONG")


def test_a_protected_table_is_not_deleted(ddb: Any, things: str, refused: Any) -> None:
    ddb.update_table(TableName=things, DeletionProtectionEnabled=True)
    assert ddb.describe_table(TableName=things)["Table"]["DeletionProtectionEnabled"]
    with refused(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
    ):
        ddb.delete_table(TableName=things)
    ddb.update_table(TableName=things, DeletionProtectionEnabled=False)
    ddb.delete_table(TableName=things)


def test_what_deleted_tables_held_goes_away(timed_server: ThreadedServer, timed_client: Make) -> None:
    ddb = timed_client("dynamodb")
    ddb.create_table(TableName="orders", **ON_DEMAND)
    for number in range(10):
        ddb.put_item(TableName="orders", Item={"id": {"S": str(number)}})
    ddb.delete_table(TableName="orders")

    async def left(tx: Any, _now_us: int) -> int:
        return (await tx.one("SELECT COUNT(*) FROM document"))[0]

    async def count() -> int:
        return await timed_server.app.store.read(left)

    assert timed_server.call(count()) == 10
    timed_server.advance(61)
    assert timed_server.call(count()) == 0


def test_tags(ddb: Any, account: str, refused: Any) -> None:
    ddb.create_table(TableName="orders", Tags=[{"Key": "team", "Value": "billing"}], **ON_DEMAND)
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/orders"
    ddb.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "sales"}])
    listed = ddb.list_tags_of_resource(ResourceArn=arn)
    assert listed["Tags"] == [{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "sales"}]
    ddb.untag_resource(ResourceArn=arn, TagKeys=["stage", "unknown"])
    assert ddb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "sales"}]
    with refused("Atleast one Tag Key needs to be provided as Input."):
        ddb.untag_resource(ResourceArn=arn, TagKeys=[])
    with refused("Invalid NextToken"):
        ddb.list_tags_of_resource(ResourceArn=arn, NextToken="nonsense")
    with refused("Invalid TableArn: Invalid ResourceArn provided as input orders"):
        ddb.list_tags_of_resource(ResourceArn="orders")
    with refused(
        "1 validation error detected: Value '[, ok]' at 'tagKeys' failed to satisfy constraint:"
        " Member must satisfy constraint: [Member must have length less than or equal to 128,"
        " Member must have length greater than or equal to 1]"
    ):
        ddb.untag_resource(ResourceArn=arn, TagKeys=["", "ok"])
    gone = arn.replace("orders", "nothing")
    with refused(f"Requested resource not found: ResourcArn: {gone} not found", "ResourceNotFoundException"):
        ddb.tag_resource(ResourceArn=gone, Tags=[])


def test_tags_are_listed_ten_at_a_time(ddb: Any, things: str, account: str) -> None:
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/{things}"
    tags = [{"Key": f"{number:02d}", "Value": "x"} for number in range(25)]
    ddb.tag_resource(ResourceArn=arn, Tags=tags)
    pages = list(ddb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn))
    assert [len(page["Tags"]) for page in pages] == [10, 10, 5]
    assert [tag for page in pages for tag in page["Tags"]] == tags


def test_what_there_is_no_setting_for_is_described_as_it_is(ddb: Any, things: str, server: ThreadedServer) -> None:
    assert ddb.describe_time_to_live(TableName=things)["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}
    backups = ddb.describe_continuous_backups(TableName=things)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    limits = ddb.describe_limits()
    assert (limits["AccountMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]) == (80_000, 40_000)
    (endpoint,) = ddb.describe_endpoints()["Endpoints"]
    assert endpoint == {"Address": server.url.removeprefix("http://"), "CachePeriodInMinutes": 1_440}


@pytest.mark.parametrize("operation", ["create_global_table", "import_table", "export_table_to_point_in_time"])
def test_operations_of_later_are_refused_by_name(ddb: Any, operation: str, refused: Any) -> None:
    name = "".join(word.title() for word in operation.split("_"))
    with refused(f"Fogbank does not support the operation {name} of DynamoDB.", "UnknownOperationException"):
        getattr(ddb, operation)()
