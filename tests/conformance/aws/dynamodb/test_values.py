"""Amazon DynamoDB through boto3: values of every type, what they may be, and what they count."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

KEY = {"id": {"S": "1"}}
INVALID_VALUES = "One or more parameter values were invalid: "


def put(ddb: Any, table: str, **attributes: Any) -> dict[str, Any]:
    """Put an item and return what comes back of its attributes."""
    ddb.put_item(TableName=table, Item=KEY | attributes)
    item = ddb.get_item(TableName=table, Key=KEY)["Item"]
    assert item.pop("id") == KEY["id"]
    return item


@pytest.mark.parametrize(
    "value",
    [
        {"S": '안녕 𝄞 \u0000 " \\ \n'},
        {"S": ""},
        {"N": "0"},
        {"N": "-12.5"},
        {"N": "12345678901234567890123456789012345678"},
        {"N": "1" + "0" * 125},
        {"N": "0." + "0" * 129 + "1"},
        {"B": b"\x00\xff"},
        {"B": b""},
        {"BOOL": True},
        {"BOOL": False},
        {"NULL": True},
        {"SS": ["", "a", "b"]},
        {"NS": ["-1", "0", "2.5"]},
        {"BS": [b"", b"\x00", b"a"]},
        {"L": []},
        {"L": [{"S": "x"}, {"L": [{"N": "1"}]}, {"M": {}}, {"NULL": True}]},
        {"M": {}},
        {"M": {"": {"S": "no name"}, "é": {"M": {"x": {"SS": ["y"]}}}}},
    ],
)
def test_values_come_back_as_they_were_put(ddb: Any, things: str, value: dict[str, Any]) -> None:
    assert put(ddb, things, value=value, list={"L": [value]}) == {"value": value, "list": {"L": [value]}}


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ({"N": "1.0"}, {"N": "1"}),
        ({"N": "1e3"}, {"N": "1000"}),
        ({"N": "-0"}, {"N": "0"}),
        ({"N": "00.50"}, {"N": "0.5"}),
        ({"NS": ["3", "1.0", "20"]}, {"NS": ["1", "3", "20"]}),
        ({"SS": ["b", "a"]}, {"SS": ["a", "b"]}),
        ({"S": "x", "N": None}, {"S": "x"}),
    ],
)
def test_values_come_back_in_their_one_form(
    ddb: Any, things: str, sent: dict[str, Any], returned: dict[str, Any]
) -> None:
    assert put(ddb, things, value=sent) == {"value": returned}


INVALID = [
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (
        {"S": "x", "N": "1"},
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    ),
    (
        {"NULL": False},
        "One or more parameter values were invalid: Null attribute value types must have the value of true",
    ),
    ({"N": "x", "S": "x"}, "The parameter cannot be converted to a numeric value: x"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "one"}, "The parameter cannot be converted to a numeric value: one"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"N": "1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
    ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
    ({"NS": []}, "One or more parameter values were invalid: An number set  may not be empty"),
    ({"BS": []}, "One or more parameter values were invalid: Binary sets should not be empty"),
    (
        {"SS": ["a", "b", "a"]},
        "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.",
    ),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    (
        {"BS": [b"a", b"a"]},
        "One or more parameter values were invalid: Input collection [YQ==, YQ==]of type BS contains duplicates.",
    ),
    ({"NS": ["x"]}, "The parameter cannot be converted to a numeric value: x"),
    ({"L": [{}]}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"M": {"x": {"SS": []}}}, "One or more parameter values were invalid: An string set  may not be empty"),
]


@pytest.mark.parametrize(("value", "message"), INVALID)
def test_values_that_are_refused(ddb: Any, things: str, refused: Any, value: dict[str, Any], message: str) -> None:
    with refused(message):
        ddb.put_item(TableName=things, Item=KEY | {"value": value})
    with refused(f"ExpressionAttributeValues contains invalid value: {message} for key :v"):
        ddb.update_item(
            TableName=things,
            Key=KEY,
            UpdateExpression="SET a = :v",
            ExpressionAttributeValues={":v": value},
        )
    assert "Item" not in ddb.get_item(TableName=things, Key=KEY)


def nest(depth: int, kind: str = "M") -> dict[str, Any]:
    """A value that many levels deep."""
    value: dict[str, Any] = {"S": "deep"}
    for _ in range(depth - 1):
        value = {"M": {"x": value}} if kind == "M" else {"L": [value]}
    return value


@pytest.mark.parametrize("kind", ["M", "L"])
def test_values_are_nested_up_to_32_levels(ddb: Any, things: str, refused: Any, kind: str) -> None:
    message = (
        "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported"
        " limit"
    )
    assert put(ddb, things, deep=nest(32, kind)) == {"deep": nest(32, kind)}
    with refused(message):
        put(ddb, things, deep=nest(33, kind))
    update = {"UpdateExpression": "SET m = :v", "ExpressionAttributeValues": {":v": nest(20)}}
    ddb.update_item(TableName=things, Key=KEY, **update)
    update = {"UpdateExpression": "SET m.x.x = :v", "ExpressionAttributeValues": {":v": nest(30)}}
    ddb.update_item(TableName=things, Key=KEY, **update)
    with refused(message):
        ddb.update_item(TableName=things, Key=KEY, **update | {"UpdateExpression": "SET m.x.x.x = :v"})


def test_an_item_is_up_to_400_kb_large(ddb: Any, things: str, refused: Any) -> None:
    # id 2 + text 1, text 4, and the rest.
    room = 400 * 1024 - 7
    put(ddb, things, text={"S": "x" * room})
    with refused("Item size has exceeded the maximum allowed size"):
        put(ddb, things, text={"S": "x" * (room + 1)})
    with refused("Item size has exceeded the maximum allowed size"):
        put(ddb, things, text={"S": "é" * (room // 2 + 1)})
    with refused("Item size to update has exceeded the maximum allowed size"):
        ddb.update_item(
            TableName=things,
            Key=KEY,
            UpdateExpression="SET a = :v",
            ExpressionAttributeValues={":v": {"S": ""}},
        )
    long = {"x" * 65_536: {"S": ""}}
    for attributes in (long, {"map": {"L": [{"M": long}]}}):
        with refused("1 validation error detected: Attribute name is too large, must be less than 65536 bytes"):
            put(ddb, things, **attributes)
    assert put(ddb, things, **{"x" * 65_535: {"S": ""}}) == {"x" * 65_535: {"S": ""}}


def test_the_resource_of_the_sdk_speaks_python(client: Make, ddb: Any, things: str, server: Any, account: str) -> None:
    import boto3

    resource = boto3.resource(
        "dynamodb",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="secret",
    )
    table = resource.Table(things)
    item = {
        "id": "1",
        "n": Decimal("1.5"),
        "none": None,
        "set": {"a", "b"},
        "numbers": {Decimal(1), Decimal("2.5")},
        "map": {"list": [True, "x", b"bytes"]},
    }
    table.put_item(Item=item)
    found = table.get_item(Key={"id": "1"})["Item"]
    assert found.pop("map") == {"list": [True, "x", boto3.dynamodb.types.Binary(b"bytes")]}
    item.pop("map")
    assert found == item


# Keys


@pytest.mark.parametrize(
    ("kind", "value"),
    [("S", {"S": "x" * 2_048}), ("N", {"N": "-1.5"}), ("B", {"B": b"\x00\xff"})],
)
def test_keys_of_every_kind(ddb: Any, make_table: Make, kind: str, value: dict[str, Any]) -> None:
    table = make_table("kinds", pk=kind)
    ddb.put_item(TableName=table, Item={"pk": value, "x": {"S": "1"}})
    assert ddb.get_item(TableName=table, Key={"pk": value})["Item"] == {"pk": value, "x": {"S": "1"}}


def test_numbers_of_one_value_are_one_key(ddb: Any, events: str) -> None:
    ddb.put_item(TableName=events, Item={"pk": {"S": "a"}, "sk": {"N": "1.50"}})
    item = ddb.get_item(TableName=events, Key={"pk": {"S": "a"}, "sk": {"N": "15e-1"}})["Item"]
    assert item["sk"] == {"N": "1.5"}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"sk": {"N": "1"}}, "One or more parameter values were invalid: Missing the key pk in the item"),
        ({"pk": {"S": "a"}}, "One or more parameter values were invalid: Missing the key sk in the item"),
        (
            {"pk": {"N": "1"}, "sk": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N",
        ),
        (
            {"pk": {"S": "a"}, "sk": {"BOOL": True}},
            "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: BOOL",
        ),
        (
            {"pk": {"S": "a"}, "sk": {"SS": ["x"]}},
            "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: SS",
        ),
        (
            {"pk": {"S": ""}, "sk": {"N": "1"}},
            (
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an"
                " empty string value. Key: pk"
            ),
        ),
        (
            {"pk": {"S": "é" * 1_024 + "x"}, "sk": {"N": "1"}},
            INVALID_VALUES + "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
    ],
)
def test_items_whose_key_is_wrong(ddb: Any, events: str, refused: Any, item: dict[str, Any], message: str) -> None:
    with refused(message):
        ddb.put_item(TableName=events, Item=item)
    with refused(message):
        ddb.batch_write_item(RequestItems={events: [{"PutRequest": {"Item": item}}]})


def test_sort_keys_are_up_to_1_kb_large(ddb: Any, make_table: Make, refused: Any) -> None:
    table = make_table("binary", pk="B", sk="B")
    longest = {"pk": {"B": b"x" * 2_048}, "sk": {"B": b"x" * 1_024}}
    ddb.put_item(TableName=table, Item=longest)
    assert ddb.get_item(TableName=table, Key=longest)["Item"] == longest
    with refused(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of"
        " 1024 bytes"
    ):
        ddb.put_item(TableName=table, Item=longest | {"sk": {"B": b"x" * 1_025}})
    with refused(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty"
        " binary value. Key: sk"
    ):
        ddb.put_item(TableName=table, Item=longest | {"sk": {"B": b""}})


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"pk": {"S": "a"}},
        {"pk": {"S": "a"}, "other": {"N": "1"}},
        {"pk": {"S": "a"}, "sk": {"S": "1"}},
        {"pk": {"NULL": True}, "sk": {"N": "1"}},
        {"pk": {"S": "a"}, "sk": {"N": "1"}, "more": {"S": "x"}},
    ],
)
def test_keys_that_do_not_match_the_schema(ddb: Any, events: str, refused: Any, key: dict[str, Any]) -> None:
    message = "The provided key element does not match the schema"
    for work in (ddb.get_item, ddb.delete_item, ddb.update_item):
        with refused(message):
            work(TableName=events, Key=key)
    with refused(message):
        ddb.batch_get_item(RequestItems={events: {"Keys": [key]}})
    with refused(message):
        ddb.batch_write_item(RequestItems={events: [{"DeleteRequest": {"Key": key}}]})


def test_keys_are_not_empty_anywhere(ddb: Any, things: str, refused: Any) -> None:
    message = (
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty"
        " string value. Key: id"
    )
    for work in (ddb.get_item, ddb.delete_item, ddb.update_item):
        with refused(message):
            work(TableName=things, Key={"id": {"S": ""}})
