"""Amazon DynamoDB through boto3: single items, conditions on them, what a write returns and costs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

KEY = {"id": {"S": "1"}}
ITEM = KEY | {"n": {"N": "5"}, "s": {"S": "text"}, "m": {"M": {"k": {"S": "v"}, "l": {"L": [{"N": "1"}, {"N": "2"}]}}}}
IN_KEY = "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"
FAILED = ("The conditional request failed", "ConditionalCheckFailedException")


@pytest.fixture
def item(ddb: Any, things: str) -> str:
    """A table that holds ITEM."""
    ddb.put_item(TableName=things, Item=ITEM)
    return things


def stored(ddb: Any, table: str, key: dict[str, Any] = KEY) -> dict[str, Any] | None:
    return ddb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def without_metadata(reply: dict[str, Any]) -> dict[str, Any]:
    reply.pop("ResponseMetadata")
    return reply


# PutItem, GetItem, DeleteItem


def test_an_item_is_put_got_replaced_and_deleted(ddb: Any, things: str) -> None:
    assert without_metadata(ddb.get_item(TableName=things, Key=KEY)) == {}
    assert without_metadata(ddb.put_item(TableName=things, Item=ITEM)) == {}
    assert stored(ddb, things) == ITEM
    ddb.put_item(TableName=things, Item=KEY)
    assert stored(ddb, things) == KEY, "the whole item is replaced"
    assert without_metadata(ddb.delete_item(TableName=things, Key=KEY)) == {}
    assert stored(ddb, things) is None
    assert without_metadata(ddb.delete_item(TableName=things, Key=KEY)) == {}


def test_without_a_table_there_are_no_items(ddb: Any, refused: Any) -> None:
    for work, members in (
        (ddb.put_item, {"Item": KEY}),
        (ddb.get_item, {"Key": KEY}),
        (ddb.delete_item, {"Key": KEY}),
        (ddb.update_item, {"Key": KEY}),
    ):
        with refused("Requested resource not found", "ResourceNotFoundException"):
            work(TableName="nothing", **members)


def test_a_projection_returns_a_part(ddb: Any, item: str, refused: Any) -> None:
    def part(expression: str, **names: str) -> dict[str, Any]:
        more = {"ExpressionAttributeNames": {f"#{name}": value for name, value in names.items()}} if names else {}
        return ddb.get_item(TableName=item, Key=KEY, ProjectionExpression=expression, **more)["Item"]

    assert part("n, m.l[1]") == {"n": {"N": "5"}, "m": {"M": {"l": {"L": [{"N": "2"}]}}}}
    assert part("#a", a="s") == {"s": {"S": "text"}}
    assert part("gone") == {}
    with refused("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name"):
        part("name")
    with refused("Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"):
        part("#a", a="s", b="n")
    with refused("ExpressionAttributeNames can only be specified when using expressions"):
        ddb.get_item(TableName=item, Key=KEY, ExpressionAttributeNames={"#a": "s"})


@pytest.mark.parametrize("operation", ["put_item", "delete_item"])
def test_the_old_item_is_returned(ddb: Any, item: str, operation: str, refused: Any) -> None:
    members = {"Item": KEY} if operation == "put_item" else {"Key": KEY}
    reply = getattr(ddb, operation)(TableName=item, ReturnValues="ALL_OLD", **members)
    assert without_metadata(reply) == {"Attributes": ITEM}
    other = {name: {"id": {"S": "other"}} for name in members}
    assert without_metadata(getattr(ddb, operation)(TableName=item, ReturnValues="ALL_OLD", **other)) == {}
    with refused("ReturnValues can only be ALL_OLD or NONE"):
        getattr(ddb, operation)(TableName=item, ReturnValues="ALL_NEW", **members)
    with refused(
        "1 validation error detected: Value 'ALL' at 'returnValues' failed to satisfy constraint: Member must satisfy"
        " enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    ):
        getattr(ddb, operation)(TableName=item, ReturnValues="ALL", **members)


def test_conditions_guard_every_kind_of_write(ddb: Any, item: str, refused: Any) -> None:
    def given(condition: str, **values: Any) -> dict[str, Any]:
        more = {"ExpressionAttributeValues": {f":{name}": value for name, value in values.items()}} if values else {}
        return {"TableName": item, "ConditionExpression": condition} | more

    with refused(*FAILED):
        ddb.put_item(Item=KEY, **given("attribute_not_exists(id)"))
    with refused(*FAILED):
        ddb.delete_item(Key=KEY, **given("n > :n", n={"N": "5"}))
    with refused(*FAILED):
        ddb.update_item(Key=KEY, UpdateExpression="REMOVE n", **given("s = :s", s={"S": "other"}))
    with refused(*FAILED):
        ddb.delete_item(Key={"id": {"S": "other"}}, **given("attribute_exists(id)"))
    assert stored(ddb, item) == ITEM
    ddb.put_item(Item={"id": {"S": "new"}}, **given("attribute_not_exists(id)"))
    ddb.update_item(Key=KEY, UpdateExpression="REMOVE m", **given("n = :n AND NOT s = :n", n={"N": "5.0"}))
    ddb.delete_item(Key=KEY, **given("attribute_not_exists(m)"))
    assert stored(ddb, item) is None


def test_a_failed_condition_can_return_the_item(ddb: Any, item: str, refused: Any) -> None:
    wanted = {
        "TableName": item,
        "ConditionExpression": "attribute_exists(gone)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    for work, members in (
        (ddb.put_item, {"Item": KEY}),
        (ddb.delete_item, {"Key": KEY}),
        (ddb.update_item, {"Key": KEY}),
    ):
        with refused(*FAILED) as caught:
            work(**wanted, **members)
        assert caught.value.response["Item"] == ITEM
    with refused(*FAILED) as caught:
        ddb.delete_item(**wanted, Key={"id": {"S": "other"}})
    assert "Item" not in caught.value.response
    with refused(*FAILED) as caught:
        ddb.delete_item(**wanted | {"ReturnValuesOnConditionCheckFailure": "NONE"}, Key=KEY)
    assert "Item" not in caught.value.response


def test_of_many_clients_that_create_one_item_one_succeeds(client: Make, things: str) -> None:
    outcomes = []

    def create(number: int) -> None:
        ddb = client("dynamodb")
        try:
            ddb.put_item(
                TableName=things,
                Item=KEY | {"by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(id)",
            )
            outcomes.append(number)
        except ddb.exceptions.ConditionalCheckFailedException:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = outcomes
    assert stored(client("dynamodb"), things) == KEY | {"by": {"N": str(winner)}}


# UpdateItem


def update(ddb: Any, table: str, expression: str | None, key: dict[str, Any] = KEY, **more: Any) -> dict[str, Any]:
    values = {name: more.pop(name) for name in list(more) if name.startswith(":")}
    if values:
        more["ExpressionAttributeValues"] = values
    if expression is not None:
        more["UpdateExpression"] = expression
    return without_metadata(ddb.update_item(TableName=table, Key=key, **more))


def test_an_update_changes_some_attributes(ddb: Any, item: str) -> None:
    values = {":one": {"N": "1"}, ":x": {"S": "x"}, ":l": {"L": [{"S": "end"}]}, ":set": {"NS": ["1", "2"]}}
    expression = "SET n = n + :one, m.k = :x, m.l = list_append(m.l, :l) REMOVE s ADD numbers :set"
    assert update(ddb, item, expression, **values) == {}
    assert stored(ddb, item) == KEY | {
        "n": {"N": "6"},
        "m": {"M": {"k": {"S": "x"}, "l": {"L": [{"N": "1"}, {"N": "2"}, {"S": "end"}]}}},
        "numbers": {"NS": ["1", "2"]},
    }


def test_an_update_creates_an_item_unless_it_only_takes_away(ddb: Any, things: str) -> None:
    for number, (expression, created) in enumerate(
        [
            (None, {}),
            ("SET a = :v", {"a": {"NS": ["1"]}}),
            ("ADD a :v REMOVE b", {"a": {"NS": ["1"]}}),
            ("REMOVE a, b", None),
            ("DELETE a :v REMOVE b", None),
        ]
    ):
        key = {"id": {"S": str(number)}}
        values = {":v": {"NS": ["1"]}} if ":v" in (expression or "") else {}
        update(ddb, things, expression, key, **values)
        assert stored(ddb, things, key) == (None if created is None else key | created)


@pytest.mark.parametrize(
    ("wanted", "returned"),
    [
        ("NONE", None),
        ("ALL_OLD", ITEM),
        ("ALL_NEW", ITEM | {"n": {"N": "6"}, "a": {"S": "x"}, "m": {"M": {"k": {"S": "x"}, "l": {"L": [{"N": "2"}]}}}}),
        ("UPDATED_OLD", {"n": {"N": "5"}, "m": {"M": {"k": {"S": "v"}, "l": {"L": [{"N": "1"}]}}}, "s": {"S": "text"}}),
        ("UPDATED_NEW", {"n": {"N": "6"}, "a": {"S": "x"}, "m": {"M": {"k": {"S": "x"}}}}),
    ],
)
def test_what_an_update_returns(ddb: Any, item: str, wanted: str, returned: dict[str, Any] | None) -> None:
    reply = update(
        ddb,
        item,
        "SET m.k = :x, a = :x ADD n :one REMOVE s, m.l[0]",
        ReturnValues=wanted,
        **{":x": {"S": "x"}, ":one": {"N": "1"}},
    )
    if wanted == "ALL_NEW":
        assert returned is not None
        returned = {name: value for name, value in returned.items() if name != "s"}
    assert reply == ({} if returned is None else {"Attributes": returned})


def test_an_update_that_changes_nothing_returns_nothing(ddb: Any, item: str) -> None:
    assert update(ddb, item, None, ReturnValues="UPDATED_NEW") == {}
    assert update(ddb, item, "REMOVE n", ReturnValues="UPDATED_NEW") == {}
    assert update(ddb, item, "REMOVE m.l[0]", ReturnValues="UPDATED_NEW") == {}, "what moves up isn't new"
    assert update(ddb, item, "SET q = s", ReturnValues="UPDATED_OLD") == {}
    other = {"id": {"S": "other"}}
    assert update(ddb, item, "REMOVE n", other, ReturnValues="ALL_NEW") == {}
    assert update(ddb, item, None, other, ReturnValues="ALL_NEW") == {"Attributes": other}
    assert update(ddb, item, None, {"id": {"S": "third"}}, ReturnValues="ALL_OLD") == {}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SET id = :v", IN_KEY),
        ("REMOVE id ADD n :v", IN_KEY),
        ("SET q = gone + :v", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET q = s + :v", "An operand in the update expression has an incorrect data type"),
        ("SET gone.x = :v", "The document path provided in the update expression is invalid for update"),
        (
            "SET q = :v SET r = :v",
            'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
        ),
        ("SET q = : v", 'Invalid UpdateExpression: Syntax error; token: ":", near: "= : v"'),
        (
            "SET q = :v, r = :w",
            ("Invalid UpdateExpression: An expression attribute value used in expression is not defined;"
            " attribute value: :w"),
        ),
        ("REMOVE q", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"),
        ("", "Invalid UpdateExpression: The expression can not be empty;"),
    ],
)  # fmt: skip
def test_updates_that_are_refused(ddb: Any, item: str, refused: Any, expression: str, message: str) -> None:
    with refused(message):
        update(ddb, item, expression, **{":v": {"N": "1"}})
    assert stored(ddb, item) == ITEM


def test_names_and_values_need_expressions(ddb: Any, item: str, refused: Any) -> None:
    values = {"ExpressionAttributeValues": {":v": {"N": "1"}}}
    for work, members, parameters in (
        (ddb.put_item, {"Item": KEY}, "ConditionExpression is"),
        (ddb.delete_item, {"Key": KEY}, "ConditionExpression is"),
        (ddb.update_item, {"Key": KEY}, "UpdateExpression and ConditionExpression are"),
    ):
        with refused(f"ExpressionAttributeValues can only be specified when using expressions: {parameters} null"):
            work(TableName=item, **members, **values)
        with refused("ExpressionAttributeNames can only be specified when using expressions"):
            work(TableName=item, **members, ExpressionAttributeNames={"#a": "a"})
        condition = {"TableName": item, "ConditionExpression": "attribute_exists(id)", **members}
        with refused("ExpressionAttributeValues must not be empty"):
            work(**condition, ExpressionAttributeValues={})
        with refused("ExpressionAttributeNames must not be empty"):
            work(**condition, ExpressionAttributeNames={})
        with refused('ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'):
            work(**condition, ExpressionAttributeNames={"a": "a"})
        with refused('ExpressionAttributeValues contains invalid key: Syntax error; key: ":"'):
            work(**condition, ExpressionAttributeValues={":": {"N": "1"}})
        with refused('Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'):
            work(**condition | {"ConditionExpression": "id ="})


# ConsumedCapacity


def test_reads_cost_a_unit_for_4_kb_and_half_of_it_unless_consistent(ddb: Any, things: str) -> None:
    def cost(key: str, **more: Any) -> dict[str, Any]:
        key = {"id": {"S": key}}
        return ddb.get_item(TableName=things, Key=key, ReturnConsumedCapacity="TOTAL", **more)["ConsumedCapacity"]

    # id 2 + text 1, text 4, and the rest.
    ddb.put_item(TableName=things, Item={"id": {"S": "4"}, "text": {"S": "x" * (4_096 - 7)}})
    ddb.put_item(TableName=things, Item={"id": {"S": "5"}, "text": {"S": "x" * (4_096 - 6)}})
    assert cost("4") == {"TableName": things, "CapacityUnits": 0.5}
    assert cost("4", ConsistentRead=True)["CapacityUnits"] == 1
    assert cost("5")["CapacityUnits"] == 1
    assert cost("5", ConsistentRead=True)["CapacityUnits"] == 2
    assert cost("5", ProjectionExpression="id")["CapacityUnits"] == 1, "what is read counts, not what is returned"
    assert cost("gone")["CapacityUnits"] == 0.5
    assert cost("gone", ConsistentRead=True)["CapacityUnits"] == 1


def test_writes_cost_a_unit_for_each_kb_of_the_larger_item(ddb: Any, things: str) -> None:
    def cost(operation: str, wanted: str = "TOTAL", **members: Any) -> dict[str, Any]:
        return getattr(ddb, operation)(TableName=things, ReturnConsumedCapacity=wanted, **members)["ConsumedCapacity"]

    small, large = KEY | {"text": {"S": "x" * (1_024 - 7)}}, KEY | {"text": {"S": "x" * (2_048 - 6)}}
    assert cost("put_item", Item=small) == {"TableName": things, "CapacityUnits": 1}
    assert cost("put_item", Item=large)["CapacityUnits"] == 3
    assert cost("put_item", "INDEXES", Item=small) == {
        "TableName": things, "CapacityUnits": 3, "Table": {"CapacityUnits": 3},
    }  # fmt: skip
    assert cost("update_item", Key=KEY, UpdateExpression="SET a = id")["CapacityUnits"] == 2
    assert cost("delete_item", Key=KEY)["CapacityUnits"] == 2
    assert cost("delete_item", Key=KEY)["CapacityUnits"] == 1
    reply = ddb.put_item(TableName=things, Item=KEY, ReturnConsumedCapacity="NONE", ReturnItemCollectionMetrics="SIZE")
    assert without_metadata(reply) == {}
