"""What writes cost a table and its indexes, and the sizes of item collections, through boto3."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.aws.dynamodb.test_indexes import definitions, index, schema


@pytest.fixture
def tasks(ddb: Any) -> str:
    ddb.create_table(
        TableName="tasks",
        KeySchema=schema("pk", "sk"),
        AttributeDefinitions=definitions("pk", "sk", "owner", "due"),
        GlobalSecondaryIndexes=[index("by-owner", "owner"), index("owners", "owner", projection="KEYS_ONLY")],
        LocalSecondaryIndexes=[index("by-due", "pk", "due", projection="INCLUDE", attributes=["note"])],
        BillingMode="PAY_PER_REQUEST",
    )
    return "tasks"


KEY = {"pk": {"S": "p"}, "sk": {"N": "1"}}


def put(ddb: Any, wanted: str = "INDEXES", **more: dict[str, str]) -> dict[str, Any]:
    return ddb.put_item(TableName="tasks", Item={**KEY, **more}, ReturnConsumedCapacity=wanted)["ConsumedCapacity"]


def units(table: float, local: dict[str, float] | None = None, **global_: float) -> dict[str, Any]:
    """What INDEXES shows; `_` in names stands for `-`."""
    local = local or {}
    named = {name.replace("_", "-"): cost for name, cost in global_.items()}
    shown: dict[str, Any] = {
        "TableName": "tasks",
        "CapacityUnits": table + sum(local.values()) + sum(named.values()),
        "Table": {"CapacityUnits": table},
    }
    for kind, of_kind in (("LocalSecondaryIndexes", local), ("GlobalSecondaryIndexes", named)):
        if of_kind:
            shown[kind] = {name: {"CapacityUnits": cost} for name, cost in of_kind.items()}
    return shown


def test_indexes_consume_what_changes_in_them(ddb: Any, tasks: str) -> None:
    ann, bob, due = {"S": "ann"}, {"S": "bob"}, {"N": "1"}
    long = {"S": "x" * 1_500}
    assert put(ddb) == units(1)
    # It is in the index from now on.
    assert put(ddb, owner=ann) == units(1, by_owner=1, owners=1)
    # Only one of them has the attribute, and it is longer than a KB.
    assert put(ddb, owner=ann, more=long) == units(2, by_owner=2)
    assert put(ddb, owner=ann, more=long) == units(2)
    # From one place to another.
    assert put(ddb, owner=bob, more=long) == units(2, by_owner=4, owners=2)
    assert put(ddb, owner=bob) == units(2, by_owner=2)
    assert put(ddb, due=due) == units(1, {"by-due": 1}, by_owner=1, owners=1)
    assert put(ddb, due=due, more=long) == units(2)
    assert put(ddb, due=due, note=long) == units(2, {"by-due": 2})
    assert put(ddb, "TOTAL", due=due) == {"TableName": "tasks", "CapacityUnits": 4.0}
    updated = ddb.update_item(
        TableName=tasks,
        Key=KEY,
        UpdateExpression="SET #o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": ann},
        ReturnConsumedCapacity="INDEXES",
    )
    assert updated["ConsumedCapacity"] == units(1, by_owner=1, owners=1)
    deleted = ddb.delete_item(TableName=tasks, Key=KEY, ReturnConsumedCapacity="INDEXES")
    assert deleted["ConsumedCapacity"] == units(1, {"by-due": 1}, by_owner=1, owners=1)
    deleted = ddb.delete_item(TableName=tasks, Key=KEY, ReturnConsumedCapacity="INDEXES")
    assert deleted["ConsumedCapacity"] == units(1)


def test_a_batch_adds_them_up(ddb: Any, tasks: str) -> None:
    puts = [
        {"PutRequest": {"Item": {"pk": {"S": "p"}, "sk": {"N": str(number)}, "owner": {"S": "ann"}}}}
        for number in range(3)
    ]
    written = ddb.batch_write_item(
        RequestItems={tasks: puts}, ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE"
    )
    assert written["ConsumedCapacity"] == [units(3, by_owner=3, owners=3)]
    (metrics,) = written["ItemCollectionMetrics"][tasks]
    assert metrics == {"ItemCollectionKey": {"pk": {"S": "p"}}, "SizeEstimateRangeGB": [0.0, 1.0]}


def test_statements_tell_of_indexes_too(ddb: Any, tasks: str) -> None:
    insert = "INSERT INTO tasks VALUE {'pk': 'p', 'sk': %d, 'owner': 'ann'}"
    reply = ddb.execute_statement(Statement=insert % 1, ReturnConsumedCapacity="INDEXES")
    assert reply["ConsumedCapacity"] == units(1, by_owner=1, owners=1)
    statements = [{"Statement": insert % number} for number in (2, 3)]
    reply = ddb.batch_execute_statement(Statements=statements, ReturnConsumedCapacity="INDEXES")
    assert reply["ConsumedCapacity"] == [units(2, by_owner=2, owners=2)]


def test_a_transaction_consumes_twice_of_table_and_indexes(ddb: Any, tasks: str) -> None:
    item = {**KEY, "owner": {"S": "ann"}, "due": {"N": "1"}}
    writes = [{"Put": {"TableName": tasks, "Item": item}}]

    def write(wanted: str) -> Any:
        reply = ddb.transact_write_items(TransactItems=writes, ReturnConsumedCapacity=wanted, ClientRequestToken="one")
        return reply["ConsumedCapacity"]

    def both(units: float, kind: str = "Write") -> dict[str, float]:
        return {"CapacityUnits": units, f"{kind}CapacityUnits": units}

    (told,) = write("INDEXES")
    assert told == {
        "TableName": tasks,
        **both(8.0),
        "Table": both(2.0),
        "LocalSecondaryIndexes": {"by-due": both(2.0)},
        "GlobalSecondaryIndexes": {"by-owner": both(2.0), "owners": both(2.0)},
    }
    # What comes again only reads.
    assert write("TOTAL") == [{"TableName": tasks, **both(2.0, "Read")}]


def test_a_transaction_tells_of_the_item_collections_that_it_changes(ddb: Any, tasks: str, things: str) -> None:
    ddb.put_item(TableName=tasks, Item={"pk": {"S": "asked"}, "sk": {"N": "1"}})
    asked = {"Key": {"pk": {"S": "asked"}, "sk": {"N": "1"}}, "ConditionExpression": "attribute_exists(pk)"}
    written = ddb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": tasks, "Item": KEY}},
            {"Put": {"TableName": things, "Item": {"id": {"S": "a"}}}},
            {"ConditionCheck": {"TableName": tasks, **asked}},
        ],
        ReturnItemCollectionMetrics="SIZE",
    )
    wanted = {"ItemCollectionKey": {"pk": {"S": "p"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert written["ItemCollectionMetrics"] == {tasks: [wanted]}


def test_sizes_of_item_collections(ddb: Any, tasks: str, things: str) -> None:
    written = ddb.put_item(TableName=tasks, Item=KEY, ReturnItemCollectionMetrics="SIZE")
    wanted = {"ItemCollectionKey": {"pk": {"S": "p"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    assert written["ItemCollectionMetrics"] == wanted
    deleted = ddb.delete_item(TableName=tasks, Key=KEY, ReturnItemCollectionMetrics="SIZE")
    assert deleted["ItemCollectionMetrics"] == wanted
    without = ddb.put_item(TableName=things, Item={"id": {"S": "a"}}, ReturnItemCollectionMetrics="SIZE")
    assert "ItemCollectionMetrics" not in without
