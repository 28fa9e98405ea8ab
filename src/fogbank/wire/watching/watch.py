"""Every request of a cloud passes here: it is noted, and struck by faults if there are rules for any."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING

from fogbank.wire.bodies import close_stream
from fogbank.wire.http import ConnectionDroppedError, Response
from fogbank.wire.watching.faults import Faults
from fogbank.wire.watching.log import RequestLog
from fogbank.wire.watching.model import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.kernel.clock import Clock
    from fogbank.wire.http import Handler, Request
    from fogbank.wire.watching.faults import Strike
    from fogbank.wire.watching.model import Front, Seen


class Watch:
    """What is seen of requests, `log`, and what is done to them, `faults`.

    `handle(front, handler, request)` has a request answered by its cloud.
    """

    handle: Callable[[Front, Handler, Request], Coroutine[object, object, Response]]

    def __init__(self, clock: Clock) -> None:
        self.log = RequestLog(clock.now)
        self.faults = Faults(self._choose)
        self.now = clock.now
        self._choose()

    def _choose(self) -> None:
        # Chosen where rules change, not for each request.
        self.handle = self._strike if self.faults.of_requests else self.log.answer

    def clear(self) -> None:
        """Forget what was seen, and all rules."""
        self.log.clear()
        self.faults.clear()

    async def _strike(self, front: Front, handler: Handler, request: Request) -> Response:
        at_us, began_ns = self.now(), perf_counter_ns()
        seen = front.describe(request)
        strikes = self.faults.strike(front.cloud, seen)
        response = None
        try:
            response = await self._struck(front, handler, request, refusal_of(await delayed(strikes)), seen)
            if response is None:
                raise ConnectionDroppedError
            return response
        finally:
            numbers = tuple(strike.number for strike in strikes)
            self.log.add(at_us, perf_counter_ns() - began_ns, front, request, response, numbers)

    async def _struck(
        self, front: Front, handler: Handler, request: Request, fault: Refusal | str, seen: Seen
    ) -> Response | None:
        """Return the answer to a request that a fault may have struck, None if the connection is to be closed."""
        if isinstance(fault, Refusal):
            return front.refuse(request, seen, fault)
        if fault == "before":
            return None
        response = await handler(request)
        if fault != "after":
            return response
        if not isinstance(response.body, bytes):
            await close_stream(response.body)
        return None


async def delayed(strikes: list[Strike]) -> Strike | None:
    """Wait for as long as latencies say, in real time; returns the fault behind them, if there is one."""
    seconds = sum(strike.delay_seconds for strike in strikes if strike.rule.kind == "latency")
    if seconds:
        await asyncio.sleep(seconds)
    return strikes[-1] if strikes and strikes[-1].rule.kind != "latency" else None


def refusal_of(strike: Strike | None) -> Refusal | str:
    """Return how a fault refuses, when it drops the connection (`before` or `after` the work), or nothing."""
    if strike is None:
        return ""
    rule = strike.rule
    if rule.kind == "drop":
        return rule.when or "before"
    return Refusal(rule.kind == "throttle", rule.status or 0, rule.code or "", rule.message or "")
