"""Amazon DynamoDB through boto3: tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Any]


@pytest.fixture
def ddb(client: Make) -> Any:
    return client("dynamodb")


def test_a_table_is_created_described_listed_and_deleted(ddb: Any, account: str) -> None:
    created = ddb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    assert created["TableArn"] == f"arn:aws:dynamodb:us-east-1:{account}:table/orders"
    assert ddb.describe_table(TableName="orders")["Table"] == created
    assert ddb.list_tables()["TableNames"] == ["orders"]
    ddb.put_item(TableName="orders", Item={"id": {"S": "1"}, "n": {"N": "1.50"}})
    assert ddb.get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"] == {"id": {"S": "1"}, "n": {"N": "1.5"}}
    assert ddb.delete_table(TableName="orders")["TableDescription"]["TableStatus"] == "DELETING"
    assert ddb.list_tables()["TableNames"] == []
    with pytest.raises(ClientError, match="Requested resource not found: Table: orders not found"):
        ddb.describe_table(TableName="orders")
