"""Amazon DynamoDB through boto3: transactions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.conftest import boto3_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]

FAILED = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
NONE = {"Code": "None"}
TWICE = "Transaction request cannot include multiple operations on one item"


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": {"S": str(number)}, **more}


def put(table: str, number: int, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": item(number), **more}}


def check(table: str, number: int, condition: str, **more: Any) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": table, "Key": item(number), "ConditionExpression": condition, **more}}


def add(table: str, number: int, **more: Any) -> dict[str, Any]:
    values = {":one": {"N": "1"}}
    return {
        "Update": {
            "TableName": table,
            "Key": item(number),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": values,
            **more,
        }
    }


def delete(table: str, number: int, **more: Any) -> dict[str, Any]:
    return {"Delete": {"TableName": table, "Key": item(number), **more}}


def get(table: str, number: int, **more: Any) -> dict[str, Any]:
    return {"Get": {"TableName": table, "Key": item(number), **more}}


def stored(ddb: Any, table: str) -> dict[str, dict[str, Any]]:
    return {found["id"]["S"]: found for found in ddb.scan(TableName=table)["Items"]}


@pytest.fixture
def cancelled(ddb: Any) -> Callable[..., list[dict[str, Any]]]:
    """Send writes that must be cancelled; returns the reasons."""

    def send(*actions: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        with pytest.raises(ddb.exceptions.TransactionCanceledException) as caught:
            ddb.transact_write_items(TransactItems=list(actions), **more)
        reasons: list[dict[str, Any]] = caught.value.response["CancellationReasons"]
        codes = ", ".join(reason["Code"] for reason in reasons)
        assert caught.value.response["Error"]["Message"] == (
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        )
        return reasons

    return send


def test_all_four_kinds_of_actions_are_carried_out_together(ddb: Any, things: str, make_table: Make) -> None:
    other = make_table("others", id="S")
    ddb.put_item(TableName=things, Item=item(1, n={"N": "5"}))
    ddb.put_item(TableName=things, Item=item(2))
    reply = ddb.transact_write_items(
        TransactItems=[
            put(other, 1, ConditionExpression="attribute_not_exists(id)"),
            add(things, 1, ConditionExpression="n = :five", ExpressionAttributeValues={
                ":one": {"N": "1"}, ":five": {"N": "5"}
            }),
            delete(things, 2),
            check(things, 3, "attribute_not_exists(id)"),
            add(other, 4),
        ],
        ReturnConsumedCapacity="INDEXES",
    )  # fmt: skip
    assert stored(ddb, things) == {"1": item(1, n={"N": "6"})}
    assert stored(ddb, other) == {"1": item(1), "4": item(4, n={"N": "1"})}
    four, six = ({"CapacityUnits": units, "WriteCapacityUnits": units} for units in (4.0, 6.0))
    assert reply["ConsumedCapacity"] == [
        {"TableName": other, **four, "Table": four},
        {"TableName": things, **six, "Table": six},
    ]


def test_one_unfulfilled_condition_cancels_everything(ddb: Any, things: str, cancelled: Any) -> None:
    ddb.put_item(TableName=things, Item=item(1, b={"B": b"x"}))
    new = "attribute_not_exists(id)"
    reasons = cancelled(
        put(things, 9),
        put(things, 1, ConditionExpression=new, ReturnValuesOnConditionCheckFailure="ALL_OLD"),
        check(things, 2, "attribute_exists(id)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
        delete(things, 3),
        add(things, 4, ConditionExpression="n > :one"),
    )
    assert reasons == [NONE, {**FAILED, "Item": item(1, b={"B": b"x"})}, FAILED, NONE, FAILED]
    assert list(stored(ddb, things)) == ["1"]
    assert cancelled(put(things, 1, ConditionExpression=new)) == [FAILED], "the item isn't shown unless asked for"


def test_what_an_item_does_not_allow_cancels_everything(ddb: Any, things: str, cancelled: Any) -> None:
    ddb.put_item(TableName=things, Item=item(1, n={"S": "text"}))

    def invalid(message: str) -> dict[str, str]:
        return {"Code": "ValidationError", "Message": message}

    assert cancelled(put(things, 2), add(things, 1)) == [
        NONE,
        invalid("An operand in the update expression has an incorrect data type"),
    ]
    wrong_key = {"Delete": {"TableName": things, "Key": {"id": {"N": "1"}}}}
    assert cancelled(wrong_key, put(things, 2)) == [
        invalid("The provided key element does not match the schema"),
        NONE,
    ]
    without_key = {"Put": {"TableName": things, "Item": {"x": {"S": "1"}}}}
    assert cancelled(put(things, 2), without_key) == [
        NONE,
        invalid("One or more parameter values were invalid: Missing the key id in the item"),
    ]
    of_key = {
        "Update": {
            "TableName": things,
            "Key": item(1),
            "UpdateExpression": "SET id = :v",
            "ExpressionAttributeValues": {":v": {"S": "2"}},
        }
    }
    assert cancelled(of_key) == [
        invalid(
            "One or more parameter values were invalid: Cannot update attribute id. This attribute is part of the key"
        )
    ]
    grown = {
        "Update": {
            "TableName": things,
            "Key": item(1),
            "UpdateExpression": "SET a = :v, b = :v",
            "ExpressionAttributeValues": {":v": {"S": "x" * 210_000}},
        }
    }
    assert cancelled(grown) == [invalid("Item size to update has exceeded the maximum allowed size")]
    assert stored(ddb, things) == {"1": item(1, n={"S": "text"})}


def test_what_can_be_told_from_the_request_is_refused_as_such(ddb: Any, things: str, refused: Any) -> None:
    def send(*actions: dict[str, Any]) -> None:
        ddb.transact_write_items(TransactItems=list(actions))

    with refused(TWICE):
        send(put(things, 1), put(things, 2), check(things, 1, "attribute_exists(id)"))
    with refused("TransactItems can only contain one of Check, Put, Update or Delete"):
        send(put(things, 1) | delete(things, 1))
    with refused("TransactItems can only contain one of Check, Put, Update or Delete"):
        send({})
    with refused("Requested resource not found", "ResourceNotFoundException"):
        send(put(things, 1), put("nothing", 1))
    with refused("Invalid ConditionExpression: The expression can not be empty;"):
        send(check(things, 1, ""))
    empty = (
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty"
        " string value. Key: id"
    )
    for action in (put(things, 1, Item={"id": {"S": ""}}), {"Delete": {"TableName": things, "Key": {"id": {"S": ""}}}}):
        with refused(empty):
            send(put(things, 1), action)
    with refused("Item size has exceeded the maximum allowed size"):
        send(put(things, 1, Item=item(1, text={"S": "x" * 400 * 1024})))
    with refused(
        "1 validation error detected: Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed"
        " to satisfy constraint: Member must not be null"
    ):
        send({"ConditionCheck": {"TableName": things, "Key": item(1)}})
    with refused(
        "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint:"
        " Member must have length greater than or equal to 1"
    ):
        send()
    with pytest.raises(ClientError, match="Member must have length less than or equal to 100"):
        send(*(put(things, number) for number in range(101)))
    with refused("The aggregate size of the items in the transaction exceeds 4 MB"):
        send(*(put(things, number, Item=item(number, text={"S": "x" * 400_000})) for number in range(11)))
    assert stored(ddb, things) == {}
    send(*(put(things, number) for number in range(100)))
    assert len(stored(ddb, things)) == 100


def test_a_request_that_comes_again_is_carried_out_once(timed_server: ThreadedServer, account: str) -> None:
    ddb = boto3_client(timed_server, account)("dynamodb")
    ddb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def send(*actions: dict[str, Any], token: str = "one") -> list[dict[str, Any]]:
        reply = ddb.transact_write_items(
            TransactItems=list(actions), ClientRequestToken=token, ReturnConsumedCapacity="TOTAL"
        )
        return reply["ConsumedCapacity"]

    def count() -> str:
        return stored(ddb, "things")["1"]["n"]["N"]

    first = send(add("things", 1))
    assert first == [{"TableName": "things", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]
    again = send(add("things", 1))
    assert again == [{"TableName": "things", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    assert count() == "1"
    with pytest.raises(ddb.exceptions.IdempotentParameterMismatchException):
        send(add("things", 2))
    send(add("things", 1), token="two")
    assert count() == "2"
    timed_server.advance(599)
    send(add("things", 1))
    assert count() == "2"
    timed_server.advance(1)
    send(add("things", 1))
    assert count() == "3"
    timed_server.advance(700)
    send(add("things", 2))
    assert stored(ddb, "things")["2"]["n"]["N"] == "1"


def test_a_request_that_was_cancelled_may_succeed_when_it_comes_again(ddb: Any, things: str, cancelled: Any) -> None:
    action = add(things, 1, ConditionExpression="attribute_exists(id)")
    assert cancelled(action, ClientRequestToken="t") == [FAILED]
    ddb.put_item(TableName=things, Item=item(1))
    ddb.transact_write_items(TransactItems=[action], ClientRequestToken="t")
    ddb.transact_write_items(TransactItems=[action], ClientRequestToken="t")
    assert stored(ddb, things)["1"]["n"]["N"] == "1"


def test_items_are_read_as_they_were_at_one_time(ddb: Any, things: str, make_table: Make, refused: Any) -> None:
    other = make_table("others", id="S")
    ddb.put_item(TableName=things, Item=item(1, a={"M": {"b": {"N": "1"}, "c": {"N": "2"}}}))
    ddb.put_item(TableName=other, Item=item(2))
    reply = ddb.transact_get_items(
        TransactItems=[
            get(other, 2),
            get(things, 2),
            get(things, 1, ProjectionExpression="#a.c", ExpressionAttributeNames={"#a": "a"}),
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert reply["Responses"] == [{"Item": item(2)}, {}, {"Item": {"a": {"M": {"c": {"N": "2"}}}}}]
    assert reply["ConsumedCapacity"] == [
        {"TableName": other, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0},
        {"TableName": things, "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0},
    ]
    with refused(TWICE):
        ddb.transact_get_items(TransactItems=[get(things, 1), get(things, 1, ProjectionExpression="a")])
    with refused("Requested resource not found", "ResourceNotFoundException"):
        ddb.transact_get_items(TransactItems=[get("nothing", 1)])
    with refused("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: status"):
        ddb.transact_get_items(TransactItems=[get(things, 1, ProjectionExpression="status")])
    with pytest.raises(ddb.exceptions.TransactionCanceledException) as caught:
        ddb.transact_get_items(TransactItems=[get(things, 1), {"Get": {"TableName": things, "Key": {}}}])
    assert caught.value.response["CancellationReasons"] == [
        NONE,
        {"Code": "ValidationError", "Message": "The provided key element does not match the schema"},
    ]


def test_no_more_than_4_mb_are_read_as_one(ddb: Any, things: str, refused: Any) -> None:
    for number in range(11):
        ddb.put_item(TableName=things, Item=item(number, text={"S": "x" * 400_000}))
    reply = ddb.transact_get_items(TransactItems=[get(things, number) for number in range(10)])
    assert len(reply["Responses"]) == 10
    with refused("The aggregate size of the items in the transaction exceeds 4 MB"):
        ddb.transact_get_items(TransactItems=[get(things, number) for number in range(11)])


def test_money_is_moved_and_never_made(client: Make, ddb: Any, things: str) -> None:
    accounts = range(4)
    for number in accounts:
        ddb.put_item(TableName=things, Item=item(number, n={"N": "10"}))

    def move(source: int, target: int) -> dict[str, Any]:
        def by(number: int, amount: int, **more: Any) -> dict[str, Any]:
            values = {":by": {"N": str(amount)}, ":zero": {"N": "0"}} if more else {":by": {"N": str(amount)}}
            return add(things, number, UpdateExpression="ADD n :by", ExpressionAttributeValues=values, **more)

        return {"TransactItems": [by(source, -1, ConditionExpression="n > :zero"), by(target, 1)]}

    def work(first: int) -> None:
        own = client("dynamodb")
        for step in range(10):
            source, target = (first + step) % 4, (first + 2 * step + 1) % 4
            if source != target:
                try:
                    own.transact_write_items(**move(source, target))
                except own.exceptions.TransactionCanceledException:
                    poor.append(source)

    poor: list[int] = []
    workers = [threading.Thread(target=work, args=(number,)) for number in accounts]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        seen = ddb.transact_get_items(TransactItems=[get(things, number) for number in accounts])["Responses"]
        assert sum(int(each["Item"]["n"]["N"]) for each in seen) == 40
    for worker in workers:
        worker.join()
