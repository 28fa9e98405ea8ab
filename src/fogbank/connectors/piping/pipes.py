"""Pipes: each takes a source's events in batches, has them enriched if it says so, and hands them to its target.

The source is a queue, or a change feed (`feed_pipes.py`). A message stays leased in its queue until the target has
taken what was made of it, so a crash delays it and loses nothing, and what fails comes back when the lease is over,
until the queue's dead letters get it. What a target within the store takes, is put there in the transaction that
acknowledges the message.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from fogbank.connectors.delivery.carrying import NotTakenError
from fogbank.connectors.piping.batches import Plan, Poller, acknowledge
from fogbank.connectors.piping.feed_pipes import FeedPipe
from fogbank.connectors.piping.followers import Followers
from fogbank.connectors.piping.following import Follower
from fogbank.connectors.piping.handing import FailedError, Handing, within_store
from fogbank.engines.messaging import messages, pipes
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.messaging.errors import PipeNotFoundError, QueueNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from fogbank.connectors.delivery.carrying import Carrier
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.connectors.piping.handing import Consignment, PipeForm, Taken
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

# Batches of one pipe that are worked on at once.
AT_ONCE_MAX: Final = 10
# After a failure the batch's place is kept for a while, twice as long each time, so that what fails doesn't spin.
PAUSE_SECONDS: Final = 0.1
PAUSE_SECONDS_MAX: Final = 10.0
_log = logging.getLogger(__name__)


class Pipes:
    """Runs the pipes; follows their feed, so that changes act at once, on every node."""

    def __init__(
        self,
        parts: tuple[Store, Clock, Ids],
        receiver: Receiver,
        carrier: Carrier,
        forms: Mapping[str, Callable[[], PipeForm]],
    ) -> None:
        self._store, self._clock, self._ids = parts
        self._receiver = receiver
        self._carrier = carrier
        self._forms = forms
        self._tasks = Supervisor("pipes")
        self._follower = Follower((self._store, self._clock, self._tasks), pipes.FEED, self._begin, self._apply)
        self._followers: Followers[Name] = Followers((self._store, self._clock, self._ids, self._tasks))
        self._polling: dict[Name, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._follower.start()

    async def close(self) -> None:
        """Stop; what is worked on comes back when its lease ends."""
        await self._tasks.close()
        await self._followers.release()

    def reset(self) -> None:
        """Stop every pipe's polling: they are about to be deleted."""
        for name in list(self._polling):
            self._cancel(name)
        self._followers.reset()

    async def _begin(self) -> None:
        self.reset()
        for pipe in await self._store.read(pipes.all_pipes):
            self._restart(pipe)

    async def _apply(self, payload: bytes) -> None:
        name = pipes.read(payload)
        try:
            self._restart(await self._store.read(pipes.find, name))
        except PipeNotFoundError:
            self._cancel(name)

    def _restart(self, pipe: Pipe) -> None:
        name = (pipe.scope, pipe.name)
        self._cancel(name)
        if not pipe.config.enabled:
            return
        form = self._forms[pipe.config.dialect]()
        handing = Handing(pipe, form, self._store, self._clock, self._carrier)
        config = pipe.config
        if config.is_feed:
            self._followers.restart(name, f"{config.source} through {pipe.name}", FeedPipe(handing).find)
            return
        run = _Run(handing)
        plan = Plan(pipe.name, split_endpoint(config.source), config.batch_size, config.window_seconds, AT_ONCE_MAX)
        poller = Poller((self._store, self._clock, self._receiver, self._tasks), plan, run.wanted, run.work)
        self._polling[name] = self._tasks.keep(f"{config.source} through {pipe.name}", poller.run)

    def _cancel(self, name: Name) -> None:
        self._followers.cancel(name)
        task = self._polling.pop(name, None)
        if task is not None:
            task.cancel()


class _Run:
    """One pipe at work on a queue."""

    def __init__(self, handing: Handing) -> None:
        self._handing = handing
        self._pipe, self._form = handing.pipe, handing.form
        self._store, self._clock = handing.store, handing.clock
        self._failures = 0

    def wanted(self, queue: Queue, batch: list[Received]) -> list[Received]:
        """Return the messages that the pipe hands on."""
        return [each for each in batch if self._form.wanted(self._pipe, self._form.taken(queue, each))]

    async def work(self, queue: Queue, batch: list[Received]) -> None:
        """Hand a batch on; what fails stays leased."""
        until_us = self._clock.now() + queue.config.lease_seconds * SECOND_US
        try:
            failed = await self._hand_on(queue, [self._form.taken(queue, each) for each in batch], until_us)
        except FailedError as error:
            failed = [str(error)]
        except QueueNotFoundError:
            return
        if not failed:
            self._failures = 0
            return
        for problem in failed:
            _log.warning("pipe %s: %s", self._pipe.name, problem)
        pause_seconds = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        await self._clock.sleep(pause_seconds)

    async def _hand_on(self, queue: Queue, batch: list[Taken], until_us: int) -> list[str]:
        """Return what went wrong with parts of the batch; raises `FailedError` where all of it failed."""
        consignments = await self._handing.consignments(batch, until_us)
        if all(map(within_store, consignments)):
            try:
                await self._move(queue, consignments)
            except NotTakenError as error:
                if len(consignments) == 1:
                    raise FailedError(str(error)) from None
                # Each by itself, so that only what isn't taken comes back.
            else:
                return []
        return await self._send_each(queue, consignments, until_us)

    async def _send_each(self, queue: Queue, consignments: list[Consignment], until_us: int) -> list[str]:
        """Hand on one after another; returns what went wrong."""
        failed: list[str] = []
        # In an ordered queue, what follows a message that failed waits for it.
        held_up: set[str] = set()
        for consignment in consignments:
            keys = {received.message.ordering_key for received in _messages(consignment.taken)}
            if queue.config.ordered and keys & held_up:
                continue
            try:
                await self._send(queue, consignment, until_us)
            except (FailedError, NotTakenError) as error:
                failed.append(str(error))
                held_up |= keys
        return failed

    async def _send(self, queue: Queue, consignment: Consignment, until_us: int) -> None:
        if consignment.problem:
            raise FailedError(consignment.problem)
        if within_store(consignment):
            await self._move(queue, [consignment])
            return
        dealt = await self._handing.send(consignment, until_us)
        await acknowledge(self._store, queue, _messages(dealt))
        if len(dealt) < len(consignment.taken):
            left, every = len(consignment.taken) - len(dealt), len(consignment.taken)
            msg = f"{consignment.deliveries[0].endpoint}: {left} of {every} messages failed"
            raise FailedError(msg)

    async def _move(self, queue: Queue, consignments: list[Consignment]) -> None:
        """Acknowledge messages and put what is made of them in its place; raises `NotTakenError`."""
        moves = [(_messages(each.taken), self._handing.drawn(each)) for each in consignments]
        await self._store.run(self._move_all, (queue.scope, queue.name), moves)

    async def _move_all(
        self, tx: Tx, now_us: int, name: Name, moves: list[tuple[list[Received], list[tuple[Delivery, Drawn]]]]
    ) -> None:
        handles = [each.handle for received, _ in moves for each in received]
        held = iter(await messages.acknowledge_each(tx, now_us, name, handles))
        for received, parcels in moves:
            # Where the leases ran out, whoever has the messages now hands them on.
            if any([next(held) for _ in received]):  # noqa: C419 - each has its place, whatever the others are
                for delivery, drawn in parcels:
                    await self._handing.carrier.put(tx, now_us, delivery, drawn)


def _messages(taken: list[Taken]) -> list[Received]:
    """Return the messages that events were made of."""
    return [each.received for each in taken if each.received is not None]
