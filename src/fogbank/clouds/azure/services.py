"""What Azure adds to the server: how its functions are started, and what its timers do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Couriers, Dialects
    from fogbank.connectors.delivery.targets import Target
    from fogbank.connectors.invoker import Launcher
    from fogbank.engines.functions.model import Function
    from fogbank.runtimes.model import Launch
    from fogbank.storage import Tx
    from fogbank.storage.timers import Action, Timer


def azure_launchers() -> dict[str, Launcher]:
    """Return what prepares function apps."""

    def prepare(function: Function) -> Launch:
        from fogbank.clouds.azure.functions.launch import launch  # noqa: PLC0415 - loaded on first use

        return launch(function)

    return {"azure-functions": prepare}


def azure_timers() -> dict[str, Action]:
    """Return what Azure's kinds of timers do."""

    async def timer_trigger(tx: Tx, now_us: int, timer: Timer, sequence: int) -> int | None:
        from fogbank.clouds.azure.functions.timers import fire  # noqa: PLC0415 - loaded on first use

        return await fire(tx, now_us, timer, sequence)

    return {"azure.functions.timer": timer_trigger}


def azure_couriers() -> Couriers:
    """Return by which rules Azure's services deliver."""
    return {}


def azure_dialects() -> Dialects:
    """Return how Azure's queues and topics take what other services send."""
    return {}


def azure_addresses(text: str) -> Target | None:
    """Return what a resource id or a queue's address names, for routes."""
    from fogbank.clouds.azure.routing import read_address  # noqa: PLC0415 - loaded on first use

    return read_address(text)
