"""Several items in one request: transactional batches, all or none, and bulk, each for itself.

"Transactional batch operations in Azure Cosmos DB"
(https://learn.microsoft.com/azure/cosmos-db/transactional-batch): up to 100 operations, up to 2 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.cosmos.calls import json_response
from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, not_found, unsupported
from fogbank.clouds.azure.cosmos.items.items import RID
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, read_levels
from fogbank.clouds.azure.cosmos.items.patches import read_patch
from fogbank.clouds.azure.cosmos.items.shown import charged, read_charge, session_headers, show_item, write_charge
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, read_item, write
from fogbank.clouds.azure.cosmos.resources.definitions import layout_of
from fogbank.clouds.azure.cosmos.rids import etag_of
from fogbank.engines.documents import collections, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.items.keys import Levels
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx
    from fogbank.wire.http import Response

OPERATIONS_MAX: Final = 100
_WRITES: Final = frozenset({"create", "upsert", "replace", "delete", "patch"})
_MEMBERS: Final = frozenset({
    "operationType", "resourceBody", "id", "partitionKey", "ifMatch", "ifNoneMatch", "index", "indexingDirective",
    "minimalReturnPreference",
})  # fmt: skip


class Step(NamedTuple):
    """One operation: a write, or the read of an item; `error` is why it can't be tried, `number` for a new item."""

    number: int
    target: Target
    item: ItemWrite | None
    error: CosmosError | None
    minimal: bool


class BatchFailedError(Exception):
    """An operation of a transactional batch failed; `results` are those of all."""

    def __init__(self, results: list[dict[str, Any]]) -> None:
        super().__init__("a batch failed")
        self.results = results


async def run_batch(parts: Parts, call: CosmosCall) -> Response:
    """Run several operations."""
    given = await call.read_json()
    if not isinstance(given, list) or not given:
        raise bad_request("Batch request has no operations.")
    if len(given) > OPERATIONS_MAX:
        raise bad_request(f"Batch request has more operations than what is supported. Maximum: {OPERATIONS_MAX}.")
    atomic = call.is_set(b"x-ms-cosmos-batch-atomic")
    levels = read_levels(call.header(PARTITION_KEY))
    if atomic and levels is None:
        raise bad_request("PartitionKey value must be supplied for this operation.")
    numbers = parts.ids.sequences(len(given))
    rid = call.header(RID)
    steps = [_read_step(each, levels, rid, number, call.now_us) for each, number in zip(given, numbers, strict=True)]
    try:
        results, version = await parts.store.run(_run, call.container, steps, atomic=atomic)
    except BatchFailedError as error:
        results, version = error.results, 0
    failed = any(result["statusCode"] >= 400 for result in results)
    charge = sum(result["requestCharge"] for result in results)
    headers = [charged(charge), *(session_headers(version) if version else ())]
    return json_response(207 if failed else 200, results, headers)


def _read_step(given: Any, levels: Levels | None, rid: str, number: int, now_us: int) -> Step:
    if not isinstance(given, dict):
        raise bad_request("An operation of a batch must be an object.")
    for name, value in given.items():
        if name not in _MEMBERS and value is not None:
            raise unsupported(f"the member {name} of operations in batches")
    kind = str(given.get("operationType")).lower()
    if kind not in _WRITES and kind != "read":
        raise unsupported(f"the operation {given.get('operationType')} in batches")
    own = given.get("partitionKey")
    if own is not None:
        levels = read_levels(own if isinstance(own, str) else msgspec.json.encode(own).decode())
    conditions = Conditions(str(given.get("ifMatch") or ""), str(given.get("ifNoneMatch") or ""))
    minimal = given.get("minimalReturnPreference") is True
    body = given.get("resourceBody")
    target = Target(str(given.get("id")), levels, rid)
    try:
        if kind == "read":
            return Step(number, target, None, None, minimal=False)
        if kind == "delete":
            return Step(number, target, ItemWrite(kind, target, conditions), None, minimal)
        if kind == "patch":
            change = read_patch(body, now_us)
            return Step(number, target, ItemWrite(kind, target, conditions, change=change), None, minimal)
        document = read_item(body, len(msgspec.json.encode(body)))
        if kind == "replace" and given.get("id") not in (None, document.fields["id"]):
            raise bad_request("The id of an item can't be changed.")
        target = Target(str(document.fields["id"]), levels, rid, document.fields)
        return Step(number, target, ItemWrite(kind, target, conditions, document), None, minimal)
    except CosmosError as error:
        return Step(number, target, None, error, minimal)


async def _run(
    tx: Tx, now_us: int, name: Name, steps: Sequence[Step], *, atomic: bool
) -> tuple[list[dict[str, Any]], int]:
    """Run operations in their order; raises `BatchFailedError` to have none of them done."""
    results: list[dict[str, Any]] = []
    latest = 0
    for step in steps:
        try:
            result, version = await _run_one(tx, now_us, name, step)
            latest = max(latest, version)
        except CosmosError as error:
            result = {"statusCode": error.status, "subStatusCode": error.substatus, "requestCharge": 1.24}
            if atomic:
                undone = {"statusCode": 424, "subStatusCode": 0, "requestCharge": 0}
                rest = len(steps) - len(results) - 1
                everything = [*([undone] * len(results)), result, *([undone] * rest)]
                raise BatchFailedError(everything) from None
            result["message"] = error.message
        results.append(result)
    return results, latest


async def _run_one(tx: Tx, now_us: int, name: Name, step: Step) -> tuple[dict[str, Any], int]:
    if step.error is not None:
        raise step.error
    if step.item is None:
        collection = await collections.find(tx, now_us, name)
        found = await documents.get(tx, now_us, name, step.target.locate)
        if found is None:
            raise not_found()
        shown = show_item(layout_of(collection.config), found)
        result = {"statusCode": 200, "requestCharge": read_charge(found.size), "eTag": shown["_etag"]}
        return {**result, "resourceBody": shown}, found.version
    layout, written = await write(tx, now_us, name, step.number, step.item)
    if written.after is None:
        assert written.before is not None
        return {"statusCode": 204, "requestCharge": write_charge(written.before.size)}, written.before.version
    result = {
        "statusCode": 201 if written.before is None else 200,
        "requestCharge": write_charge(written.after.size),
        "eTag": etag_of(written.after.version),
    }
    if not step.minimal:
        result["resourceBody"] = show_item(layout, written.after)
    return result, written.after.version
