"""What Azure adds to the server: how its functions are started, and what its timers do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.connectors.function_logs import plainly
from fogbank.connectors.queue_triggers import EventFormat
from fogbank.engines.documents.traits import Shape

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.connectors.delivery.couriers import Courier, Couriers, Dialect, Dialects
    from fogbank.connectors.delivery.targets import Target
    from fogbank.connectors.function_logs import Keeper
    from fogbank.connectors.invoker import Completer, Launcher, Preparer
    from fogbank.connectors.piping.feeds import FeedFormat, Feeding
    from fogbank.connectors.tables.model import Reader as TableReader
    from fogbank.connectors.tables.model import Table
    from fogbank.engines.documents.model import CollectionConfig, Document, Traits
    from fogbank.engines.functions.model import Function, Trigger
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Invocation, Launch, Outcome
    from fogbank.storage import Store, Tx
    from fogbank.storage.timers import Action, Timer


def azure_launchers() -> dict[str, Launcher]:
    """Return what prepares function apps."""

    def prepare(function: Function) -> Launch:
        from fogbank.clouds.azure.functions.launch import launch  # noqa: PLC0415 - loaded on first use

        return launch(function)

    return {"azure-functions": prepare}


def azure_log_keepers() -> dict[str, Keeper]:
    """Return what keeps the lines that function apps print."""

    def severity_of(text: str) -> int:
        from fogbank.runtimes.azure_functions.log_lines import severity_of  # noqa: PLC0415 - loaded on first use

        return severity_of(text)

    return {"azure": plainly(severity_of)}


def azure_completers(parts: Callable[[], tuple[Store, Ids]], clock: Clock) -> dict[str, Completer]:
    """Return what carries out the outputs of function apps."""

    async def complete(function: Function, invocation: Invocation, running: Awaitable[Outcome]) -> Outcome:
        outcome = await running
        if "outputs" not in outcome.head:
            return outcome
        from fogbank.clouds.azure.functions.outputs import complete  # noqa: PLC0415 - loaded on first use

        return await complete(parts(), clock.now(), function, invocation, outcome)

    return {"azure-functions": complete}


def azure_preparers(store: Callable[[], Store], clock: Clock, ids: Ids) -> dict[str, Preparer]:
    """Return what finds the inputs of function apps."""

    def prepare(function: Function, invocation: Invocation) -> Awaitable[Invocation] | None:
        if not function.config.labels.get("inputs") or "index" in invocation.context:
            return None
        from fogbank.clouds.azure.functions.cosmos.input import with_inputs  # noqa: PLC0415 - loaded on first use

        return with_inputs((store(), clock, ids), function, invocation)

    return {"azure-functions": prepare}


def azure_feed_formats(ids: Ids) -> dict[str, FeedFormat]:
    """Return how function apps get what has changed in containers."""

    async def cosmos(tx: Tx, now_us: int, trigger: Trigger) -> Feeding | None:
        from fogbank.clouds.azure.functions.cosmos.feed import prepare  # noqa: PLC0415 - loaded on first use

        return await prepare(tx, now_us, trigger, lambda: ids.sequences(3))

    return {"azure.cosmos": cosmos}


def azure_formats(clock: Clock) -> dict[str, EventFormat]:
    """Return how function apps get messages of queues."""

    def event(trigger: Trigger, queue: Queue, batch: list[Received]) -> bytes:
        from fogbank.clouds.azure.functions.storage.queue_triggers import event  # noqa: PLC0415 - loaded on first use

        return event(trigger, queue, batch)

    def context(batch: list[Received]) -> dict[str, Any]:
        from fogbank.clouds.azure.functions.storage.queue_triggers import metadata_of  # noqa: PLC0415

        return {"metadata": metadata_of(batch[0], clock.now())}

    async def failed(*arguments: Any) -> None:
        from fogbank.clouds.azure.functions.storage.queue_triggers import failed  # noqa: PLC0415 - as above

        await failed(*arguments)

    return {"azure.storage-queue": EventFormat(event, lambda _trigger, _queue, batch: batch, context, failed)}


def azure_timers() -> dict[str, Action]:
    """Return what Azure's kinds of timers do."""

    async def timer_trigger(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.azure.functions.timers import fire  # noqa: PLC0415 - loaded on first use

        return await fire(tx, now_us, timer, sequence)

    return {"azure.functions.timer": timer_trigger}


def azure_couriers() -> Couriers:
    """Return by which rules Azure's services deliver."""

    def find(name: str) -> Courier:
        from fogbank.clouds.azure.eventgrid.couriers import COURIERS  # noqa: PLC0415 - loaded on first use

        return COURIERS[name]

    return {"eventgrid": find}


def azure_dialects() -> Dialects:
    """Return how Azure's queues and topics take what other services send."""

    def storage_queue() -> Dialect:
        from fogbank.clouds.azure import dialects  # noqa: PLC0415 - loaded on first use

        return dialects.STORAGE_QUEUE

    def event_grid() -> Dialect:
        from fogbank.clouds.azure import dialects  # noqa: PLC0415 - loaded on first use

        return dialects.EVENT_GRID

    return {"storage-queue": storage_queue, "eventgrid": event_grid}


def azure_shapes() -> dict[str, Shape]:
    """Return what the documents of Azure's services are like that aren't described by their fields."""

    def describe(config: CollectionConfig, document: Document) -> Traits:
        from fogbank.clouds.azure.cosmos.items.shapes import describe  # noqa: PLC0415 - loaded on first use

        return describe(config, document)

    return {"cosmos": Shape(describe)}


def azure_addresses(text: str) -> Target | None:
    """Return what a resource id or a queue's address names, for routes."""
    from fogbank.clouds.azure.routing import read_address  # noqa: PLC0415 - loaded on first use

    return read_address(text)


def azure_table(store: Store, ids: Ids) -> TableReader:
    """Return what reads the names of containers and of tables."""

    def read(text: str) -> Table | None:
        if text.startswith("tables:"):
            from fogbank.clouds.azure.tables import neutral as tables  # noqa: PLC0415 - loaded on first use

            return tables.read_table(store, ids, text)
        from fogbank.clouds.azure.cosmos.neutral import read_table  # noqa: PLC0415 - loaded on first use

        return read_table(store, ids, text)

    return read
