"""Time of a test's own: it stands still, and moves when the test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fogbank.testing.process import RunningServer
    from fogbank.testing.server import ThreadedServer


class TimeTravel:
    """`travel(minutes=15)` moves a server's time on; all that falls due on the way has happened when it returns.

    From when this is made, the server's time stands still. Requests that wait for messages (SQS's `WaitTimeSeconds`)
    wait for the server's time, too: leave that out, or they wait until a message comes.
    """

    def __init__(self, server: ThreadedServer | RunningServer) -> None:
        self._server = server
        server.freeze()

    def __call__(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the time on by so much."""
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._server.advance(span.total_seconds())

    def to_next(self) -> bool:
        """Move the time on to when something is due next, and have it happen; False if nothing is."""
        return self._server.advance_to_next()

    @property
    def now(self) -> datetime:
        """What time it is for the server, in UTC."""
        return datetime.fromtimestamp(self._server.now(), UTC)
