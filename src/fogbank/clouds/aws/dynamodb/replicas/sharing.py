"""What all replicas of a global table have in common: keys, global indexes, write capacity, time to live.

Amazon DynamoDB Developer Guide, "Global tables - multi-Region, multi-active replication":
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html. Tags, protection,
recovery and what a replica overrides are its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.dynamodb.streams.names import label_of
from fogbank.clouds.aws.dynamodb.streams.settings import LABEL, VIEW
from fogbank.engines.documents import collections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.engines.documents.model import Collection, CollectionConfig, Index
    from fogbank.storage import Tx

# Regions are fewer; that many numbers are drawn for indexes that replicas get.
PEERS_MAX: Final = 50
READ: Final = "ReadCapacityUnits"
OVERRIDE: Final = "ReadOverride"
CLASS_OVERRIDE: Final = "TableClassOverride"
_SHARED: Final = ("BillingMode", "WriteCapacityUnits", "OnDemandUs", "MaxRead", "MaxWrite", "WarmRead", "WarmWrite")


def first_config(
    source: CollectionConfig, opened_ms: int, number: str, indexes: Sequence[int], overrides: dict[str, str]
) -> CollectionConfig:
    """Return a new replica's configuration; it has an id and numbers for its indexes of its own."""
    labels: dict[str, str] = {name: source.labels[name] for name in (*_SHARED, READ, VIEW) if name in source.labels}
    labels |= {"TableClass": "STANDARD", "TableId": number, LABEL: label_of(opened_ms), **overrides}
    renumbered = [
        msgspec.structs.replace(index, number=own, building=False)
        for index, own in zip(source.indexes, indexes, strict=False)
    ]
    return msgspec.structs.replace(
        source,
        protected=False,
        indexes=tuple(renumbered),
        expiry_building=False,
        journal="",
        journal_seconds=0,
        labels=labels,
        tags={},
    )


async def share(tx: Tx, now_us: int, table: Collection, numbers: Sequence[int]) -> None:
    """Let a table's replicas have the settings of it that all have; `numbers` are for indexes that are new there."""
    for scope, number in zip(table.config.peers, numbers, strict=False):

        def follow(config: CollectionConfig, number: int = number) -> CollectionConfig:
            return _following(table.config, config, number)

        await collections.update(tx, now_us, (scope, table.name), follow)


def _following(leader: CollectionConfig, config: CollectionConfig, number: int) -> CollectionConfig:
    present = {index.name: index for index in config.indexes}
    labels = config.labels | {name: leader.labels[name] for name in _SHARED if name in leader.labels}
    labels[READ] = _read_units(leader.labels, labels)
    turned_on = bool(leader.expiry) and leader.expiry != config.expiry
    return msgspec.structs.replace(
        config,
        indexes=tuple(_index(each, present.get(each.name), number) for each in leader.indexes),
        labels=labels,
        expiry=leader.expiry,
        expiry_building=bool(leader.expiry) and (turned_on or config.expiry_building),
    )


def _index(leader: Index, own: Index | None, number: int) -> Index:
    if own is None:
        return msgspec.structs.replace(leader, number=number, building=True)
    labels = own.labels | leader.labels
    if READ in leader.labels:
        labels[READ] = _read_units(leader.labels, own.labels)
    return msgspec.structs.replace(own, labels=labels)


def _read_units(leader: dict[str, str], own: dict[str, str]) -> str:
    """Return a replica's capacity for reads: one of its own, unless all is paid for on demand."""
    return leader[READ] if leader[READ] == "0" else own.get(OVERRIDE, leader[READ])
