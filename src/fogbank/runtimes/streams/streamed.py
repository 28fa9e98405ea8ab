"""An invocation whose reply is taken in parts, while the function still works.

It runs to its end whether or not its caller stays (AWS Lambda Developer Guide, "Response streaming for Lambda
functions": a streamed response is not stopped when the client's connection breaks).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fogbank.runtimes.model import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from fogbank.runtimes.model import Outcome
    from fogbank.runtimes.streams.reply import ReplyStream


class Streamed:
    """The caller's side: wait until it has `begun`, take the `parts`, look at the `outcome`."""

    def __init__(self, running: asyncio.Task[Outcome], reply: ReplyStream) -> None:
        self._running = running
        self._reply = reply
        running.add_done_callback(self._ended)

    async def begun(self) -> Mapping[str, Any] | None:
        """Return the head of a reply that the function streams; None if it has answered without.

        Raises what a function that doesn't run at all is refused with.
        """
        try:
            # What has ended is finished, too, and so has begun.
            await asyncio.shield(self._reply.begun)
        except asyncio.CancelledError:
            self._reply.abandon()
            raise
        if self._running.done():
            self._running.result()
        return self._reply.head if self._reply.streamed is not None else None

    async def parts(self) -> AsyncGenerator[bytes]:
        """Yield the parts as they come: of a reply that isn't streamed, all of it as one, unless it is an error."""
        async for part in self._reply:
            yield part
        outcome = await self.outcome()
        if outcome.streamed is None and outcome.payload and outcome.ended is Ended.OK:
            yield outcome.payload

    async def outcome(self) -> Outcome:
        """Return what became of the invocation, once its parts are taken."""
        return await asyncio.shield(self._running)

    def leave(self) -> None:
        """Take no more; the function goes on."""
        self._reply.abandon()

    def _ended(self, running: asyncio.Task[Outcome]) -> None:
        self._reply.finish()
        if not running.cancelled():
            # What it raised is for those who wait; where nobody does, it isn't worth a warning.
            running.exception()
