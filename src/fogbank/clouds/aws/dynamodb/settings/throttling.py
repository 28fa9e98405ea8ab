"""Throttling: what is more than a table's provisioned capacity is refused, where the server is to be `strict`.

Amazon DynamoDB Developer Guide, "Provisioned capacity mode" and "Burst capacity":
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html. A table and each of its
global indexes have a bucket for reads and one for writes, of 300 seconds' capacity; local indexes use the table's. Of
what is paid for on demand, that is so only where it has a maximum, and the buckets are those of a second. What
is refused uses nothing, nor does a write whose condition isn't fulfilled; errors have their reasons (API Reference,
"ThrottlingReason"). Adaptive capacity isn't there: partitions
have no limits of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.dynamodb.billing import PROVISIONED
from fogbank.clouds.aws.dynamodb.indexes import SHAPE, is_local
from fogbank.clouds.aws.dynamodb.service import table_arn
from fogbank.clouds.aws.dynamodb.settings.capacity import maximum_of
from fogbank.clouds.aws.dynamodb.upkeep.write_costs import costs_of
from fogbank.engines.documents import collections, documents, transactions
from fogbank.engines.documents.errors import RefusedError
from fogbank.storage import buckets
from fogbank.storage.buckets import Bucket
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.clouds.aws.dynamodb.service import Dynamo
    from fogbank.engines.documents.documents import Change, Locate, Write, Written
    from fogbank.engines.documents.model import Collection, Index, Name
    from fogbank.engines.documents.requests import Request
    from fogbank.engines.documents.transactions import Outcome
    from fogbank.storage import Tx

BURST_SECONDS: Final = 300
_PROVISIONED: Final = "ProvisionedThroughputExceededException"
_ON_DEMAND: Final = "ThrottlingException"
THROTTLED: Final = frozenset({_PROVISIONED, _ON_DEMAND})
_OF_TABLE: Final = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning"
    " level with the UpdateTable API."
)
_OF_INDEX: Final = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded."
    " Consider provisioning your under-provisioned global secondary indexes with the UpdateTable API."
)
_OF_MAXIMUM: Final = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
_READ: Final = "Read"
_WRITE: Final = "Write"


async def write_item(dynamo: Dynamo, name: Name, locate: Locate, change: Change) -> Written:
    """Write an item as `documents.write` does; raises `AwsError` where that is more than is provisioned."""
    number = dynamo.ids.sequence()
    if dynamo.strict:
        return await dynamo.store.run(_write, name, number, locate, change)
    return await dynamo.store.run(documents.write, name, number, locate, change, SHAPE)


async def write_as_one(
    tx: Tx, now_us: int, writes: Sequence[Write], bytes_max: int, request: Request | None, rounds: int
) -> Outcome:
    """As `transactions.write`, where a write costs as much as so many; raises `RefusedError` for what is too much."""
    outcome = await transactions.write(tx, now_us, writes, AwsError, bytes_max, request, SHAPE)
    if outcome.repeated:
        return outcome
    by_table: dict[Name, list[Written]] = {}
    for each, written in zip(writes, outcome.written, strict=True):
        by_table.setdefault(each.name, []).append(written)
    for name, made in by_table.items():
        try:
            await _take_writes(tx, now_us, await collections.find(tx, now_us, name), made, rounds)
        except AwsError as error:
            raise RefusedError([error if each.name == name else None for each in writes]) from None
    return outcome


async def take_reads(tx: Tx, now_us: int, reads: Sequence[tuple[Name, float]]) -> None:
    """Count reads of tables as one, by their units; raises `RefusedError`."""
    units: dict[Name, float] = {}
    for name, each in reads:
        units[name] = units.get(name, 0.0) + each
    for name, total in units.items():
        try:
            await _take(tx, now_us, await collections.find(tx, now_us, name), None, _READ, total)
        except AwsError as error:
            raise RefusedError([error if each == name else None for each, _ in reads]) from None


async def count_read(dynamo: Dynamo, name: Name, units: float, index: Index | None = None) -> None:
    """Count a read of a table or of one of its indexes, on a strict server; raises `AwsError` for what is too much."""
    await dynamo.store.run(_read, name, index, units)


async def _read(tx: Tx, now_us: int, name: Name, index: Index | None, units: float) -> None:
    await _take(tx, now_us, await collections.find(tx, now_us, name), index, _READ, units)


async def _write(tx: Tx, now_us: int, name: Name, number: int, locate: Locate, change: Change) -> Written:
    written = await documents.write(tx, now_us, name, number, locate, change, SHAPE)
    await _take_writes(tx, now_us, await collections.find(tx, now_us, name), [written])
    return written


async def _take_writes(tx: Tx, now_us: int, table: Collection, writes: Sequence[Written], rounds: int = 1) -> None:
    costs = costs_of(table.config, writes).times(rounds)
    await _take(tx, now_us, table, None, _WRITE, costs.table + sum(costs.local.values()))
    for index in table.config.indexes:
        if index.name in costs.global_:
            await _take(tx, now_us, table, index, _WRITE, costs.global_[index.name])


async def _take(tx: Tx, now_us: int, table: Collection, index: Index | None, kind: str, units: float) -> None:
    of_table = index is None or is_local(index)
    number, labels = table.id, table.config.labels
    if index is not None and not is_local(index):
        number, labels = index.number, index.labels
    provisioned = table.config.labels["BillingMode"] == PROVISIONED
    bucket = _bucket(number, kind, labels) if provisioned else _bucket_on_demand(number, kind, labels)
    if bucket is None or await buckets.take(tx, now_us, bucket, int(2 * units)):
        return
    arn = table_arn((table.scope, table.name))
    place, resource = ("Table", arn) if of_table else ("Index", f"{arn}/index/{'' if index is None else index.name}")
    limit = "ProvisionedThroughputExceeded" if provisioned else "MaxOnDemandThroughputExceeded"
    reasons = [{"reason": f"{place}{kind}{limit}", "resource": resource}]
    if provisioned:
        message = _OF_TABLE if of_table else _OF_INDEX
        raise AwsError(_PROVISIONED, message, fields={"ThrottlingReasons": reasons})
    raise AwsError(_ON_DEMAND, _OF_MAXIMUM, fields={"throttlingReasons": reasons})


def _bucket(number: int, kind: str, labels: Mapping[str, str]) -> Bucket:
    return Bucket(f"{kind}CapacityUnits of {number}", int(labels[f"{kind}CapacityUnits"]), BURST_SECONDS)


def _bucket_on_demand(number: int, kind: str, labels: Mapping[str, str]) -> Bucket | None:
    """Return the bucket of what has a maximum: nothing is saved up for longer than a second."""
    maximum = maximum_of(labels, kind)
    return None if maximum is None else Bucket(f"Max{kind}RequestUnits of {number}", maximum, 1)
