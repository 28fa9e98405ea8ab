"""Keeps the durable timers running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from fogbank.storage.timers import TimerService


class Timekeeper:
    """Runs the timer service as long as the server runs."""

    def __init__(self, service: TimerService) -> None:
        self._service = service
        self._tasks = Supervisor("timers")

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("fire", self._service.run)

    async def close(self) -> None:
        """Stop; what falls due meanwhile fires when the server runs again."""
        await self._tasks.close()
