"""Amazon DynamoDB on the wire: what the SDK hides or never sends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Raw = Callable[[str, str], tuple[int, dict[str, str], dict[str, Any]]]


def test_replies_carry_the_checksum_of_their_bodies(raw: Raw) -> None:
    for operation, body, expected in (
        ("ListTables", "{}", 200),
        ("DescribeTable", '{"TableName": "nothing"}', 400),
        ("Nonsense", "{}", 400),
    ):
        status, headers, reply = raw(operation, body)
        assert status == expected
        text = json.dumps(reply, separators=(",", ":"), ensure_ascii=False)
        assert headers["x-amz-crc32"] == str(crc32(text.encode()))
        assert headers["Content-Type"] == "application/x-amz-json-1.0"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("ListTables", "{", "Unexpected token received from parser"),
        ("ListTables", "\ud800", "Unexpected token received from parser"),
        ("GetItem", '{"TableName": 5, "Key": {}}', "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", '{"TableName": true, "Key": {}}', "TRUE_VALUE cannot be converted to String"),
        ("GetItem", '{"TableName": {}, "Key": {}}', "Start of structure or map found where not expected."),
        ("GetItem", '{"TableName": [], "Key": {}}', "Start of list found where not expected"),
        ("GetItem", '{"TableName": "abc", "Key": "x"}', "Unexpected value type in payload"),
        ("GetItem", '{"TableName": "abc", "Key": []}', "Start of list found where not expected"),
        (
            "GetItem",
            '{"TableName": "abc", "Key": {}, "ConsistentRead": "yes"}',
            "STRING_VALUE cannot be converted to Boolean",
        ),
        ("Scan", '{"TableName": "abc", "Limit": "5"}', "STRING_VALUE cannot be converted to Integer"),
        ("BatchGetItem", '{"RequestItems": {"abc": {"Keys": 5}}}', "Unexpected field type"),
    ],
)
def test_parameters_of_the_wrong_json_type(raw: Raw, operation: str, body: str, message: str) -> None:
    status, _headers, reply = raw(operation, body)
    assert (status, reply["message"]) == (400, message)
    assert reply["__type"].endswith("#SerializationException")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"x"', "Unexpected value type in payload"),
        ('["x"]', "Start of list found where not expected"),
        ('{"S": 5}', "NUMBER_VALUE cannot be converted to String"),
        ('{"N": 5.5}', "NUMBER_VALUE cannot be converted to String"),
        ('{"SS": "x"}', "Unexpected field type"),
        ('{"M": []}', "Start of list found where not expected"),
        ('{"M": "x"}', "Unexpected field type"),
        ('{"B": "ab!="}', "Invalid base64 character"),
        ('{"B": "é==="}', "Invalid base64 character"),
    ],
)
def test_values_of_the_wrong_json_type(raw: Raw, value: str, message: str) -> None:
    status, _headers, reply = raw("PutItem", f'{{"TableName": "abc", "Item": {{"id": {value}}}}}')
    assert (status, reply["message"]) == (400, message)
    assert reply["__type"].endswith("#SerializationException")


def test_errors_stand_in_the_name_spaces_that_aws_has_them_in(raw: Raw) -> None:
    for body, name in (
        ('{"TableName": "nothing"}', "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"),
        ("{}", "com.amazon.coral.validate#ValidationException"),
        ("[]", "com.amazon.coral.service#SerializationException"),
    ):
        assert raw("DescribeTable", body)[2]["__type"] == name


def test_parameters_that_aws_does_not_have_are_refused_too(raw: Raw) -> None:
    status, _headers, reply = raw("ListTables", '{"Limits": 5}')
    assert (status, reply["message"]) == (400, "Unknown parameter Limits.")
    assert reply["__type"].endswith("#ValidationException")


def test_a_required_parameter_that_is_null_is_missing(raw: Raw) -> None:
    _status, _headers, reply = raw("DescribeTable", '{"TableName": null}')
    assert reply["message"] == (
        "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"
    )


def test_json_that_is_nested_too_deeply_is_refused(raw: Raw) -> None:
    status, _headers, reply = raw("PutItem", '{"TableName": "abc", "Item": ' + '{"M":' * 100_000)
    assert (status, reply["message"]) == (400, "Unexpected token received from parser")
    deep = '{"a":{"M":' * 40 + "{}" + "}}" * 40
    status, _headers, reply = raw("PutItem", '{"TableName": "abc", "Item": ' + deep + "}")
    assert "Nesting Levels have exceeded supported limits" in reply["message"]
