"""The clouds' own clients, as the reference model's operations."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.conftest import boto3_client
from tests.conformance.documents.model import GROUPS, Key
from tests.conformance.gcp.firestore.conftest import emulated

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.documents.model import Operation

_numbers = itertools.count(1)
ATTEMPTS = 50
# Not there, there already, not as the filter has it.
REFUSED = (404, 409, 412)


def _new_name() -> str:
    return f"model-{os.getpid()}-{next(_numbers)}"


class DynamoDocuments:
    """A table whose index puts each group in the order of its values."""

    def __init__(self, server: ThreadedServer) -> None:
        self._table = _new_name()
        self._client = boto3_client(server, f"{os.getpid() % 100_000:05d}9000000")("dynamodb", max_pool_connections=8)
        kinds = {"group": "S", "name": "S", "n": "N"}
        self._client.create_table(
            TableName=self._table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()],
            KeySchema=[_role("group", "HASH"), _role("name", "RANGE")],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-n",
                    "KeySchema": [_role("group", "HASH"), _role("n", "RANGE")],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )

    def do(self, operation: Operation) -> Any:
        kind, key, n, _other = operation
        if kind == "get":
            found = self._client.get_item(TableName=self._table, Key=_key(key), ConsistentRead=True)
            return int(found["Item"]["n"]["N"]) if "Item" in found else None
        if kind == "put":
            self._client.put_item(TableName=self._table, Item={**_key(key), "n": _number(n)})
            return None
        if kind == "delete":
            self._client.delete_item(TableName=self._table, Key=_key(key))
            return None
        if kind == "list":
            found = self._client.query(
                TableName=self._table,
                IndexName="by-n",
                KeyConditionExpression="#g = :g AND n >= :n",
                ExpressionAttributeNames={"#g": "group"},
                ExpressionAttributeValues={":g": {"S": key.group}, ":n": _number(n)},
            )
            return sorted((int(item["n"]["N"]), item["name"]["S"]) for item in found["Items"])
        try:
            self._conditionally(operation)
        except (
            self._client.exceptions.ConditionalCheckFailedException,
            self._client.exceptions.TransactionCanceledException,
        ):
            return False
        return True

    def _conditionally(self, operation: Operation) -> None:
        kind, key, n, other = operation
        if kind == "create":
            self._client.put_item(
                TableName=self._table,
                Item={**_key(key), "n": _number(n)},
                ConditionExpression="attribute_not_exists(n)",
            )
        elif kind == "raise":
            self._client.update_item(TableName=self._table, **_update(key, "SET n = :n", "n < :n", n))
        else:
            assert other is not None
            self._client.transact_write_items(
                TransactItems=[
                    {"Update": {"TableName": self._table, **_update(key, "SET n = n - :n", "n >= :n", n)}},
                    {"Update": {"TableName": self._table, **_update(other, "ADD n :n", "attribute_exists(n)", n)}},
                ]
            )

    def all(self) -> dict[Key, int]:
        items = self._client.scan(TableName=self._table, ConsistentRead=True)["Items"]
        return {Key(item["group"]["S"], item["name"]["S"]): int(item["n"]["N"]) for item in items}

    def close(self) -> None:
        self._client.close()


def _role(name: str, role: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": role}


def _key(key: Key) -> dict[str, Any]:
    return {"group": {"S": key.group}, "name": {"S": key.name}}


def _number(n: int) -> dict[str, str]:
    return {"N": str(n)}


def _update(key: Key, update: str, condition: str, n: int) -> dict[str, Any]:
    values = {":n": _number(n)}
    return {
        "Key": _key(key),
        "UpdateExpression": update,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
    }


class FirestoreDocuments:
    """A collection below each group's document."""

    def __init__(self, server: ThreadedServer) -> None:
        with emulated(server.url):
            self._client = firestore.Client(project=_new_name())
            # The channel is made with the first call, which looks at the environment.
            _ = self._client._firestore_api

    def do(self, operation: Operation) -> Any:
        kind, key, n, _other = operation
        document = self._document(key)
        if kind == "get":
            return document.get().get("n")
        if kind == "put":
            document.set({"n": n})
            return None
        if kind == "delete":
            document.delete()
            return None
        if kind == "list":
            query = document.parent.where(filter=FieldFilter("n", ">=", n)).order_by("n")
            return [(found.get("n"), found.id) for found in query.stream()]
        if kind == "create":
            try:
                document.create({"n": n})
            except exceptions.Conflict:
                return False
            return True
        return firestore.transactional(self._decide)(self._client.transaction(max_attempts=ATTEMPTS), operation)

    def _decide(self, transaction: Any, operation: Operation) -> bool:
        kind, key, n, other = operation
        document = self._document(key)
        there = document.get(transaction=transaction).get("n")
        if kind == "raise":
            if there is None or there >= n:
                return False
            transaction.update(document, {"n": n})
            return True
        assert other is not None
        target = self._document(other)
        beside = target.get(transaction=transaction).get("n")
        if there is None or there < n or beside is None:
            return False
        transaction.update(document, {"n": there - n})
        transaction.update(target, {"n": beside + n})
        return True

    def _document(self, key: Key) -> Any:
        return self._client.document("groups", key.group, "things", key.name)

    def all(self) -> dict[Key, int]:
        return {
            Key(group, found.id): found.get("n")
            for group in GROUPS
            for found in self._client.collection("groups", group, "things").stream()
        }

    def close(self) -> None:
        self._client.close()


class CosmosDocuments:
    """A container whose logical partitions are the groups."""

    def __init__(self, server: ThreadedServer) -> None:
        self._client = CosmosClient(server.url, EMULATOR_KEY, retry_total=0)
        database = self._client.create_database(_new_name())
        self._container = database.create_container("things", PartitionKey("/group"))

    def do(self, operation: Operation) -> Any:
        kind, key, n, _other = operation
        if kind == "list":
            found = self._container.query_items(
                "SELECT c.n, c.id FROM c WHERE c.n >= @n ORDER BY c.n",
                parameters=[{"name": "@n", "value": n}],
                partition_key=key.group,
            )
            return sorted((item["n"], item["id"]) for item in found)
        try:
            return self._do_one(operation)
        except CosmosHttpResponseError as error:
            if error.status_code not in REFUSED:
                raise
            return None if kind in ("get", "delete") else False

    def _do_one(self, operation: Operation) -> Any:
        kind, key, n, other = operation
        item = {"id": key.name, "group": key.group, "n": n}
        if kind == "get":
            return self._container.read_item(key.name, key.group)["n"]
        if kind == "put":
            self._container.upsert_item(item)
            return None
        if kind == "delete":
            self._container.delete_item(key.name, key.group)
            return None
        if kind == "create":
            self._container.create_item(item)
        elif kind == "raise":
            self._container.patch_item(
                key.name,
                key.group,
                [{"op": "set", "path": "/n", "value": n}],
                filter_predicate=f"FROM c WHERE c.n < {n}",
            )
        else:
            assert other is not None
            steps = [(key, -n, f"FROM c WHERE c.n >= {n}"), (other, n, "FROM c WHERE IS_NUMBER(c.n)")]
            try:
                self._container.execute_item_batch(
                    [
                        ("patch", (each.name, [{"op": "incr", "path": "/n", "value": by}]), {"filter_predicate": only})
                        for each, by, only in steps
                    ],
                    partition_key=key.group,
                )
            except CosmosBatchOperationError:
                return False
        return True

    def all(self) -> dict[Key, int]:
        return {Key(item["group"], item["id"]): item["n"] for item in self._container.read_all_items()}

    def close(self) -> None:
        self._client.client_connection._global_endpoint_manager._refresh_thread.join()
        self._client.__exit__(None, None, None)
