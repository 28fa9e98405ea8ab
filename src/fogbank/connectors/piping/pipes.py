"""Pipes: each takes a queue's messages in batches, has them enriched if it says so, and hands them to its target.

A message stays leased in its queue until the target has taken what was made of it, so a crash delays it and loses
nothing, and what fails comes back when the lease is over, until the queue's dead letters get it. What a target within
the store takes, is put there in the transaction that acknowledges the message.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.connectors.delivery.carrying import NotTakenError
from fogbank.connectors.piping.batches import Plan, Poller, acknowledge
from fogbank.connectors.piping.following import Follower
from fogbank.engines.messaging import messages, pipes
from fogbank.engines.messaging.delivery_model import CALL, HTTP, split_endpoint
from fogbank.engines.messaging.errors import PipeNotFoundError, QueueNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from fogbank.connectors.delivery.carrying import Carrier
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store, Tx

# Batches of one pipe that are worked on at once.
AT_ONCE_MAX: Final = 10
# How long to wait before asking a function again that is busy.
BUSY_SECONDS: Final = 1.0
# After a failure the batch's place is kept for a while, twice as long each time, so that what fails doesn't spin.
PAUSE_SECONDS: Final = 0.1
PAUSE_SECONDS_MAX: Final = 10.0
_ERROR: Final = "error"
_log = logging.getLogger(__name__)


class FailedError(Exception):
    """A batch, or a part of it, isn't handed on: says why."""


class Consignment(NamedTuple):
    """What a target gets for some messages of a batch, which are done with when it took all of that.

    Either one delivery to a function that is called or an address, or several within the store. With a `problem`
    nothing could be made of the messages, and they fail.
    """

    deliveries: list[Delivery]
    received: list[Received]
    problem: str = ""


class PipeForm(NamedTuple):
    """How a dialect's pipes treat messages.

    `wanted` picks those that are handed on. `enrichment` says who is asked to enrich a batch, if anybody is;
    `consignments` makes what the target gets, of the answer to that if there is one. `dealt` picks the messages that
    a function or address has dealt with, by what it answered. The makers may raise `FailedError`; one is told the
    time, the other draws what it needs.
    """

    wanted: Callable[[Pipe, Queue, list[Received]], list[Received]]
    enrichment: Callable[[Pipe, Queue, list[Received], int], Delivery | None]
    consignments: Callable[[Pipe, Queue, list[Received], Answer | None, Callable[[], Drawn]], list[Consignment]]
    dealt: Callable[[Pipe, list[Received], Answer], list[Received]]


class Pipes:
    """Runs the pipes; follows their feed, so that changes act at once, on every node."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        receiver: Receiver,
        carrier: Carrier,
        forms: Mapping[str, Callable[[], PipeForm]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._receiver = receiver
        self._carrier = carrier
        self._forms = forms
        self._tasks = Supervisor("pipes")
        self._follower = Follower((store, clock, self._tasks), pipes.FEED, self._begin, self._apply)
        self._polling: dict[Name, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._follower.start()

    async def close(self) -> None:
        """Stop; what is worked on comes back when its lease ends."""
        await self._tasks.close()

    def reset(self) -> None:
        """Stop every pipe's polling: they are about to be deleted."""
        for name in list(self._polling):
            self._cancel(name)

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
        run = _Run(pipe, self._forms[pipe.config.dialect](), self._store, self._clock, self._carrier)
        config = pipe.config
        plan = Plan(pipe.name, split_endpoint(config.source), config.batch_size, config.window_seconds, AT_ONCE_MAX)
        poller = Poller((self._store, self._clock, self._receiver, self._tasks), plan, run.wanted, run.work)
        self._polling[name] = self._tasks.keep(f"{config.source} through {pipe.name}", poller.run)

    def _cancel(self, name: Name) -> None:
        task = self._polling.pop(name, None)
        if task is not None:
            task.cancel()


def _within_store(consignment: Consignment) -> bool:
    """Whether a consignment can be put where it is to go by the transaction that acknowledges its messages."""
    return not consignment.problem and all(each.kind not in (CALL, HTTP) for each in consignment.deliveries)


class _Run:
    """One pipe at work."""

    def __init__(self, pipe: Pipe, form: PipeForm, store: Store, clock: Clock, carrier: Carrier) -> None:
        self._pipe = pipe
        self._form = form
        self._store = store
        self._clock = clock
        self._carrier = carrier
        self._failures = 0

    def wanted(self, queue: Queue, batch: list[Received]) -> list[Received]:
        """Return the messages that the pipe hands on."""
        return self._form.wanted(self._pipe, queue, batch)

    async def work(self, queue: Queue, batch: list[Received]) -> None:
        """Hand a batch on; what fails stays leased."""
        until_us = self._clock.now() + queue.config.lease_seconds * SECOND_US
        try:
            failed = await self._hand_on(queue, batch, until_us)
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

    async def _hand_on(self, queue: Queue, batch: list[Received], until_us: int) -> list[str]:
        """Return what went wrong with parts of the batch; raises `FailedError` where all of it failed."""
        enriched = None
        asked = self._form.enrichment(self._pipe, queue, batch, self._clock.now())
        if asked is not None:
            enriched = await self._ask(asked, until_us)
        consignments = self._form.consignments(self._pipe, queue, batch, enriched, self._carrier.drawn)
        if all(map(_within_store, consignments)):
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
            keys = {received.message.ordering_key for received in consignment.received}
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
        if _within_store(consignment):
            await self._move(queue, [consignment])
            return
        (delivery,), received = consignment.deliveries, consignment.received
        answer = await self._ask(delivery, until_us)
        dealt = self._form.dealt(self._pipe, received, answer)
        await acknowledge(self._store, queue, dealt)
        if len(dealt) < len(received):
            msg = f"{delivery.endpoint}: {len(received) - len(dealt)} of {len(received)} messages failed"
            raise FailedError(msg)

    async def _move(self, queue: Queue, consignments: list[Consignment]) -> None:
        """Acknowledge messages and put what is made of them in its place; raises `NotTakenError`."""
        drawn = [[(delivery, self._carrier.drawn()) for delivery in each.deliveries] for each in consignments]
        moves = [(each.received, parcels) for each, parcels in zip(consignments, drawn, strict=True)]
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
                    await self._carrier.put(tx, now_us, delivery, drawn)

    async def _ask(self, delivery: Delivery, until_us: int) -> Answer:
        """Have a function called or a request posted, and return the answer; raises `FailedError`.

        Whoever is busy is waited for as long as the lease lasts. An answer of 401 has the request put together once
        more, with fresh credentials.
        """
        courier = self._carrier.courier(delivery.courier)
        while True:
            tried = await self._try(delivery)
            if isinstance(tried, float):
                if self._clock.now() + int(tried * SECOND_US) >= until_us:
                    msg = f"{delivery.endpoint}: busy until the lease ended"
                    raise FailedError(msg)
                await self._clock.sleep(tried)
            elif courier.accepts(tried):
                return tried
            elif tried.status == HTTPStatus.UNAUTHORIZED and _ERROR not in delivery.facts:
                delivery = msgspec.structs.replace(delivery, facts={**delivery.facts, _ERROR: tried.reason})
            else:
                msg = f"{delivery.endpoint}: {tried.reason}"
                raise FailedError(msg)

    async def _try(self, delivery: Delivery) -> Answer | float:
        """Return an answer, or in how many seconds to try again."""
        courier = self._carrier.courier(delivery.courier)
        if courier.prepare is not None:
            prepared = await courier.prepare(delivery, self._clock.now())
            if not isinstance(prepared, msgspec.Struct):
                return prepared
            delivery = prepared
        if delivery.kind == CALL:
            answer = await self._carrier.call(delivery)
            return BUSY_SECONDS if answer.status == HTTPStatus.TOO_MANY_REQUESTS else answer
        wait_seconds = self._carrier.turn(delivery.endpoint)
        return float(wait_seconds) if wait_seconds else await self._carrier.post(courier, delivery)
