"""What AWS adds to the server: its services, each made when it is first called, and what others call it for."""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fogbank.clouds.aws.registry import REGISTRY
from fogbank.connectors.function_logs import plainly
from fogbank.connectors.queue_triggers import EventFormat
from fogbank.engines.messaging.whole_queues import moves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.clouds.aws.api import Service
    from fogbank.clouds.aws.parts import Parts
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.connectors.delivery.couriers import Courier, Couriers, Dialect, Dialects
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.delivery.targets import Target
    from fogbank.connectors.destinations import Finished, Parcel, Tellers
    from fogbank.connectors.function_logs import Keeper
    from fogbank.connectors.invoker import Launcher, Tracer
    from fogbank.connectors.piping.feeds import FeedFormat, Feeding
    from fogbank.connectors.piping.handing import PipeForm
    from fogbank.connectors.signing import Signer
    from fogbank.connectors.tables.model import Reader as TableReader
    from fogbank.connectors.tables.model import Table
    from fogbank.engines.functions.model import Function, Trigger
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Launch
    from fogbank.storage import Store, Tx
    from fogbank.storage.timers import Action, Timer


def aws_services(parts: Parts) -> dict[str, Callable[[], Service[Any]]]:
    """Return the makers of all services by the names that they are signed with."""
    return {name: partial(_make, entry.package, parts) for name, entry in REGISTRY.items()}


def _make(package: str, parts: Parts) -> Service[Any]:
    service: Service[Any] = import_module(f"fogbank.clouds.aws.{package}").make_service(parts)
    return service


def aws_launchers(endpoint: Callable[[], str], sessions: Sessions) -> dict[str, Launcher]:
    """Return what prepares Lambda's functions; `endpoint` is where their own SDKs find Fogbank."""

    def prepare(function: Function) -> Launch:
        from fogbank.clouds.aws.lambda_.launch import launch  # noqa: PLC0415 - loaded on first use

        return launch(function, endpoint(), sessions)

    return {"lambda": prepare}


def aws_log_keepers() -> dict[str, Keeper]:
    """Return what keeps the lines that Lambda's functions print."""

    def severity_of(text: str) -> int:
        from fogbank.runtimes.lambda_runtime_api.log_lines import severity_of  # noqa: PLC0415 - loaded on first use

        return severity_of(text)

    return {"aws": plainly(severity_of)}


def aws_formats() -> dict[str, EventFormat]:
    """Return the forms in which AWS hands events to functions."""

    def event(trigger: Trigger, queue: Queue, batch: list[Received]) -> bytes:
        from fogbank.clouds.aws.lambda_.mappings.events import sqs_event  # noqa: PLC0415 - loaded on first use

        return sqs_event(trigger, queue, batch)

    def wanted(trigger: Trigger, queue: Queue, batch: list[Received]) -> list[Received]:
        from fogbank.clouds.aws.lambda_.mappings.events import sqs_wanted  # noqa: PLC0415 - loaded on first use

        return sqs_wanted(trigger, queue, batch)

    def context(batch: list[Received]) -> Mapping[str, str]:
        from fogbank.clouds.aws.lambda_.recursion import context_of  # noqa: PLC0415 - loaded on first use

        return context_of(batch)

    return {"aws.sqs": EventFormat(event, wanted, context)}


def aws_feed_formats(origin: Callable[[], str], clock: Clock, ids: Ids) -> dict[str, FeedFormat]:
    """Return the forms in which AWS hands records of streams to functions."""

    async def dynamodb(tx: Tx, now_us: int, trigger: Trigger) -> Feeding | None:
        from fogbank.clouds.aws.lambda_.mappings.stream_events import stream_form  # noqa: PLC0415 - on first use
        from fogbank.connectors.piping.feeds import on_feed  # noqa: PLC0415 - as above

        return on_feed(await stream_form(tx, now_us, trigger, origin(), clock, ids), trigger.source)

    return {"aws.dynamodb": dynamodb}


def aws_pipe_forms(origin: Callable[[], str], clock: Clock, ids: Ids) -> dict[str, Callable[[], PipeForm]]:
    """Return how EventBridge Pipes treats events."""

    def pipes() -> PipeForm:
        from fogbank.clouds.aws.pipes.sending import make_form  # noqa: PLC0415 - loaded on first use

        return make_form(origin, clock, ids)

    return {"aws.pipes": pipes}


def aws_tracers(clock: Clock, ids: Ids) -> dict[str, Tracer]:
    """Return what follows chains of events through Lambda's functions."""

    def trace(function: Function, context: Mapping[str, Any]) -> Mapping[str, Any]:
        from fogbank.clouds.aws.lambda_.recursion import follow  # noqa: PLC0415 - loaded on first use

        return follow(function, context, clock.now(), ids)

    return {"lambda": trace}


def aws_tellers(endpoint: Callable[[], str], clock: Clock, ids: Ids) -> Tellers:
    """Return what tells of the outcomes of Lambda's asynchronous invocations."""

    def tell(finished: Finished) -> list[Parcel]:
        if not (finished.handling.on_success or finished.handling.on_failure or finished.function.config.dead_letters):
            return []
        from fogbank.clouds.aws.lambda_.queued.records import parcels  # noqa: PLC0415 - loaded on first use

        return parcels(finished, endpoint(), clock, ids)

    return {"lambda": tell}


def aws_timers() -> dict[str, Action]:
    """Return what AWS's kinds of timers do."""

    async def unconfirmed(tx: Tx, now_us: int, timer: Timer, _sequence: int) -> int | None:
        from fogbank.clouds.aws.sns.subscriptions import drop_unconfirmed  # noqa: PLC0415 - loaded on first use

        return await drop_unconfirmed(tx, now_us, timer)

    async def replay(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.aws.events.replays import fire  # noqa: PLC0415 - loaded on first use

        return await fire(tx, now_us, timer, sequence)

    async def sns_replay(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.aws.sns.archiving.replays import fire  # noqa: PLC0415 - loaded on first use

        return await fire(tx, now_us, timer, sequence)

    return {
        "aws.sns.unconfirmed": unconfirmed,
        "aws.sns.replay": sns_replay,
        "aws.events.replay": replay,
        moves.TIMER: moves.go_on,
    }


def aws_couriers(store: Store, poster: Poster, signer: Signer) -> Couriers:
    """Return by which rules AWS's services deliver."""

    @cache
    def api_destinations() -> Courier:
        from fogbank.clouds.aws.events.destinations.requests import api_courier  # noqa: PLC0415 - loaded on first use

        return api_courier(store, poster)

    def sns(name: str) -> Courier:
        from fogbank.clouds.aws.sns.couriers import couriers  # noqa: PLC0415 - loaded on first use
        from fogbank.clouds.aws.sns.push.delivering import PUSH_COURIER, push_courier  # noqa: PLC0415 - as above

        return push_courier(store) if name == PUSH_COURIER else couriers(signer)[name]

    def events(name: str) -> Courier:
        from fogbank.clouds.aws.events.couriers import API_COURIER, COURIERS  # noqa: PLC0415 - loaded on first use

        return api_destinations() if name == API_COURIER else COURIERS[name]

    def scheduler(name: str) -> Courier:
        from fogbank.clouds.aws.scheduler.couriers import COURIERS  # noqa: PLC0415 - loaded on first use

        return COURIERS[name]

    return {"sns": sns, "events": events, "scheduler": scheduler}


def aws_dialects(origin: Callable[[], str]) -> Dialects:
    """Return how AWS's queues, topics and functions take what other services send; `origin` is where the server is."""

    def sns() -> Dialect:
        from fogbank.clouds.aws.routing import dialects  # noqa: PLC0415 - loaded on first use

        return dialects.sns(origin)

    def sqs() -> Dialect:
        from fogbank.clouds.aws.routing import dialects  # noqa: PLC0415 - loaded on first use

        return dialects.sqs()

    def lambda_() -> Dialect:
        from fogbank.clouds.aws.routing import dialects  # noqa: PLC0415 - loaded on first use

        return dialects.lambda_()

    def events() -> Dialect:
        from fogbank.clouds.aws.events.couriers import EVENTS  # noqa: PLC0415 - loaded on first use

        return EVENTS

    def scheduler() -> Dialect:
        from fogbank.clouds.aws.scheduler.couriers import SCHEDULER  # noqa: PLC0415 - loaded on first use

        return SCHEDULER

    return {"sns": sns, "sqs": sqs, "lambda": lambda_, "events": events, "scheduler": scheduler}


def aws_addresses(text: str) -> Target | None:
    """Return what an ARN names, for routes."""
    from fogbank.clouds.aws.routing.addresses import read_address  # noqa: PLC0415 - loaded on first use

    return read_address(text)


def aws_table(store: Store, clock: Clock, ids: Ids) -> TableReader:
    """Return what reads the names and ARNs of tables."""

    def read(text: str) -> Table | None:
        from fogbank.clouds.aws.dynamodb.neutral import read_table  # noqa: PLC0415 - loaded on first use

        return read_table(store, clock, ids, text)

    return read
