"""A table under crashes."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from tests.servers import RawClient

NAME = "things"
COUNTERS = 5
TOGETHER = "counter-together"


class Table:
    """Acknowledged puts and deletions hold, each addition counts once; what wasn't acknowledged may have happened.

    What is put as one is counted in the same transaction, so that the count says how much of it there must be.
    """

    def __init__(self) -> None:
        self.workers = (self.put, self.put_several, self.put_as_one, self.delete, self.add)
        self.lock = threading.Lock()
        self.number = 0
        # What each item that was ever sent looks like, by its id.
        self.tried: dict[str, dict[str, Any]] = {}
        self.written: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.together: set[str] = set()
        self.written_together: set[str] = set()
        self.adding: Counter[str] = Counter()
        self.added: Counter[str] = Counter()

    def prepare(self, client: RawClient) -> None:
        client.call(
            "dynamodb",
            "CreateTable",
            TableName=NAME,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, client: RawClient, chance: random.Random) -> None:
        item = self._new(chance)
        client.call("dynamodb", "PutItem", TableName=NAME, Item=item, ConditionExpression="attribute_not_exists(id)")
        self.written.add(item["id"]["S"])

    def put_several(self, client: RawClient, chance: random.Random) -> None:
        items = [self._new(chance) for _ in range(chance.randint(1, 25))]
        client.call("dynamodb", "BatchWriteItem", RequestItems={NAME: [{"PutRequest": {"Item": i}} for i in items]})
        self.written.update(item["id"]["S"] for item in items)

    def put_as_one(self, client: RawClient, chance: random.Random) -> None:
        items = [self._new(chance) for _ in range(chance.randint(1, 5))]
        ids = {item["id"]["S"] for item in items}
        self.together |= ids
        count = {
            "TableName": NAME,
            "Key": {"id": {"S": TOGETHER}},
            "UpdateExpression": "ADD n :count",
            "ExpressionAttributeValues": {":count": {"N": str(len(items))}},
        }
        writes: list[dict[str, Any]] = [{"Put": {"TableName": NAME, "Item": item}} for item in items]
        client.call(
            "dynamodb", "TransactWriteItems", TransactItems=[*writes, {"Update": count}], ClientRequestToken=min(ids)
        )
        self.written_together |= ids

    def delete(self, client: RawClient, chance: random.Random) -> None:
        known = sorted(self.written - self.deleting)
        if known:
            chosen = chance.choice(known)
            self.deleting.add(chosen)
            gone = client.call(
                "dynamodb", "DeleteItem", TableName=NAME, Key={"id": {"S": chosen}}, ReturnValues="ALL_OLD"
            )
            assert gone["Attributes"] == self.tried[chosen]
            self.deleted.add(chosen)

    def add(self, client: RawClient, chance: random.Random) -> None:
        counter = f"counter-{chance.randrange(COUNTERS)}"
        self.adding[counter] += 1
        client.call(
            "dynamodb",
            "UpdateItem",
            TableName=NAME,
            Key={"id": {"S": counter}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        self.added[counter] += 1

    def check(self, client: RawClient) -> None:
        found: dict[str, dict[str, Any]] = {}
        page: dict[str, Any] = {}
        while not found or "LastEvaluatedKey" in page:
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
            page = client.call("dynamodb", "Scan", TableName=NAME, ConsistentRead=True, **start)
            found.update({item["id"]["S"]: item for item in page["Items"]})
            if not page["Items"]:
                break
        counters = {name: int(found.pop(name)["n"]["N"]) for name in list(found) if name.startswith("counter-")}
        there = found.keys() & self.together
        assert self.written_together <= there, "an acknowledged transaction is lost"
        assert counters.pop(TOGETHER, 0) == len(there), "there is a part of a transaction"
        for name, least in self.added.items():
            assert least <= counters[name] <= self.adding[name], f"{name}: an addition was lost or counted twice"
        assert self.written - self.deleting <= found.keys(), "an acknowledged item is lost"
        assert not self.deleted & found.keys(), "an item came back after its deletion was acknowledged"
        for name, item in found.items():
            assert item == self.tried[name], "an item is not what was put"

    def _new(self, chance: random.Random) -> dict[str, Any]:
        with self.lock:
            self.number += 1
            number = self.number
        item = {"id": {"S": str(number)}, "body": {"S": "가" * chance.choice((1, 300, 9_000))}}
        self.tried[item["id"]["S"]] = item
        return item
