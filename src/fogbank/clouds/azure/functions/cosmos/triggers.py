"""Cosmos DB triggers: what an app's function says of the container that it follows, as a trigger of the engine.

"Azure Cosmos DB trigger for Azure Functions" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-
cosmosdb-v2-trigger) and "Retry policies" (https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-
pages): a batch whose function fails is passed over, unless the function has a retry policy.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.cosmos.calls import scope_of
from fogbank.clouds.azure.functions.cosmos.connections import account_of
from fogbank.clouds.azure.functions.cosmos.properties import ALL_VERSIONS, folded, is_true, moment_of
from fogbank.clouds.azure.functions.triggering.following import id_of
from fogbank.clouds.azure.functions.triggering.retries import read_retry
from fogbank.connectors.piping.feeds import LATEST
from fogbank.engines.documents import collections
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.engines.functions.model import TriggerConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.functions.apps import App, Entry
    from fogbank.engines.documents.model import Name
    from fogbank.storage import Tx

FORMAT: Final = "azure.cosmos"
ITEMS: Final = 100
LEASES: Final = "leases"
FROM_NOW: Final = -1
_WATCH: Final = "watch"


class Container(msgspec.Struct, frozen=True):
    """A container of an account, by names."""

    account: str
    database: str
    container: str


class Watch(msgspec.Struct, frozen=True):
    """What a trigger follows, and where its leases are.

    `created`: the leases' container is made if it isn't there, with so much `throughput` (0 for the database's). The
    leases of several triggers in one container differ by their `prefix`. Without a lease it begins after the version
    `start`; that is `FROM_NOW` until it is known (`begin`). With `all_versions` it follows the feed that tells of each
    write, and `start` is the number of an entry.
    """

    items: Container
    leases: Container
    created: bool
    throughput: int
    prefix: str
    start: int
    all_versions: bool = False


def trigger_of(app: App, entry: Entry, settings: Mapping[str, str]) -> tuple[str, str, TriggerConfig]:
    """Return a trigger's id, its source and how it follows it; raises `ConnectionNameError`, `RetryError`."""
    told = folded(entry.trigger)
    account = account_of(str(told.get("connection", "")), settings)
    items = Container(account, told["databasename"], told["containername"])
    lease_account = account_of(str(told["leaseconnection"]), settings) if told.get("leaseconnection") else account
    lease_names = str(told.get("leasedatabasename") or items.database), str(told.get("leasecontainername") or LEASES)
    moment = moment_of(str(told.get("startfromtime", "")))
    start = FROM_NOW
    if is_true(told.get("startfrombeginning")):
        start = 0
    elif moment is not None:
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        start = int(moment.timestamp() * SECOND_US) - 1
    watch = Watch(
        items,
        Container(lease_account, *lease_names),
        is_true(told.get("createleasecontainerifnotexists")),
        int(told.get("leasescontainerthroughput") or 0),
        str(told.get("leasecontainerprefix") or ""),
        start,
        told.get("changefeedmode") == ALL_VERSIONS,
    )
    retry = read_retry(entry.config.get("retry"))
    config = TriggerConfig(
        LATEST,
        FORMAT,
        batch_size=int(told.get("maxitemsperinvocation") or ITEMS),
        labels=_labels(watch),
        context={"function": entry.name, "reason": f"New changes on container {items.container}"},
        retries_max=0 if retry is None else retry.count_max,
        pause_seconds=0 if retry is None else retry.pause_seconds,
        pause_seconds_max=0 if retry is None else retry.pause_seconds_max,
    )
    if retry is not None:
        count = -1 if retry.count_max is None else retry.count_max
        config = msgspec.structs.replace(config, context={**config.context, "tries_max": str(count)})
    return id_of(app.function, entry.name), f"cosmos/{account}/{items.database}/{items.container}", config


def _labels(watch: Watch) -> dict[str, str]:
    return {_WATCH: msgspec.json.encode(watch).decode()}


def watch_of(config: TriggerConfig) -> Watch | None:
    """Return what a trigger follows, None if it isn't one of Cosmos DB's."""
    text = config.labels.get(_WATCH)
    return None if text is None or config.format != FORMAT else msgspec.json.decode(text, type=Watch)


def name_of(container: Container) -> Name:
    """Return the collection that a container is."""
    return scope_of(container.account), f"{container.database}/{container.container}"


async def begin(tx: Tx, now_us: int, config: TriggerConfig) -> TriggerConfig:
    """Return how a trigger that begins with what comes from now on does that; others as they are."""
    watch = watch_of(config)
    if watch is None or watch.start != FROM_NOW:
        return config
    try:
        collection = await collections.find(tx, now_us, name_of(watch.items))
        # A container's versions may be ahead of the clock.
        start = await collections.latest(tx, now_us, collection)
        if watch.all_versions:
            feed = collection.config.feed
            start = await change_feed.last(tx, now_us, feed) if feed else 0
    except CollectionNotFoundError:
        start = 0 if watch.all_versions else now_us - 1
    return msgspec.structs.replace(config, labels=_labels(msgspec.structs.replace(watch, start=start)))
