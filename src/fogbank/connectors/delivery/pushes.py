"""Queues whose messages are pushed: each is worked off by the server, message by message, as its dialect says.

A message is leased while it is posted; an answer that counts acknowledges it, any other gives it up, so that it
comes back after the queue's backoff, and goes to the dead letters in the end.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.connectors.piping.following import Follower
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.errors import LeaseNotHeldError, MessageGoneError, QueueNotFoundError
from fogbank.engines.messaging.whole_queues import pushing
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fogbank.connectors.delivery.couriers import Answer
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store

# So many messages of one queue are on their way at once.
AT_ONCE_MAX: Final = 16
WAIT_SECONDS: Final = 3_600.0
_log = logging.getLogger(__name__)


class PushForm(NamedTuple):
    """How a dialect pushes: how a message gets where it is to go, and which answers acknowledge it."""

    deliver: Callable[[Queue, Received], Awaitable[Answer]]
    accepts: Callable[[Answer], bool]


class Pushes:
    """Works off the queues that push; follows their feed, so that changes act at once, on every node."""

    def __init__(self, store: Store, clock: Clock, receiver: Receiver, forms: Mapping[str, PushForm]) -> None:
        self._store = store
        self._clock = clock
        self._receiver = receiver
        self._forms = forms
        self._tasks = Supervisor("pushes")
        self._follower = Follower((store, clock, self._tasks), pushing.FEED, self._begin, self._apply)
        self._running: dict[Name, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._follower.start()

    async def close(self) -> None:
        """Stop; what is on its way comes back when its lease ends."""
        await self._tasks.close()

    def reset(self) -> None:
        """Stop working off any queue: they are about to be deleted."""
        for task in self._running.values():
            task.cancel()
        self._running.clear()

    async def _begin(self) -> None:
        self.reset()
        for queue in await self._store.read(queues.all_queues):
            if queue.config.push is not None:
                self._restart((queue.scope, queue.name))

    async def _apply(self, payload: bytes) -> None:
        self._restart(pushing.read(payload))

    def _restart(self, name: Name) -> None:
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()
        self._running[name] = self._tasks.keep(f"push {name[1]}", partial(self._work, name))

    async def _work(self, name: Name) -> None:
        """Work off a queue for as long as it pushes."""
        slots = asyncio.Semaphore(AT_ONCE_MAX)
        try:
            queue = await self._store.read(queues.find, name)
            while queue.config.push is not None:
                await slots.acquire()
                slots.release()
                receipt = await self._receiver.receive(name, AT_ONCE_MAX, None, WAIT_SECONDS)
                queue = receipt.queue
                for received in receipt.messages:
                    await slots.acquire()
                    self._tasks.spawn(f"push to {queue.name}", self._push(queue, received, slots))
        except QueueNotFoundError:
            return

    async def _push(self, queue: Queue, received: Received, slots: asyncio.Semaphore) -> None:
        name = (queue.scope, queue.name)
        try:
            form = self._forms[queue.config.dialect]
            answer = await form.deliver(queue, received)
            if form.accepts(answer):
                await self._store.run(messages.acknowledge, name, received.handle)
                return
            _log.info("%s: attempt %d: %s", queue.name, received.receives, answer.reason)
            await self._store.run(messages.give_up, name, received.handle)
        except (LeaseNotHeldError, MessageGoneError, QueueNotFoundError):
            # It took too long, or the queue is gone: what comes back comes back by itself.
            return
        finally:
            slots.release()
