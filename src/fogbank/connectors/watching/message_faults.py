"""Faults on purpose that queues commit: messages that come twice, or behind later ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Queue
    from fogbank.wire.watching.faults import Faults

# What the services call themselves whose queues have names of their own for that.
_SERVICES: Final = {"storage-queue": "queues"}


class MessageFaults:
    """Asks the rules for faults what becomes of messages."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    @property
    def active(self) -> bool:
        """Whether there are rules for messages."""
        return self._faults.of_messages

    def choose(self, queue: Queue) -> str:
        """Say what becomes of the next message of a queue."""
        dialect = queue.config.dialect
        cloud = queue.scope.partition("/")[0]
        return self._faults.strike_message(cloud, _SERVICES.get(dialect, dialect), queue.name)
