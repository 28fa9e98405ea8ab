"""The AWS services, each made when it is first called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.api import Service
    from fogbank.connectors.invoker import Invoker, Launcher
    from fogbank.connectors.queue_triggers import EventFormat
    from fogbank.engines.functions.model import Function, Trigger
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.runtimes.model import Launch
    from fogbank.storage import Store, Tx
    from fogbank.storage.timers import Action, Timer


class Parts(NamedTuple):
    """What the services are made of."""

    store: Store
    clock: Clock
    ids: Ids
    receiver: Receiver
    invoker: Invoker


def aws_services(parts: Parts) -> dict[str, Callable[[], Service[Any]]]:
    """Return the makers of all services by the names that they are signed with."""

    def sqs() -> Service[Any]:
        from fogbank.clouds.aws.sqs import sqs_service  # noqa: PLC0415 - loaded on first use

        return sqs_service(parts.store, parts.clock, parts.ids, parts.receiver)

    def lambda_() -> Service[Any]:
        from fogbank.clouds.aws.lambda_ import lambda_service  # noqa: PLC0415 - loaded on first use

        return lambda_service(parts.store, parts.clock, parts.ids, parts.invoker)

    def sns() -> Service[Any]:
        from fogbank.clouds.aws.sns import sns_service  # noqa: PLC0415 - loaded on first use

        return sns_service(parts.store, parts.clock, parts.ids)

    return {"lambda": lambda_, "sns": sns, "sqs": sqs}


def aws_launchers(endpoint: Callable[[], str]) -> dict[str, Launcher]:
    """Return what prepares Lambda's functions; `endpoint` is where their own SDKs find Fogbank."""

    def prepare(function: Function) -> Launch:
        from fogbank.clouds.aws.lambda_.launch import launch  # noqa: PLC0415 - loaded on first use

        return launch(function, endpoint())

    return {"lambda": prepare}


def aws_formats() -> dict[str, EventFormat]:
    """Return the forms in which AWS hands events to functions."""

    def sqs(trigger: Trigger, queue: Queue, batch: list[Received]) -> bytes:
        from fogbank.clouds.aws.lambda_.events import sqs_event  # noqa: PLC0415 - loaded on first use

        return sqs_event(trigger, queue, batch)

    return {"aws.sqs": sqs}


def aws_timers() -> dict[str, Action]:
    """Return what AWS's kinds of timers do."""

    async def unconfirmed(tx: Tx, now_us: int, timer: Timer) -> int | None:
        from fogbank.clouds.aws.sns.subscriptions import drop_unconfirmed  # noqa: PLC0415 - loaded on first use

        return await drop_unconfirmed(tx, now_us, timer)

    return {"aws.sns.unconfirmed": unconfirmed}
