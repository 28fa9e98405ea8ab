"""Amazon DynamoDB through boto3: global and local secondary indexes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., Any]

KEYS = {"pk": "S", "sk": "N", "owner": "S", "due": "N", "note": "S"}


def schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def index(name: str, *keys: str, projection: str = "ALL", attributes: list[str] | None = None) -> dict[str, Any]:
    projected: dict[str, Any] = {"ProjectionType": projection}
    if attributes is not None:
        projected["NonKeyAttributes"] = attributes
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": projected}


def definitions(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": KEYS[name]} for name in names]


@pytest.fixture
def tasks(ddb: Any) -> str:
    ddb.create_table(
        TableName="tasks",
        KeySchema=schema("pk", "sk"),
        AttributeDefinitions=definitions("pk", "sk", "owner", "due"),
        GlobalSecondaryIndexes=[
            index("by-owner", "owner", "due"),
            index("owners", "owner", projection="KEYS_ONLY"),
        ],
        LocalSecondaryIndexes=[index("by-due", "pk", "due", projection="INCLUDE", attributes=["note"])],
        BillingMode="PAY_PER_REQUEST",
    )
    return "tasks"


def put(ddb: Any, pk: str, sk: int, **more: dict[str, Any]) -> None:
    ddb.put_item(TableName="tasks", Item={"pk": {"S": pk}, "sk": {"N": str(sk)}, **more})


def query(ddb: Any, name: str, condition: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    return ddb.query(
        TableName="tasks",
        IndexName=name,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        **more,
    )


def of_ann(ddb: Any, **more: Any) -> dict[str, Any]:
    return query(ddb, "by-owner", "#o = :o", {":o": {"S": "ann"}}, ExpressionAttributeNames={"#o": "owner"}, **more)


def test_indexes_are_described(ddb: Any, tasks: str) -> None:
    table = ddb.describe_table(TableName=tasks)["Table"]
    assert {each["AttributeName"] for each in table["AttributeDefinitions"]} == {"pk", "sk", "owner", "due"}
    by_owner, owners = table["GlobalSecondaryIndexes"]
    assert by_owner["IndexName"] == "by-owner"
    assert by_owner["IndexStatus"] == "ACTIVE"
    assert by_owner["KeySchema"] == schema("owner", "due")
    assert by_owner["IndexArn"] == f"{table['TableArn']}/index/by-owner"
    assert owners["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    (local,) = table["LocalSecondaryIndexes"]
    assert local["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]}


def test_items_are_found_where_they_belong_now(ddb: Any, tasks: str) -> None:
    for number in range(6):
        owner = {"S": "ann" if number % 2 else "bob"}
        put(ddb, "p", number, owner=owner, due={"N": str(10 - number)}, note={"S": f"n{number}"})
    put(ddb, "p", 6, owner={"S": "ann"})
    assert [int(item["sk"]["N"]) for item in of_ann(ddb)["Items"]] == [5, 3, 1]
    assert [int(item["sk"]["N"]) for item in of_ann(ddb, ScanIndexForward=False)["Items"]] == [1, 3, 5]
    ddb.update_item(
        TableName=tasks,
        Key={"pk": {"S": "p"}, "sk": {"N": "3"}},
        UpdateExpression="SET #o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": {"S": "bob"}},
    )
    ddb.delete_item(TableName=tasks, Key={"pk": {"S": "p"}, "sk": {"N": "5"}})
    assert [item["note"]["S"] for item in of_ann(ddb)["Items"]] == ["n1"]
    keys = query(ddb, "owners", "#o = :o", {":o": {"S": "ann"}}, ExpressionAttributeNames={"#o": "owner"})["Items"]
    assert sorted(keys, key=str) == [
        {"pk": {"S": "p"}, "sk": {"N": "1"}, "owner": {"S": "ann"}},
        {"pk": {"S": "p"}, "sk": {"N": "6"}, "owner": {"S": "ann"}},
    ]


def test_pages_of_an_index(ddb: Any, tasks: str) -> None:
    for number in range(7):
        put(ddb, f"p{number}", number, owner={"S": "ann"}, due={"N": str(number // 3)})
    for operation in (of_ann, lambda ddb, **more: ddb.scan(TableName="tasks", IndexName="by-owner", **more)):
        found: list[str] = []
        start: dict[str, Any] = {}
        while True:
            page = operation(ddb, Limit=2, **start)
            found += [item["pk"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            assert page["LastEvaluatedKey"].keys() == {"pk", "sk", "owner", "due"}
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert sorted(found) == [f"p{number}" for number in range(7)]


def test_a_local_index_fetches_what_it_has_not(ddb: Any, tasks: str) -> None:
    put(ddb, "p", 1, due={"N": "1"}, note={"S": "n"}, more={"S": "m"})

    def ask(**more: Any) -> dict[str, Any]:
        found = query(ddb, "by-due", "pk = :p", {":p": {"S": "p"}}, ReturnConsumedCapacity="INDEXES", **more)
        consumed.append(found["ConsumedCapacity"])
        return found["Items"][0]

    consumed: list[dict[str, Any]] = []

    assert ask().keys() == {"pk", "sk", "due", "note"}
    assert ask(Select="ALL_ATTRIBUTES").keys() == {"pk", "sk", "due", "note", "more"}
    assert ask(ProjectionExpression="more") == {"more": {"S": "m"}}
    assert ask(ConsistentRead=True)["note"] == {"S": "n"}
    assert [(each["CapacityUnits"], each["Table"]["CapacityUnits"]) for each in consumed] == [
        (0.5, 0.0), (1.0, 0.5), (1.0, 0.5), (1.0, 0.0),
    ]  # fmt: skip


def test_what_an_index_refuses(ddb: Any, tasks: str, refused: Refused) -> None:
    names = {"#o": "owner"}
    ann = {":o": {"S": "ann"}}
    with refused("The table does not have the specified index: nothing"):
        query(ddb, "nothing", "pk = :o", ann)
    with refused("Consistent reads are not supported on global secondary indexes"):
        of_ann(ddb, ConsistentRead=True)
    with refused("One or more parameter values were invalid: Global secondary index owners does not project [note]"):
        query(ddb, "owners", "#o = :o", ann, ExpressionAttributeNames=names, ProjectionExpression="note")
    with refused(
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary"
        " index owners because its projection type is not ALL"
    ):
        query(ddb, "owners", "#o = :o", ann, ExpressionAttributeNames=names, Select="ALL_ATTRIBUTES")
    with refused("Query condition missed key schema element: owner"):
        query(ddb, "by-owner", "pk = :o", ann)
    with refused(
        "One or more parameter values were invalid: Type mismatch for Index Key due Expected: N Actual: S IndexName:"
        " by-due"
    ):
        put(ddb, "p", 1, due={"S": "soon"})
    with refused(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The"
        " AttributeValue for a key attribute cannot contain an empty string value. IndexName: by-owner, IndexKey: owner"
    ):
        put(ddb, "p", 1, owner={"S": ""})
    with refused(
        "One or more parameter values were invalid: Type mismatch for Index Key owner Expected: S Actual: NULL"
        " IndexName: by-owner"
    ):
        put(ddb, "p", 1, owner={"NULL": True})
    with refused(
        "One or more parameter values are not valid. The update expression attempted to update a secondary index key to"
        " a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."
        " IndexName: by-owner, IndexKey: owner"
    ):
        ddb.update_item(
            TableName=tasks,
            Key={"pk": {"S": "p"}, "sk": {"N": "1"}},
            UpdateExpression="SET #o = :o",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":o": {"S": ""}},
        )
    with refused(
        "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The"
        " AttributeValue for a key attribute cannot contain an empty string value. IndexName: owners, IndexKey: owner"
    ):
        query(ddb, "owners", "#o = :o", {":o": {"S": ""}}, ExpressionAttributeNames=names)
    with refused("The provided starting key is invalid"):
        of_ann(ddb, ExclusiveStartKey={"pk": {"S": "p"}, "sk": {"N": "1"}})
    assert ddb.scan(TableName=tasks)["Count"] == 0


def test_keys_of_indexes_are_as_large_as_those_of_tables(ddb: Any, tasks: str, refused: Refused) -> None:
    put(ddb, "p", 1, owner={"S": "é" * 1_024})
    with refused(
        "One or more parameter values were invalid: Size limit exceeded for Index Key owner Actual Size: 2050 bytes"
        " Max Size: 2048 bytes IndexName: by-owner"
    ):
        put(ddb, "p", 2, owner={"S": "é" * 1_025})
    ddb.create_table(
        TableName="texts",
        KeySchema=schema("pk", "sk"),
        AttributeDefinitions=definitions("pk", "sk", "owner"),
        LocalSecondaryIndexes=[index("by-owner", "pk", "owner")],
        BillingMode="PAY_PER_REQUEST",
    )
    with refused(
        "One or more parameter values were invalid: Size limit exceeded for Index Key owner Actual Size: 1025 bytes"
        " Max Size: 1024 bytes IndexName: by-owner"
    ):
        ddb.put_item(TableName="texts", Item={"pk": {"S": "p"}, "sk": {"N": "1"}, "owner": {"S": "x" * 1_025}})
    assert ddb.scan(TableName=tasks, Select="COUNT")["Count"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"GlobalSecondaryIndexes": [index("idx", "owner"), index("idx", "due")]}, "Duplicate index name: idx"),
        (
            {"GlobalSecondaryIndexes": [index("idx", "note")]},
            (
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [note], AttributeDefinitions:"
                " [pk, sk, owner, due]"
            ),
        ),
        ({"GlobalSecondaryIndexes": []}, "List of GlobalSecondaryIndexes is empty"),
        (
            {"LocalSecondaryIndexes": [index("idx", "owner", "due")]},
            (
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: idx. index hash"
                " key: owner, table hash key: pk"
            ),
        ),
        ({"LocalSecondaryIndexes": [index("idx", "pk")]}, "Index KeySchema does not have a range key for index: idx"),
        (
            {"GlobalSecondaryIndexes": [index("idx", "owner", projection="INCLUDE")]},
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("idx", "owner", attributes=["x"])]},
            "ProjectionType is ALL, but NonKeyAttributes is specified",
        ),
        (
            {"GlobalSecondaryIndexes": [index("idx", "owner")]},
            (
                "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk, owner, due], keys used:"
                " [owner, pk, sk]"
            ),
        ),
        (
            {"GlobalSecondaryIndexes": [index(f"idx{number}", "owner", "due") for number in range(21)]},
            "Number of GlobalSecondaryIndexes exceeds per-table limit of 20",
        ),
    ],
)
def test_tables_whose_indexes_make_no_sense(ddb: Any, refused: Refused, changes: dict[str, Any], message: str) -> None:
    table = {
        "TableName": "tasks",
        "KeySchema": schema("pk", "sk"),
        "AttributeDefinitions": definitions("pk", "sk", "owner", "due"),
        "BillingMode": "PAY_PER_REQUEST",
    }
    with refused(f"One or more parameter values were invalid: {message}"):
        ddb.create_table(**table | changes)


def test_an_index_is_added_to_a_table_with_items_and_removed(ddb: Any, make_table: Any, refused: Refused) -> None:
    table = make_table("tasks", pk="S", sk="N")
    for number in range(30):
        put(ddb, "p", number, owner={"S": "ann" if number % 3 else "bob"}, due={"S": "no number"})
    created = ddb.update_table(
        TableName=table,
        AttributeDefinitions=definitions("pk", "sk", "owner"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-owner", "owner", "sk")}],
    )["TableDescription"]
    assert created["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    for _ in range(500):
        described = ddb.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"][0]
        if described["IndexStatus"] == "ACTIVE":
            break
        time.sleep(0.01)
    assert "Backfilling" not in described
    assert len(of_ann(ddb)["Items"]) == 20
    with refused("Attempting to create an index which already exists"):
        ddb.update_table(
            TableName=table,
            AttributeDefinitions=definitions("pk", "sk", "owner"),
            GlobalSecondaryIndexUpdates=[{"Create": index("by-owner", "owner")}],
        )
    ddb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}])
    with refused("The table does not have the specified index: by-owner"):
        of_ann(ddb)
    with refused("Requested resource not found", "ResourceNotFoundException"):
        ddb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}])


def test_indexes_are_paid_for_as_their_table_is(ddb: Any, refused: Refused) -> None:
    units = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}
    table = {
        "TableName": "tasks",
        "KeySchema": schema("pk", "sk"),
        "AttributeDefinitions": definitions("pk", "sk", "owner"),
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": units,
    }
    invalid = "One or more parameter values were invalid: "
    with refused(f"{invalid}ProvisionedThroughput is not specified for index: by-owner"):
        ddb.create_table(**table, GlobalSecondaryIndexes=[index("by-owner", "owner")])
    by_owner = index("by-owner", "owner") | {"ProvisionedThroughput": units}
    created = ddb.create_table(**table, GlobalSecondaryIndexes=[by_owner])["TableDescription"]
    assert created["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"

    def change(**changes: Any) -> tuple[int, int]:
        ddb.update_table(TableName="tasks", **changes)
        (shown,) = ddb.describe_table(TableName="tasks")["Table"]["GlobalSecondaryIndexes"]
        assert shown["IndexStatus"] == "ACTIVE"
        throughput = shown["ProvisionedThroughput"]
        return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]

    update = [{"Update": {"IndexName": "by-owner", "ProvisionedThroughput": units}}]
    assert change(BillingMode="PAY_PER_REQUEST") == (0, 0)
    with refused(
        f"{invalid}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: by-owner when"
        " BillingMode is PAY_PER_REQUEST"
    ):
        change(GlobalSecondaryIndexUpdates=update)
    provisioned = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    with refused(f"{invalid}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: by-owner"):
        change(**provisioned)
    assert change(**provisioned, GlobalSecondaryIndexUpdates=update) == (2, 3)


def test_keys_of_several_attributes_are_refused_by_name(ddb: Any, make_table: Any, refused: Refused) -> None:
    make_table("tasks", pk="S", sk="N")
    parts = [{"AttributeName": name, "KeyType": "HASH"} for name in ("owner", "due")]
    several = index("by-both", "owner") | {"KeySchema": parts}
    with refused("Fogbank does not support several attributes of one KeyType in the KeySchema of an index: by-both."):
        ddb.update_table(
            TableName="tasks",
            AttributeDefinitions=definitions("owner", "due"),
            GlobalSecondaryIndexUpdates=[{"Create": several}],
        )
