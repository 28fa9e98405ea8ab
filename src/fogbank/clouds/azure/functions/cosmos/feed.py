"""Cosmos DB triggers at work: what they need before they start, and how changed items are handed to functions.

A trigger's lease is its place in the engine, under the number of the container that it says its leases are in, and its
prefix: whoever deletes the container, or takes another prefix, begins anew. There is one lease, as there is one range
of partition keys: batches follow one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import DATABASES
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.queries.versions import DISABLED, show_change
from fogbank.clouds.azure.cosmos.resources import containers
from fogbank.clouds.azure.cosmos.resources.definitions import Offer, definition_of, layout_of, read_definition
from fogbank.clouds.azure.cosmos.resources.throughput import check_throughput
from fogbank.clouds.azure.functions.cosmos.triggers import name_of, watch_of
from fogbank.clouds.azure.functions.triggering.following import TRIGGERS_MAX, prefix_of
from fogbank.connectors.piping.feeds import Feeding, NotReadyError
from fogbank.connectors.piping.sources import FeedSource, LatestSource
from fogbank.engines.documents import collections, history
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.documents.model import Change
from fogbank.engines.functions import triggers
from fogbank.storage import feed_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.functions.cosmos.triggers import Container, Watch
    from fogbank.connectors.destinations import Parcel
    from fogbank.connectors.piping.lanes import Discarded, Handed
    from fogbank.engines.documents.model import Collection
    from fogbank.engines.functions.model import Function, Trigger
    from fogbank.storage import Tx
    from fogbank.storage.change_feed import Entry

# "Azure Cosmos DB trigger", a lease container's partition key; the other one is that of accounts with graphs.
_LEASE_PATHS: Final = (["/id"], ["/partitionKey"])
_decode: Final = msgspec.msgpack.Decoder(Change).decode
_encode: Final = msgspec.json.Encoder().encode


class ChangedItems:
    """How changed items of a container are handed to a function: as a list of them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def key(self, entry: Entry) -> bytes:
        """Return the partition key of the item."""
        return _decode(entry.payload).partition

    def record(self, entry: Entry) -> bytes | None:
        """Return the item in JSON."""
        document = history.after(_decode(entry.payload))
        return None if document is None else _encode({**show_item(self._layout, document), "_lsn": document.version})

    def event(self, batch: list[Handed]) -> bytes:
        """Return all items of a batch."""
        return b"[" + b",".join(handed.record for handed in batch) + b"]"

    def failed(self, batch: list[Handed], _response: bytes) -> int:
        """Return that none has failed: a function can't say which."""
        return len(batch)

    def discarded(self, _discarded: Discarded) -> list[Parcel]:
        """Tell nobody of items that are passed over."""
        return []


class Versions(ChangedItems):
    """How all writes of a container are handed to a function: each with what it made of the item."""

    def record(self, entry: Entry) -> bytes | None:
        """Return the write in JSON."""
        return _encode(show_change(self._layout, _decode(entry.payload)))


async def prepare(tx: Tx, now_us: int, trigger: Trigger, numbers: Callable[[], list[int]]) -> Feeding:
    """Make ready what a trigger needs; raises `NotReadyError`."""
    watch = watch_of(trigger.config)
    assert watch is not None
    items, leases = await _look(tx, now_us, watch)
    if leases is None and items is not None and watch.created:
        try:
            leases = await _create_leases(tx, now_us, watch, numbers())
        except CosmosError as error:
            raise NotReadyError(error.message) from None
    reason = await _reason(tx, now_us, trigger, watch, items, leases)
    if reason or items is None or leases is None:
        raise NotReadyError(reason)
    layout, source = layout_of(items.config), items.config.feed if watch.all_versions else f"{items.scope}/{items.name}"
    follower = f"cosmos/{leases.id}/{watch.prefix}/{source}"
    await feed_places.arrange(tx, now_us, follower, 1, watch.start)
    if watch.all_versions:
        return Feeding(Versions(layout), FeedSource(source), follower)
    return Feeding(ChangedItems(layout), LatestSource((items.scope, items.name)), follower)


async def problems(tx: Tx, now_us: int, function: Function) -> dict[str, str]:
    """Return why triggers of an app don't run, by the names of their functions."""
    found = {}
    prefix = prefix_of(function)
    for trigger in await triggers.list_triggers(tx, now_us, function.scope, prefix, TRIGGERS_MAX):
        watch = watch_of(trigger.config)
        if watch is None or not trigger.id.startswith(prefix):
            continue
        if reason := await _reason(tx, now_us, trigger, watch, *await _look(tx, now_us, watch)):
            name = trigger.config.context["function"]
            found[name] = f"The listener for function 'Functions.{name}' was unable to start. {reason}"
    return found


async def _look(tx: Tx, now_us: int, watch: Watch) -> tuple[Collection | None, Collection | None]:
    """Return the container that is followed and that of the leases, as far as they are there."""
    return await _find(tx, now_us, watch.items), await _find(tx, now_us, watch.leases)


async def _find(tx: Tx, now_us: int, container: Container) -> Collection | None:
    try:
        return await collections.find(tx, now_us, name_of(container))
    except CollectionNotFoundError:
        return None


async def _reason(
    tx: Tx, now_us: int, trigger: Trigger, watch: Watch, items: Collection | None, leases: Collection | None
) -> str:
    """Return why a trigger can't run, "" if it can."""
    if items is None or leases is None:
        return (
            f"Either the source container '{watch.items.container}' (in database '{watch.items.database}')  or the"
            f" lease container '{watch.leases.container}' (in database '{watch.leases.database}') does not exist. Both"
            " containers must exist before the listener starts. To automatically create the lease container, set"
            " 'CreateLeaseContainerIfNotExists' to 'true'."
        )
    key = definition_of(leases.config).partition_key
    if key["paths"] not in _LEASE_PATHS and not key.get("systemKey"):
        return "The lease container, if partitioned, must have partition key equal to id."
    if watch.all_versions and not items.config.feed:
        return DISABLED
    # Of those with one lease the first has it.
    for other in await triggers.all_triggers(tx, now_us):
        theirs = watch_of(other.config)
        if theirs is None or (other.scope, other.id) >= (trigger.scope, trigger.id):
            continue
        if (theirs.items, theirs.leases, theirs.prefix) == (watch.items, watch.leases, watch.prefix):
            name = other.config.context["function"]
            return (
                f"The function {name} of the app {other.function} owns the lease for the container"
                f" '{watch.items.container}'. Functions that share a lease container need different values of"
                " leaseContainerPrefix."
            )
    return ""


async def _create_leases(tx: Tx, now_us: int, watch: Watch, numbers: list[int]) -> Collection:
    name = name_of(watch.leases)
    definition = read_definition({"partitionKey": {"paths": ["/id"], "kind": "Hash", "version": 2}}, now_us)
    offer = Offer(check_throughput(watch.throughput), changed_us=now_us) if watch.throughput else None
    made = await containers.create(tx, now_us, (name[0], DATABASES), name, numbers, definition, offer)
    return made.collection
