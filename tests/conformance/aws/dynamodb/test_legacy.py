"""Amazon DynamoDB through boto3: the parameters from before there were expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

KEY = {"id": {"S": "1"}}
ITEM = KEY | {"n": {"N": "5"}, "s": {"S": "text"}, "ss": {"SS": ["a", "b"]}}
FAILED = ("The conditional request failed", "ConditionalCheckFailedException")
INVALID = "One or more parameter values were invalid: "
MIXED = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "


@pytest.fixture
def item(ddb: Any, things: str) -> str:
    """A table that holds ITEM."""
    ddb.put_item(TableName=things, Item=ITEM)
    return things


@pytest.fixture
def filled(ddb: Any, events: str) -> str:
    """A table with five items in one partition, and one in another."""
    for number in range(5):
        ddb.put_item(TableName=events, Item={"pk": {"S": "a"}, "sk": {"N": str(number)}, "odd": {"N": str(number % 2)}})
    ddb.put_item(TableName=events, Item={"pk": {"S": "b"}, "sk": {"N": "1"}, "x": {"S": "y"}})
    return events


def stored(ddb: Any, table: str) -> dict[str, Any] | None:
    return ddb.get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item")


def asks(operator: str, *values: dict[str, Any]) -> dict[str, Any]:
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


def numbers(reply: dict[str, Any]) -> list[int]:
    return [int(found["sk"]["N"]) for found in reply["Items"]]


def test_expected_guards_every_kind_of_write(ddb: Any, item: str, refused: Any) -> None:
    absent = {"id": {"Exists": False}}
    with refused(*FAILED):
        ddb.put_item(TableName=item, Item=KEY, Expected=absent)
    with refused(*FAILED):
        ddb.delete_item(TableName=item, Key=KEY, Expected={"n": {"Value": {"N": "6"}}})
    with refused(*FAILED):
        ddb.update_item(TableName=item, Key=KEY, AttributeUpdates={}, Expected={"n": asks("GT", {"N": "5"})})
    with refused(*FAILED):
        ddb.delete_item(
            TableName=item, Key=KEY, Expected={"n": {"Value": {"N": "5"}}, "gone": {"ComparisonOperator": "NOT_NULL"}}
        )
    assert stored(ddb, item) == ITEM
    ddb.put_item(TableName=item, Item={"id": {"S": "2"}}, Expected=absent)
    ddb.put_item(TableName=item, Item=KEY, Expected={"n": {"Value": {"N": "5.0"}, "Exists": True}})
    ddb.delete_item(
        TableName=item,
        Key=KEY,
        Expected={"n": {"Value": {"N": "5"}}, "gone": {"ComparisonOperator": "NULL"}},
        ConditionalOperator="OR",
    )
    assert stored(ddb, item) is None


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({}, "Value must be provided when Exists is null"),
        ({"Exists": True}, "Value must be provided when Exists is true"),
        ({"Exists": False, "Value": {"N": "1"}}, "Value cannot be used when Exists is false"),
        ({"AttributeValueList": [{"N": "1"}]}, "AttributeValueList can only be used with a ComparisonOperator"),
        ({"Exists": True, "ComparisonOperator": "NULL"}, "Exists and ComparisonOperator cannot be used together"),
        (asks("EQ", {"N": "1"}) | {"Value": {"N": "1"}}, "Value and AttributeValueList cannot be used together"),
        ({"ComparisonOperator": "EQ"}, "Value or AttributeValueList must be used with ComparisonOperator: EQ"),
    ],
)
def test_what_does_not_go_together_in_expected(
    ddb: Any, item: str, refused: Any, expected: dict[str, Any], message: str
) -> None:
    with refused(f"1 validation error detected: {INVALID}{message} for Attribute: a"):
        ddb.put_item(TableName=item, Item=KEY, Expected={"a": expected})


def test_updates_of_attributes(ddb: Any, item: str, refused: Any) -> None:
    reply = ddb.update_item(
        TableName=item,
        Key=KEY,
        AttributeUpdates={
            "s": {"Value": {"S": "new"}},
            "n": {"Action": "ADD", "Value": {"N": "2"}},
            "ss": {"Action": "DELETE", "Value": {"SS": ["a"]}},
            "gone": {"Action": "DELETE"},
        },
        Expected={"s": asks("BEGINS_WITH", {"S": "te"})},
        ReturnValues="UPDATED_NEW",
    )
    assert reply["Attributes"] == {"s": {"S": "new"}, "n": {"N": "7"}, "ss": {"SS": ["b"]}}
    other = {"id": {"S": "other"}}
    ddb.update_item(TableName=item, Key=other, AttributeUpdates={"s": {"Action": "DELETE"}})
    assert "Item" not in ddb.get_item(TableName=item, Key=other)
    ddb.update_item(TableName=item, Key=other, AttributeUpdates={"n": {"Action": "ADD", "Value": {"N": "1"}}})
    assert ddb.get_item(TableName=item, Key=other)["Item"] == other | {"n": {"N": "1"}}

    for number in ("1", "2"):
        added = {"l": {"Action": "ADD", "Value": {"L": [{"N": number}]}}}
        ddb.update_item(TableName=item, Key=other, AttributeUpdates=added)
    assert ddb.get_item(TableName=item, Key=other)["Item"]["l"] == {"L": [{"N": "1"}, {"N": "2"}]}
    with refused("Type mismatch for attribute to update"):
        ddb.update_item(TableName=item, Key=KEY, AttributeUpdates={"s": added["l"]})

    def update(**change: Any) -> None:
        ddb.update_item(TableName=item, Key=KEY, AttributeUpdates={"s": change})

    with refused(f"{INVALID}Only DELETE action is allowed when no attribute value is specified"):
        update(Action="PUT")
    with refused(f"{INVALID}ADD action is not supported for the type S"):
        update(Action="ADD", Value={"S": "x"})
    with refused(f"{INVALID}DELETE action with value is not supported for the type S"):
        update(Action="DELETE", Value={"S": "x"})
    with refused("Type mismatch for attribute to update"):
        update(Action="ADD", Value={"N": "1"})
    with refused(f"{INVALID}Cannot update attribute id. This attribute is part of the key"):
        ddb.update_item(TableName=item, Key=KEY, AttributeUpdates={"id": {"Value": {"S": "2"}}})


def test_attributes_to_get(ddb: Any, item: str, refused: Any) -> None:
    some = {"n": {"N": "5"}, "s": {"S": "text"}}
    assert ddb.get_item(TableName=item, Key=KEY, AttributesToGet=["s", "n", "gone"])["Item"] == some
    batch = ddb.batch_get_item(RequestItems={item: {"Keys": [KEY], "AttributesToGet": ["s", "n"]}})
    assert batch["Responses"] == {item: [some]}
    assert ddb.scan(TableName=item, AttributesToGet=["s", "n"], Select="SPECIFIC_ATTRIBUTES")["Items"] == [some]
    with refused(f"{INVALID}Duplicate value in attribute name: s"):
        ddb.get_item(TableName=item, Key=KEY, AttributesToGet=["s", "s"])
    with refused("Cannot specify the AttributesToGet when choosing to get only the Count"):
        ddb.scan(TableName=item, AttributesToGet=["s"], Select="COUNT")


def test_key_conditions_and_filters_of_queries(ddb: Any, filled: str, refused: Any) -> None:
    def query(**conditions: Any) -> list[int]:
        more = {name: conditions.pop(name) for name in list(conditions) if name[0].isupper()}
        return numbers(ddb.query(TableName=filled, KeyConditions=conditions, **more))

    here = asks("EQ", {"S": "a"})
    assert query(pk=here) == [0, 1, 2, 3, 4]
    assert query(pk=here, sk=asks("BETWEEN", {"N": "1"}, {"N": "3"})) == [1, 2, 3]
    assert query(pk=here, sk=asks("LT", {"N": "2"}), ScanIndexForward=False) == [1, 0]
    odd = {"odd": asks("EQ", {"N": "1"})}
    assert query(pk=here, QueryFilter=odd) == [1, 3]
    both = odd | {"x": {"ComparisonOperator": "NULL"}}
    assert query(pk=here, QueryFilter=both, ConditionalOperator="AND") == [1, 3]
    assert query(pk=here, QueryFilter=both, ConditionalOperator="OR") == [0, 1, 2, 3, 4]
    with refused("Query condition missed key schema element: pk"):
        query(sk=asks("EQ", {"N": "1"}))
    with refused("Attempted conditional constraint is not an indexable operation"):
        query(pk=here, sk=asks("NE", {"N": "1"}))
    with refused(f"{INVALID}Condition parameter type does not match schema type"):
        query(pk=asks("EQ", {"N": "1"}))
    with refused("QueryFilter can only contain non-primary key attributes: Primary key attribute: sk"):
        query(pk=here, QueryFilter={"sk": asks("EQ", {"N": "1"})})
    with refused("Conditions can be of length 1 or 2 only"):
        query()


def test_filters_of_scans(ddb: Any, filled: str, refused: Any) -> None:
    def scan(**conditions: Any) -> list[int]:
        more = {name: conditions.pop(name) for name in list(conditions) if name[0].isupper()}
        return sorted(numbers(ddb.scan(TableName=filled, ScanFilter=conditions, **more)))

    assert scan() == [0, 1, 1, 2, 3, 4]
    assert scan(sk=asks("IN", {"N": "1"}, {"N": "4"})) == [1, 1, 4]
    assert scan(pk=asks("NE", {"S": "a"})) == [1]
    assert scan(x=asks("NOT_CONTAINS", {"S": "y"})) == [0, 1, 2, 3, 4]
    assert scan(x=asks("CONTAINS", {"S": "y"}), sk=asks("EQ", {"N": "0"}), ConditionalOperator="OR") == [0, 1]
    with refused(f"{INVALID}Invalid number of argument(s) for the EQ ComparisonOperator"):
        scan(x=asks("EQ"))
    with refused(
        "1 validation error detected: Value 'LIKE' at 'scanFilter.x.member.comparisonOperator' failed to satisfy"
        " constraint: Member must satisfy enum value set: [EQ, NE, IN, LE, LT, GE, GT, BETWEEN, NOT_NULL, NULL,"
        " CONTAINS, NOT_CONTAINS, BEGINS_WITH]"
    ):
        scan(x=asks("LIKE"))


def test_old_and_new_do_not_mix(ddb: Any, filled: str, item: str, refused: Any) -> None:
    expected = {"n": {"Value": {"N": "5"}}}
    with refused(f"{MIXED}{{Expected}} Expression parameters: {{ConditionExpression}}"):
        ddb.put_item(TableName=item, Item=KEY, Expected=expected, ConditionExpression="attribute_exists(id)")
    with refused(f"{MIXED}{{AttributeUpdates}} Expression parameters: {{UpdateExpression, ConditionExpression}}"):
        ddb.update_item(
            TableName=item,
            Key=KEY,
            AttributeUpdates={"n": {"Action": "DELETE"}},
            UpdateExpression="REMOVE n",
            ConditionExpression="attribute_exists(id)",
        )
    with refused(f"{MIXED}{{AttributesToGet}} Expression parameters: {{ProjectionExpression}}"):
        ddb.get_item(TableName=item, Key=KEY, AttributesToGet=["n"], ProjectionExpression="n")
    with refused(f"{MIXED}{{KeyConditions}} Expression parameters: {{FilterExpression}}"):
        ddb.query(
            TableName=filled,
            KeyConditions={"pk": asks("EQ", {"S": "a"})},
            FilterExpression="odd = :odd",
            ExpressionAttributeValues={":odd": {"N": "1"}},
        )
    with refused("ExpressionAttributeNames can only be specified when using expressions"):
        ddb.scan(TableName=filled, ScanFilter={}, ExpressionAttributeNames={"#a": "a"})
    with refused("ConditionalOperator cannot be used without Filter or Expected"):
        ddb.delete_item(TableName=item, Key=KEY, ConditionalOperator="OR")
    with refused("ConditionalOperator can only be used when Filter or Expected has two or more elements"):
        ddb.delete_item(TableName=item, Key=KEY, Expected=expected, ConditionalOperator="OR")
    with refused(f"{MIXED}{{ConditionalOperator}} Expression parameters: {{ConditionExpression}}"):
        ddb.delete_item(TableName=item, Key=KEY, ConditionalOperator="OR", ConditionExpression="attribute_exists(id)")
    assert stored(ddb, item) == ITEM
