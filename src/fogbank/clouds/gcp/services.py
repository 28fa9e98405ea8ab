"""What Google adds to the server: its services, and what others call it for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fogbank.connectors.delivery.pushes import PushForm
from fogbank.engines.documents.traits import Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.connectors.delivery.couriers import Answer, Courier, Couriers, Dialect, Dialects
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.delivery.targets import Target
    from fogbank.connectors.function_logs import Keeper, Kept
    from fogbank.connectors.invoker import Invoker, Launcher
    from fogbank.connectors.signing import Signer
    from fogbank.connectors.tables.model import Reader as TableReader
    from fogbank.connectors.tables.model import Table
    from fogbank.engines.documents.model import CollectionConfig, Document, Name, Traits
    from fogbank.engines.functions.model import Function
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Launch, Printed
    from fogbank.storage import Tx
    from fogbank.storage.timers import Action, Timer
    from fogbank.wire.grpc.service import Service as AnyService


def gcp_services(parts: Parts) -> list[AnyService]:
    """Return all services, those that gRPC itself has included."""
    from fogbank.clouds.gcp import (  # noqa: PLC0415 - loaded on first use
        eventarc,
        firebaserules,
        firestore,
        functions,
        logging,
        pubsub,
        scheduler,
        tasks,
    )
    from fogbank.clouds.gcp.locations import locations_service  # noqa: PLC0415 - loaded on first use
    from fogbank.clouds.gcp.operations import operations_service  # noqa: PLC0415 - loaded on first use
    from fogbank.wire.grpc.health import health_service  # noqa: PLC0415 - loaded on first use
    from fogbank.wire.grpc.reflection import reflection_services  # noqa: PLC0415 - loaded on first use
    from fogbank.wire.grpc.service import Service  # noqa: PLC0415 - loaded on first use

    parts.types.load("fogbank.clouds.gcp", "mixins")
    services = [
        *eventarc.make_services(parts),
        *firebaserules.make_services(parts),
        *firestore.make_services(parts),
        *functions.make_services(parts),
        *logging.make_services(parts),
        *pubsub.make_services(parts),
        *scheduler.make_services(parts),
        *tasks.make_services(parts),
        locations_service(parts),
        operations_service(parts),
    ]
    # It is there, so that its methods are refused by their names.
    services.append(Service("google.iam.v1.IAMPolicy", parts, {}))
    names = [service.name for service in services]
    services.append(health_service(parts.types, names))
    return [*services, *reflection_services(parts.types, [service.name for service in services])]


def gcp_log_keepers() -> dict[str, Keeper]:
    """Return what keeps the lines that Google's functions print."""

    def keep(printed: Printed, ids: Ids) -> Kept:
        from fogbank.clouds.gcp.logging.functions import keep_printed  # noqa: PLC0415 - loaded on first use

        return keep_printed(printed, ids)

    return {"gcp": keep}


def gcp_launchers() -> dict[str, Launcher]:
    """Return what prepares Google's functions."""

    def prepare(function: Function) -> Launch:
        from fogbank.clouds.gcp.functions.launch import launch  # noqa: PLC0415 - loaded on first use

        return launch(function)

    return {"functions-framework": prepare}


def gcp_couriers(signer: Signer) -> Couriers:
    """Return by which rules Google's services deliver."""

    def pubsub(name: str) -> Courier:
        from fogbank.clouds.gcp.pubsub.couriers import COURIERS  # noqa: PLC0415 - loaded on first use

        return COURIERS[name]

    def cloud_scheduler(_name: str) -> Courier:
        from fogbank.clouds.gcp.scheduler.couriers import courier  # noqa: PLC0415 - loaded on first use

        return courier(signer)

    def cloud_tasks(_name: str) -> Courier:
        from fogbank.clouds.gcp.tasks.dispatch import courier  # noqa: PLC0415 - loaded on first use

        return courier(signer)

    return {"pubsub": pubsub, "cloudscheduler": cloud_scheduler, "cloudtasks": cloud_tasks}


def gcp_timers() -> dict[str, Action]:
    """Return what Google's kinds of timers do."""

    async def task(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.gcp.tasks.dispatch import fire  # noqa: PLC0415 - loaded on first use

        return await fire(tx, now_us, timer, sequence)

    async def forget(tx: Tx, now_us: int, timer: Timer, _sequence: int) -> int | None:
        from fogbank.engines.messaging import paced  # noqa: PLC0415 - loaded on first use

        await paced.forget(tx, now_us, timer)
        return None

    async def expiration(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.gcp.pubsub.subscriptions import expire  # noqa: PLC0415 - loaded on first use

        return await expire(tx, now_us, timer, sequence)

    return {"gcp.tasks.task": task, "paced.forget": forget, "gcp.pubsub.expiration": expiration}


def gcp_shapes(ids: Ids) -> dict[str, Shape]:
    """Return what Firestore's documents are like, and how those are told of that go away by themselves."""

    def describe(config: CollectionConfig, document: Document) -> Traits:
        from fogbank.clouds.gcp.firestore.shape import describe  # noqa: PLC0415 - loaded on first use

        return describe(config, document)

    async def expired(tx: Tx, now_us: int, name: Name, document: Document, version: int) -> None:
        from fogbank.clouds.gcp.firestore.events import telling  # noqa: PLC0415 - loaded on first use

        await telling.tell_expired(tx, now_us, name, document, version, ids.sequence)

    return {"firestore": Shape(describe, expired=expired)}


def gcp_push_forms(clock: Clock, ids: Ids, poster: Poster, signer: Signer, invoker: Invoker) -> dict[str, PushForm]:
    """Return how Google's queues push."""

    async def deliver(queue: Queue, received: Received) -> Answer:
        from fogbank.clouds.gcp.pubsub import pushes  # noqa: PLC0415 - loaded on first use

        parts = pushes.PushParts(clock, ids, poster, signer, invoker)
        return await pushes.deliver(parts, queue, received)

    def accepts(answer: Answer) -> bool:
        from fogbank.clouds.gcp.pubsub import pushes  # noqa: PLC0415 - loaded on first use

        return pushes.accepts(answer)

    return {"pubsub": PushForm(deliver, accepts)}


def gcp_dialects() -> Dialects:
    """Return how Google's queues and topics take what other services send."""

    def pubsub() -> Dialect:
        from fogbank.clouds.gcp.pubsub.couriers import PUBSUB  # noqa: PLC0415 - loaded on first use

        return PUBSUB

    def functions() -> Dialect:
        from fogbank.clouds.gcp import routing  # noqa: PLC0415 - loaded on first use

        return routing.functions()

    def cloud_scheduler() -> Dialect:
        from fogbank.clouds.gcp.scheduler.couriers import SCHEDULER  # noqa: PLC0415 - loaded on first use

        return SCHEDULER

    return {"pubsub": pubsub, "functions-framework": functions, "cloudscheduler": cloud_scheduler}


def gcp_addresses(text: str) -> Target | None:
    """Return what a resource name names, for routes."""
    from fogbank.clouds.gcp.routing import read_address  # noqa: PLC0415 - loaded on first use

    return read_address(text)


def gcp_table(parts: Callable[[], Parts]) -> TableReader:
    """Return what reads the paths of Firestore's collections."""

    @cache
    def firestore() -> Firestore:
        from fogbank.clouds.gcp.firestore import make_firestore  # noqa: PLC0415 - loaded on first use

        return make_firestore(parts())

    def read(text: str) -> Table | None:
        from fogbank.clouds.gcp.firestore.neutral import read_table  # noqa: PLC0415 - loaded on first use

        return read_table(firestore, text)

    return read
