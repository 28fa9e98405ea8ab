"""Amazon DynamoDB through boto3: batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": {"S": str(number)}, **more}


def put(number: int, **more: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": item(number, **more)}}


def delete(number: int) -> dict[str, Any]:
    return {"DeleteRequest": {"Key": item(number)}}


def ids(items: list[dict[str, Any]]) -> list[int]:
    return sorted(int(each["id"]["S"]) for each in items)


def test_items_of_several_tables_are_written_and_read_together(ddb: Any, things: str, make_table: Make) -> None:
    other = make_table("others", id="S")
    ddb.put_item(TableName=things, Item=item(1))
    reply = ddb.batch_write_item(
        RequestItems={things: [delete(1), put(2, n={"N": "2"}), delete(99)], other: [put(1), put(2)]},
        ReturnConsumedCapacity="INDEXES",
    )
    assert reply["UnprocessedItems"] == {}
    assert reply["ConsumedCapacity"] == [
        {"TableName": things, "CapacityUnits": 3, "Table": {"CapacityUnits": 3}},
        {"TableName": other, "CapacityUnits": 2, "Table": {"CapacityUnits": 2}},
    ]
    reply = ddb.batch_get_item(
        RequestItems={
            things: {
                "Keys": [item(1), item(2)],
                "ProjectionExpression": "#n",
                "ExpressionAttributeNames": {"#n": "n"},
                "ConsistentRead": True,
            },
            other: {"Keys": [item(2)]},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert reply["Responses"] == {things: [{"n": {"N": "2"}}], other: [item(2)]}
    assert reply["UnprocessedKeys"] == {}
    assert reply["ConsumedCapacity"] == [
        {"TableName": things, "CapacityUnits": 2},
        {"TableName": other, "CapacityUnits": 0.5},
    ]
    assert "ConsumedCapacity" not in ddb.batch_get_item(RequestItems={other: {"Keys": [item(2)]}})


def test_a_batch_of_writes_is_refused_as_a_whole(ddb: Any, things: str, refused: Any) -> None:
    def write(*requests: dict[str, Any], table: str = things) -> None:
        ddb.batch_write_item(RequestItems={table: list(requests)})

    with refused("Provided list of item keys contains duplicates"):
        write(put(1), put(2), delete(1))
    with refused(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    ):
        write(put(1), put(2) | delete(2))
    with refused("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"):
        write(put(1), {})
    with refused("The parameter cannot be converted to a numeric value: x"):
        write(put(1), put(2, n={"N": "x"}))
    with refused("One or more parameter values were invalid: Missing the key id in the item"):
        write(put(1), {"PutRequest": {"Item": {"x": {"S": "1"}}}})
    with refused("Item size has exceeded the maximum allowed size"):
        write(put(1), put(2, text={"S": "x" * 400 * 1024}))
    with refused("Requested resource not found", "ResourceNotFoundException"):
        write(put(1), table="nothing")
    with refused("Requested resource not found", "ResourceNotFoundException"):
        ddb.batch_write_item(RequestItems={things: [put(1)], "nothing": [put(1)]})
    assert ddb.scan(TableName=things)["Count"] == 0


def test_a_batch_of_writes_has_up_to_25_items(
    ddb: Any, things: str, make_table: Make, account: str, refused: Any
) -> None:
    ddb.batch_write_item(RequestItems={things: [put(number) for number in range(25)]})
    assert ids(ddb.scan(TableName=things)["Items"]) == list(range(25))
    other = make_table("others", id="S")
    with refused("Too many items requested for the BatchWriteItem call"):
        ddb.batch_write_item(RequestItems={things: [put(number) for number in range(25)], other: [put(1)]})
    request = "WriteRequest(putRequest=Put(item={id={S=1}}), deleteRequest=null)"
    with refused(
        f"1 validation error detected: Value '{{things=[{', '.join([request] * 26)}]}}' at 'requestItems' failed to"
        " satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25,"
        " Member must have length greater than or equal to 1]"
    ):
        ddb.batch_write_item(RequestItems={things: [put(1)] * 26})
    with refused(
        "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint:"
        " Member must have length greater than or equal to 1"
    ):
        ddb.batch_write_item(RequestItems={})
    with refused(
        "1 validation error detected: Value null at 'requestItems.things.member.1.member.deleteRequest.key' failed to"
        " satisfy constraint: Member must not be null"
    ):
        ddb.batch_write_item(RequestItems={things: [{"DeleteRequest": {}}]})


def test_a_batch_of_reads_is_refused_as_a_whole(ddb: Any, things: str, refused: Any) -> None:
    def read(*keys: dict[str, Any], **more: Any) -> None:
        ddb.batch_get_item(RequestItems={things: {"Keys": list(keys), **more}})

    with refused("Provided list of item keys contains duplicates"):
        ddb.batch_get_item(RequestItems={"nothing": {"Keys": [{"id": {"N": "1"}}, {"id": {"N": "1.0"}}]}})
    with refused("Provided list of item keys contains duplicates"):
        read(item(1), item(2), item(1))
    with refused("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: status"):
        read(item(1), ProjectionExpression="status")
    with refused("Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"):
        read(item(1), ProjectionExpression="id", ExpressionAttributeNames={"#a": "a"})
    with refused(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters:"
        " {AttributesToGet} Expression parameters: {ProjectionExpression}"
    ):
        read(item(1), AttributesToGet=["id"], ProjectionExpression="id")
    with refused("Requested resource not found", "ResourceNotFoundException"):
        ddb.batch_get_item(RequestItems={"nothing": {"Keys": [item(1)]}})


def test_a_batch_of_reads_has_up_to_100_keys(ddb: Any, things: str, make_table: Make, refused: Any) -> None:
    for start in range(0, 100, 25):
        ddb.batch_write_item(RequestItems={things: [put(number) for number in range(start, start + 25)]})
    reply = ddb.batch_get_item(RequestItems={things: {"Keys": [item(number) for number in range(100)]}})
    assert ids(reply["Responses"][things]) == list(range(100))
    other = make_table("others", id="S")
    with refused("Too many items requested for the BatchGetItem call"):
        ddb.batch_get_item(
            RequestItems={
                things: {"Keys": [item(number) for number in range(60)]},
                other: {"Keys": [item(number) for number in range(41)]},
            }
        )


def test_what_does_not_fit_into_16_mb_is_left_unprocessed(ddb: Any, things: str, make_table: Make) -> None:
    other = make_table("others", id="S")
    for number in range(45):
        # 41 items of 400,000 bytes fit into 16 MiB.
        item_of_size = item(number, text={"S": "x" * (400_000 - 6 - len(str(number)))})
        ddb.put_item(TableName=things, Item=item_of_size)
    wanted = {
        things: {"Keys": [item(number) for number in range(45)], "ConsistentRead": True},
        other: {"Keys": [item(1)]},
    }
    reply = ddb.batch_get_item(RequestItems=wanted, ReturnConsumedCapacity="TOTAL")
    assert ids(reply["Responses"][things]) == list(range(41))
    assert reply["UnprocessedKeys"] == {
        things: {"Keys": [item(number) for number in range(41, 45)], "ConsistentRead": True},
        other: {"Keys": [item(1)]},
    }
    assert reply["ConsumedCapacity"][0]["CapacityUnits"] == 41 * 98
    rest = ddb.batch_get_item(RequestItems=reply["UnprocessedKeys"])
    assert ids(rest["Responses"][things]) == [41, 42, 43, 44]
    assert rest["UnprocessedKeys"] == {}


def test_the_batch_writer_of_the_sdk(server: Any, ddb: Any, things: str, account: str) -> None:
    import boto3

    resource = boto3.resource(
        "dynamodb",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=account,
        aws_secret_access_key="secret",
    )
    table = resource.Table(things)
    with table.batch_writer() as batch:
        for number in range(60):
            batch.put_item(Item={"id": str(number)})
        batch.delete_item(Key={"id": "7"})
    assert table.scan(Select="COUNT")["Count"] == 59
