"""How many messages of a queue may be in flight (Amazon SQS Developer Guide, "Amazon SQS message quotas").

Counting them takes time in proportion to them, so it is done only when as many were received since the last count as
there was room for then: the quota is exact, and hardly ever counted for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.sqs.names import FIFO_SUFFIX
from fogbank.engines.messaging import queues
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Store

IN_FLIGHT_MAX: Final = 120_000
FIFO_IN_FLIGHT_MAX: Final = 20_000
QUEUES_MAX: Final = 10_000


class InFlight:
    """How much room there is at least in each queue."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._room: dict[Name, int] = {}
        self._generation = store.generation

    async def room(self, name: Name) -> int:
        """Return how many messages may be received at least; 0 if as many as may be are in flight."""
        if self._generation != self._store.generation:
            self._generation = self._store.generation
            self._room.clear()
        room = self._room.get(name)
        if not room or room < 0:
            if len(self._room) >= QUEUES_MAX:
                self._room.clear()
            limit = FIFO_IN_FLIGHT_MAX if name[1].endswith(FIFO_SUFFIX) else IN_FLIGHT_MAX
            room = self._room[name] = limit - await self._store.scan(queues.leased, name, limit)
        return room

    def took(self, name: Name, count: int) -> None:
        """Take note that messages were received."""
        if name in self._room:
            self._room[name] -= count


def over_limit(name: Name) -> AwsError:
    """Return the error of a standard queue that has as many in flight as may be; a FIFO queue returns nothing."""
    return AwsError(
        "OverLimit",
        f"The maximum number of in flight messages is reached for the queue {name[1]}.",
        403,
        query_code="OverLimit",
    )
