"""Keep a user with Amazon DynamoDB, Google Firestore and Azure Cosmos DB, each in its own client's words.

    eval "$(fogbank env)" && python -m examples.documents

The same in JavaScript is in `documents.js`. Both find the server by the variables of `fogbank env`, and nothing else.
In `java` it is in Java, on an older SDK of AWS, which reads none: `fogbank run -- mvn -q compile exec:java`.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from azure.cosmos import CosmosClient, PartitionKey
from google.cloud import firestore as google_firestore

USER = {"name": "Ada Lovelace", "email": "ada@example.com"}
PROJECT = "documents"
DATABASE = "documents"


def dynamodb() -> dict[str, Any]:
    """Put an item into a table of DynamoDB; returns it as it is read again."""
    users = boto3.resource("dynamodb").create_table(
        TableName="users",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    users.wait_until_exists()
    users.put_item(Item={"id": "123", **USER})
    item: dict[str, Any] = users.get_item(Key={"id": "123"}, ConsistentRead=True)["Item"]
    return item


def firestore(project: str = PROJECT) -> dict[str, Any]:
    """Set a document of Firestore; returns it as it is read again."""
    db = google_firestore.Client(project=project)
    db.collection("users").document("123").set(USER)
    document = db.collection("users").document("123").get()
    db.close()
    return {"id": document.id, **document.to_dict()}


def cosmos(database: str = DATABASE) -> dict[str, Any]:
    """Create an item in a container of Cosmos DB; returns it as it is read again."""
    with CosmosClient(os.environ["COSMOS_ENDPOINT"], os.environ["COSMOS_KEY"]) as client:
        made = client.create_database_if_not_exists(database)
        users = made.create_container_if_not_exists("users", PartitionKey("/id"))
        users.create_item({"id": "123", **USER})
        item = users.read_item("123", partition_key="123")
        # Names that begin with an underscore are the service's own.
        return {name: value for name, value in item.items() if not name.startswith("_")}


def main() -> None:
    for keep in (dynamodb, firestore, cosmos):
        print(f"{keep.__name__}: {keep()}")


if __name__ == "__main__":
    main()
