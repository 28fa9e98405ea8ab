"""DynamoDB against a dict: whatever is done to a table, it holds and finds what a plain dict would."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fogbank.app import App
from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids
from fogbank.settings import Settings
from fogbank.wire.http import Request

Key = tuple[str, int]

PARTITIONS = st.sampled_from(["a", "b", "ab", "é"])
SORTS = st.integers(-12, 12)
NUMBERS = st.integers(0, 9)
ATTRIBUTES = st.dictionaries(st.sampled_from(["x", "y"]), NUMBERS, max_size=2)
LIMITS = st.none() | st.integers(1, 5)


def wire(key: Key, attributes: dict[str, int] | None = None) -> dict[str, Any]:
    found = {name: {"N": str(value)} for name, value in (attributes or {}).items()}
    return {"pk": {"S": key[0]}, "sk": {"N": str(key[1])}, **found}


def plain(item: dict[str, Any]) -> tuple[Key, dict[str, int]]:
    key = (item["pk"]["S"], int(item["sk"]["N"]))
    return key, {name: int(value["N"]) for name, value in item.items() if name not in ("pk", "sk")}


class Table(RuleBasedStateMachine):
    """A table, and the dict that it is compared with."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.items: dict[Key, dict[str, int]] = {}

    @initialize()
    def create(self) -> None:
        clock = Clock(frozen_at_us=1_795_348_800_000_000)
        ids = Ids(clock, seed=1)
        self.app = App(Settings(port=0, memory=True), clock=clock, ids=ids)
        self.loop.run_until_complete(self.app.__aenter__())
        self.ask(
            "CreateTable",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def teardown(self) -> None:
        self.loop.run_until_complete(self.app.__aexit__(None, None, None))
        self.loop.close()

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        """Send a request; an error comes back as its code under `refused`."""
        if "RequestItems" not in members:
            members["TableName"] = "table"
        headers = {b"x-amz-target": f"DynamoDB_20120810.{operation}".encode(), b"host": b"localhost"}
        request = Request("POST", b"/", headers, msgspec.json.encode(members))
        response = self.loop.run_until_complete(self.app.handle(request))
        assert isinstance(response.body, bytes)
        reply = msgspec.json.decode(response.body)
        return reply if response.status == 200 else {"refused": reply["__type"].rpartition("#")[2]}

    @rule(pk=PARTITIONS, sk=SORTS, attributes=ATTRIBUTES, only_new=st.booleans())
    def put(self, pk: str, sk: int, attributes: dict[str, int], only_new: bool) -> None:
        key = (pk, sk)
        condition = {"ConditionExpression": "attribute_not_exists(pk)"} if only_new else {}
        reply = self.ask("PutItem", Item=wire(key, attributes), ReturnValues="ALL_OLD", **condition)
        before = self.items.get(key)
        if only_new and before is not None:
            assert reply == {"refused": "ConditionalCheckFailedException"}
            return
        assert reply == ({} if before is None else {"Attributes": wire(key, before)})
        self.items[key] = attributes

    @rule(pk=PARTITIONS, sk=SORTS, name=st.sampled_from(["x", "y"]), value=NUMBERS, least=NUMBERS)
    def add_where_it_is_not_small(self, pk: str, sk: int, name: str, value: int, least: int) -> None:
        key = (pk, sk)
        reply = self.ask(
            "UpdateItem",
            Key=wire(key),
            UpdateExpression=f"ADD {name} :value REMOVE z",
            ConditionExpression="attribute_not_exists(x) OR x >= :least",
            ExpressionAttributeValues={":value": {"N": str(value)}, ":least": {"N": str(least)}},
            ReturnValues="ALL_NEW",
        )
        before = self.items.get(key, {})
        if before.get("x", least) < least:
            assert reply == {"refused": "ConditionalCheckFailedException"}
            return
        self.items[key] = before | {name: before.get(name, 0) + value}
        assert plain(reply["Attributes"]) == (key, self.items[key])

    @rule(pk=PARTITIONS, sk=SORTS, name=st.sampled_from(["x", "y"]))
    def remove_an_attribute(self, pk: str, sk: int, name: str) -> None:
        key = (pk, sk)
        self.ask("UpdateItem", Key=wire(key), UpdateExpression=f"REMOVE {name}")
        self.items.get(key, {}).pop(name, None)

    @rule(pk=PARTITIONS, sk=SORTS)
    def delete(self, pk: str, sk: int) -> None:
        key = (pk, sk)
        reply = self.ask("DeleteItem", Key=wire(key), ReturnValues="ALL_OLD")
        before = self.items.pop(key, None)
        assert reply == ({} if before is None else {"Attributes": wire(key, before)})

    @rule(keys=st.dictionaries(st.tuples(PARTITIONS, SORTS), st.none() | ATTRIBUTES, min_size=1, max_size=8))
    def write_a_batch(self, keys: dict[Key, dict[str, int] | None]) -> None:
        requests = [
            {"DeleteRequest": {"Key": wire(key)}}
            if attributes is None
            else {"PutRequest": {"Item": wire(key, attributes)}}
            for key, attributes in keys.items()
        ]
        assert self.ask("BatchWriteItem", RequestItems={"table": requests}) == {"UnprocessedItems": {}}
        for key, attributes in keys.items():
            if attributes is None:
                self.items.pop(key, None)
            else:
                self.items[key] = attributes

    @rule(keys=st.lists(st.tuples(PARTITIONS, SORTS), min_size=1, max_size=8, unique=True))
    def read_a_batch(self, keys: list[Key]) -> None:
        reply = self.ask("BatchGetItem", RequestItems={"table": {"Keys": [wire(key) for key in keys]}})
        found = dict(map(plain, reply["Responses"]["table"]))
        assert found == {key: self.items[key] for key in keys if key in self.items}

    @rule(pk=PARTITIONS, low=SORTS, high=SORTS, forward=st.booleans(), limit=LIMITS, least=st.none() | NUMBERS)
    def query(self, pk: str, low: int, high: int, forward: bool, limit: int | None, least: int | None) -> None:
        low, high = sorted((low, high))
        values = {":pk": {"S": pk}, ":low": {"N": str(low)}, ":high": {"N": str(high)}}
        more: dict[str, Any] = {"ScanIndexForward": forward}
        if least is not None:
            more["FilterExpression"] = "x >= :least"
            values[":least"] = {"N": str(least)}
        condition = "pk = :pk AND sk BETWEEN :low AND :high"
        found = self._pages("Query", limit, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more)
        expected = [
            (key, self.items[key])
            for key in sorted(self.items, reverse=not forward)
            if key[0] == pk and low <= key[1] <= high and (least is None or self.items[key].get("x", -1) >= least)
        ]
        assert found == expected

    @rule(limit=LIMITS, segments=st.integers(1, 3))
    def scan(self, limit: int | None, segments: int) -> None:
        found = []
        for segment in range(segments):
            found += self._pages("Scan", limit, Segment=segment, TotalSegments=segments)
        assert len(found) == len(self.items)
        assert dict(found) == self.items
        assert found == self._pages("Scan", None), "segments follow each other"

    @invariant()
    def every_item_is_found_by_its_key(self) -> None:
        for key, attributes in self.items.items():
            assert self.ask("GetItem", Key=wire(key)) == {"Item": wire(key, attributes)}

    def _pages(self, operation: str, limit: int | None, **members: Any) -> list[tuple[Key, dict[str, int]]]:
        found = []
        if limit is not None:
            members["Limit"] = limit
        while True:
            reply = self.ask(operation, **members)
            found += [plain(item) for item in reply["Items"]]
            assert limit is None or reply["ScannedCount"] <= limit
            if "LastEvaluatedKey" not in reply:
                return found
            members["ExclusiveStartKey"] = reply["LastEvaluatedKey"]


Table.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestTable = Table.TestCase
