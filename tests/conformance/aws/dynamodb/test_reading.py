"""Amazon DynamoDB through boto3: queries and scans, their pages, filters and projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.engines.documents.keys import encode_partition

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]

NUMBERS = range(-5, 6)


@pytest.fixture
def filled(ddb: Any, events: str) -> str:
    """A table with two partitions of eleven items each."""
    for partition in ("a", "b"):
        for number in NUMBERS:
            item = {"pk": {"S": partition}, "sk": {"N": str(number)}, "even": {"BOOL": number % 2 == 0}}
            ddb.put_item(TableName=events, Item=item | {"text": {"S": f"{partition}{number}"}})
    return events


def query(ddb: Any, table: str, condition: str = "pk = :pk", **more: Any) -> dict[str, Any]:
    values = {":pk": {"S": "a"}} | {name: more.pop(name) for name in list(more) if name.startswith(":")}
    values = {name: value for name, value in values.items() if value is not None}
    reply = ddb.query(TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more)
    reply.pop("ResponseMetadata")
    return reply


def numbers(reply: dict[str, Any]) -> list[int]:
    return [int(item["sk"]["N"]) for item in reply["Items"]]


# Query


def test_a_query_returns_a_partition_in_order(ddb: Any, filled: str) -> None:
    reply = query(ddb, filled)
    assert numbers(reply) == list(NUMBERS)
    assert (reply["Count"], reply["ScannedCount"]) == (11, 11)
    assert "LastEvaluatedKey" not in reply
    assert reply["Items"][0] == {
        "pk": {"S": "a"}, "sk": {"N": "-5"}, "even": {"BOOL": False}, "text": {"S": "a-5"},
    }  # fmt: skip
    assert numbers(query(ddb, filled, ScanIndexForward=False)) == list(reversed(NUMBERS))
    assert query(ddb, filled, **{":pk": {"S": "none"}}) == {"Items": [], "Count": 0, "ScannedCount": 0}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("sk = :x", [2]),
        ("sk < :x", list(range(-5, 2))),
        ("sk <= :x", list(range(-5, 3))),
        ("sk > :x", [3, 4, 5]),
        ("sk >= :x", [2, 3, 4, 5]),
        (":x < sk", [3, 4, 5]),
        ("sk BETWEEN :low AND :x", [-1, 0, 1, 2]),
        ("(sk BETWEEN :low AND :low)", [-1]),
    ],
)
def test_a_range_of_sort_keys(ddb: Any, filled: str, condition: str, found: list[int]) -> None:
    values: dict[str, Any] = {":x": {"N": "2.0"}}
    if ":low" in condition:
        values[":low"] = {"N": "-1"}
    if ":x" not in condition:
        del values[":x"]
    assert numbers(query(ddb, filled, f"pk = :pk AND {condition}", **values)) == found
    assert numbers(query(ddb, filled, f"{condition} AND pk = :pk", ScanIndexForward=False, **values)) == found[::-1]


def test_prefixes_of_text_and_bytes(ddb: Any, make_table: Make) -> None:
    texts = ["", "a", "ab", "abc", "b", "é", "\uffff", "𝄞"]
    for kind, values in (("S", texts), ("B", [text.encode() for text in texts] + [b"\xff", b"\xff\xff", b"\xfe"])):
        table = make_table(f"prefixes-{kind}", pk="S", sk=kind)
        for value in values:
            if value:
                ddb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {kind: value}})
        for prefix in values:
            if prefix:
                reply = query(ddb, table, "pk = :pk AND begins_with(sk, :p)", **{":p": {kind: prefix}})
                expected = sorted(
                    (value for value in values if value and value.startswith(prefix)),
                    key=lambda value: value.encode() if isinstance(value, str) else value,
                )
                assert [item["sk"][kind] for item in reply["Items"]] == expected


def test_pages_by_limit_both_ways(ddb: Any, filled: str) -> None:
    for forward in (True, False):
        expected = list(NUMBERS) if forward else list(reversed(NUMBERS))
        found: list[int] = []
        start: dict[str, Any] = {}
        pages = 0
        while True:
            reply = query(ddb, filled, Limit=4, ScanIndexForward=forward, **start)
            found += numbers(reply)
            pages += 1
            if "LastEvaluatedKey" not in reply:
                break
            assert reply["LastEvaluatedKey"] == {"pk": {"S": "a"}, "sk": {"N": str(found[-1])}}
            start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
        assert (found, pages) == (expected, 3)
    assert "LastEvaluatedKey" in query(ddb, filled, Limit=11), "whether more follow isn't known"
    assert "LastEvaluatedKey" not in query(ddb, filled, Limit=12)


def test_a_start_key_need_not_exist_but_must_fit(ddb: Any, filled: str, refused: Any) -> None:
    def start(pk: dict[str, Any], sk: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"ExclusiveStartKey": {"pk": pk, "sk": sk, **more}}

    a, b = {"S": "a"}, {"S": "b"}
    assert numbers(query(ddb, filled, **start(a, {"N": "2.5"}))) == [3, 4, 5]
    for wrong in (
        start(a, {"S": "x"}),
        start(a, {"N": "1"}, x=a),
        start({"N": "1"}, {"N": "1"}),
        {"ExclusiveStartKey": {}},
    ):
        with refused("The provided starting key is invalid"):
            query(ddb, filled, **wrong)
        with refused("The provided starting key is invalid: The provided key element does not match the schema"):
            ddb.scan(TableName=filled, **wrong)
    outside = "The provided starting key is outside query boundaries based on provided conditions"
    with refused(outside):
        query(ddb, filled, **start(b, {"N": "1"}))
    with refused("The provided starting key does not match the range key predicate"):
        query(ddb, filled, "pk = :pk AND sk > :x", **start(a, {"N": "1"}), **{":x": {"N": "2"}})


def test_pages_end_at_1_mb(ddb: Any, events: str) -> None:
    for number in range(9):
        # 200 KB each: the sixth brings the sum beyond 1 MB.
        item = {"pk": {"S": "a"}, "sk": {"N": str(number)}, "text": {"S": "x" * 200_000}}
        ddb.put_item(TableName=events, Item=item)
    for work in (lambda **more: query(ddb, events, **more), lambda **more: ddb.scan(TableName=events, **more)):
        first = work(ReturnConsumedCapacity="TOTAL", ConsistentRead=True)
        assert numbers(first) == [0, 1, 2, 3, 4, 5]
        assert first["ConsumedCapacity"]["CapacityUnits"] == -(-6 * (200_000 + 12) // 4_096)
        rest = work(ExclusiveStartKey=first["LastEvaluatedKey"], Select="COUNT")
        assert (rest["Count"], "Items" in rest, "LastEvaluatedKey" in rest) == (3, False, False)


def test_a_filter_counts_what_it_passes_over(ddb: Any, filled: str, refused: Any) -> None:
    even = {"FilterExpression": "even = :t", ":t": {"BOOL": True}}
    reply = query(ddb, filled, **even)
    assert numbers(reply) == [-4, -2, 0, 2, 4]
    assert (reply["Count"], reply["ScannedCount"]) == (5, 11)
    page = query(ddb, filled, **even, Limit=3, ReturnConsumedCapacity="INDEXES")
    assert (numbers(page), page["ScannedCount"]) == ([-4], 3)
    assert page["LastEvaluatedKey"]["sk"] == {"N": "-3"}
    assert page["ConsumedCapacity"] == {"TableName": filled, "CapacityUnits": 0.5, "Table": {"CapacityUnits": 0.5}}
    for key in ("pk", "sk"):
        with refused(f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {key}"):
            query(ddb, filled, FilterExpression=f"even = :t OR attribute_exists({key})", **{":t": {"BOOL": True}})
    with refused('Invalid FilterExpression: Syntax error; token: "<EOF>", near: "even"'):
        query(ddb, filled, FilterExpression="even")


def test_a_projection_and_select_say_what_is_returned(ddb: Any, filled: str, refused: Any) -> None:
    projected = {"ProjectionExpression": "#t, sk", "ExpressionAttributeNames": {"#t": "text"}, "Limit": 1}
    assert query(ddb, filled, **projected)["Items"] == [{"text": {"S": "a-5"}, "sk": {"N": "-5"}}]
    assert query(ddb, filled, **projected, Select="SPECIFIC_ATTRIBUTES")["Count"] == 1
    assert "Items" not in query(ddb, filled, Select="COUNT")
    assert len(query(ddb, filled, Select="ALL_ATTRIBUTES")["Items"]) == 11
    for select, what in (("ALL_ATTRIBUTES", "ALL_ATTRIBUTES"), ("COUNT", "only the Count")):
        with refused(
            f"1 validation error detected: Cannot specify the ProjectionExpression when choosing to get {what}"
        ):
            query(ddb, filled, **projected, Select=select)
    unspecified = "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
    with refused(f"1 validation error detected: {unspecified}"):
        query(ddb, filled, Select="SPECIFIC_ATTRIBUTES")
    with refused(unspecified):
        ddb.scan(TableName=filled, Select="SPECIFIC_ATTRIBUTES")
    invalid = "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can be used only when"
    with refused(f"{invalid} Querying using an IndexName"):
        query(ddb, filled, Select="ALL_PROJECTED_ATTRIBUTES")
    with refused(f"{invalid} Querying using an IndexName"):
        ddb.scan(TableName=filled, Select="ALL_PROJECTED_ATTRIBUTES")
    with refused(
        "1 validation error detected: Value 'SOME' at 'select' failed to satisfy constraint: Member must satisfy enum"
        " value set: [ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES, SPECIFIC_ATTRIBUTES, COUNT]"
    ):
        query(ddb, filled, Select="SOME")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("sk = :n", "Query condition missed key schema element: pk"),
        ("third = :pk", "Query condition missed key schema element: pk"),
        ("pk = :pk AND third = :n", "Query condition missed key schema element: sk"),
        ("pk > :pk", "Query key condition not supported"),
        ("pk BETWEEN :pk AND :pk", "Query key condition not supported"),
        ("pk = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        (
            "pk = :pk AND sk = :pk",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "pk = :pk AND begins_with(sk, :n)",
            (
                "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function:"
                " begins_with, operand type: N"
            ),
        ),
        (
            "pk = :pk AND sk BETWEEN :n AND :m",
            (
                "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal"
                " to lower bound; lower bound operand: AttributeValue: {N:2},"
                " upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        ("pk = :pk OR sk = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :pk AND", 'Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "AND"'),
        ("", "Invalid KeyConditionExpression: The expression can not be empty;"),
        (
            "pk = :undefined",
            (
                "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined;"
                " attribute value: :undefined"
            ),
        ),
    ],
)
def test_key_conditions_that_are_refused(ddb: Any, filled: str, refused: Any, condition: str, message: str) -> None:
    every = {":pk": {"S": "a"}, ":n": {"N": "2"}, ":m": {"N": "1"}}
    values = {name: value if name in condition else None for name, value in every.items()}
    if not any(values.values()):
        values[":pk"] = {"S": "a"}
    with refused(message):
        query(ddb, filled, condition, **values)


def test_more_queries_that_are_refused(ddb: Any, filled: str, things: str, refused: Any) -> None:
    with refused("Query key condition not supported"):
        query(ddb, things, "id = :pk AND third = :pk")
    with refused("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."):
        ddb.query(TableName=filled)
    with refused("The table does not have the specified index: by-date"):
        query(ddb, filled, IndexName="by-date")
    with refused("The table does not have the specified index: by-date"):
        ddb.scan(TableName=filled, IndexName="by-date")
    with refused("Requested resource not found", "ResourceNotFoundException"):
        query(ddb, "nothing")
    with refused("Requested resource not found", "ResourceNotFoundException"):
        ddb.scan(TableName="nothing")
    with refused(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty"
        " string value. Key: pk"
    ):
        query(ddb, filled, **{":pk": {"S": ""}})
    with refused(
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater"
        " than or equal to 1"
    ):
        query(ddb, filled, Limit=0)
    with refused("ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null"):
        ddb.scan(TableName=filled, ExpressionAttributeValues={":v": {"N": "1"}})


# Scan


def keys(items: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(item["pk"]["S"], int(item["sk"]["N"])) for item in items]


def test_a_scan_returns_everything_partition_by_partition(ddb: Any, filled: str) -> None:
    reply = ddb.scan(TableName=filled)
    found = keys(reply["Items"])
    assert sorted(found) == [(partition, number) for partition in ("a", "b") for number in NUMBERS]
    first = found[0][0]
    assert found == sorted(found, key=lambda key: (key[0] != first, key[1]))
    assert (reply["Count"], reply["ScannedCount"], "LastEvaluatedKey" in reply) == (22, 22, False)
    pages = ddb.get_paginator("scan").paginate(TableName=filled, PaginationConfig={"PageSize": 5})
    assert [key for page in pages for key in keys(page["Items"])] == found
    even = ddb.scan(
        TableName=filled,
        FilterExpression="even = :t AND begins_with(#x, :a)",
        ProjectionExpression="pk, sk",
        ExpressionAttributeNames={"#x": "text"},
        ExpressionAttributeValues={":t": {"BOOL": True}, ":a": {"S": "a"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert keys(even["Items"]) == [("a", number) for number in NUMBERS if number % 2 == 0]
    assert (even["ScannedCount"], even["ConsumedCapacity"]["CapacityUnits"]) == (22, 0.5)
    assert ddb.scan(TableName=filled, Select="COUNT", Limit=3)["Count"] == 3


def test_an_empty_table_is_scanned_for_half_a_unit(ddb: Any, things: str) -> None:
    reply = ddb.scan(TableName=things, ReturnConsumedCapacity="TOTAL")
    assert (reply["Items"], reply["ConsumedCapacity"]["CapacityUnits"]) == ([], 0.5)


def test_segments_cover_the_table_once(ddb: Any, things: str) -> None:
    for number in range(40):
        ddb.put_item(TableName=things, Item={"id": {"S": f"item {number}"}})
    whole = [item["id"]["S"] for item in ddb.scan(TableName=things)["Items"]]
    for segments in (1, 3, 1_000_000):
        found = []
        for segment in range(min(segments, 3)):
            start: dict[str, Any] = {}
            while True:
                reply = ddb.scan(TableName=things, Segment=segment, TotalSegments=segments, Limit=7, **start)
                found += [item["id"]["S"] for item in reply["Items"]]
                if "LastEvaluatedKey" not in reply:
                    break
                start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
        assert found == (whole if segments <= 3 else [])


def test_segments_are_checked(ddb: Any, things: str, refused: Any) -> None:
    with refused(
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
    ):
        ddb.scan(TableName=things, Segment=0)
    with refused(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
    ):
        ddb.scan(TableName=things, TotalSegments=1)
    with refused(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less than"
        " TotalSegments: 4"
    ):
        ddb.scan(TableName=things, Segment=4, TotalSegments=4)
    with refused(
        "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have"
        " value less than or equal to 1000000"
    ):
        ddb.scan(TableName=things, Segment=0, TotalSegments=1_000_001)
    start = {"ExclusiveStartKey": {"id": {"S": "a"}}}
    # The first segment holds the hashes that begin with a 0 bit.
    first = encode_partition("a") < b"\x80"
    ddb.scan(TableName=things, Segment=0 if first else 1, TotalSegments=2, **start)
    other = 1 if first else 0
    with refused(
        "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct"
        f" Segment. TotalSegments: 2 Segment: {other}"
    ):
        ddb.scan(TableName=things, Segment=other, TotalSegments=2, **start)
