"""Functions triggered by queues: messages are received in batches, handed to the function, and acknowledged.

A waiting trigger is woken by the commit that brings a message. Messages of a batch that fails stay leased until
the queue's lease time is over and then come back, as AWS Lambda's event source mappings do ("Using Lambda with
Amazon SQS": batching, error handling, partial responses, maximum concurrency).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions import triggers
from fogbank.engines.functions.errors import FunctionNotFoundError, TriggerNotFoundError
from fogbank.engines.functions.triggers import FEED, TriggerChange
from fogbank.engines.messaging import messages
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.model import Trigger
    from fogbank.engines.messaging.model import Name, Queue, Received
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

KIND: Final = "queue"
RECEIVED_AT_ONCE: Final = 10
WAIT_SECONDS: Final = 20
# Batches of one trigger that are worked on at once, where the trigger says nothing.
CONCURRENCY: Final = 10
# How long to wait before trying again with a queue or function that isn't there, or a function that is busy.
PAUSE_SECONDS: Final = 5.0
BUSY_SECONDS: Final = 1.0
FOLLOW_US: Final = 3_600 * SECOND_US
_log = logging.getLogger(__name__)


class UnreadableError(Exception):
    """A message can't be handed to its function, ever."""


class EventFormat(NamedTuple):
    """How a cloud hands messages to functions.

    As what event, which may raise `UnreadableError`; which it hands over if a trigger has filters; what of them goes
    into the invocation's context. `failed` is a store operation for each message that a function failed with, told
    whether it can never be read, and given a sequence number; without it they come back when their leases end.
    """

    event: Callable[[Trigger, Queue, list[Received]], bytes]
    wanted: Callable[[Trigger, Queue, list[Received]], list[Received]]
    context: Callable[[list[Received]], Mapping[str, Any]]
    failed: Callable[[Tx, int, Trigger, Received, bool, int], Coroutine[Any, Any, None]] | None = None


class QueueTriggers:
    """Runs the triggers of kind `queue`; follows their feed, so that changes act at once, on every node."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        receiver: Receiver,
        invoker: Invoker,
        formats: Mapping[str, EventFormat],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._receiver = receiver
        self._invoker = invoker
        self._formats = formats
        self._tasks = Supervisor("triggers")
        self._polling: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin."""
        self._tasks.keep("follow", self._follow)

    async def close(self) -> None:
        """Stop; what is worked on comes back when its lease ends."""
        await self._tasks.close()

    async def reset(self) -> None:
        """Stop every trigger's polling: they are about to be deleted."""
        for key in list(self._polling):
            self._cancel(key)

    async def _follow(self) -> None:
        with self._store.signals.listen(change_feed.topic(FEED)) as listener:
            place = await self._store.read(change_feed.last, FEED)
            for trigger in await self._store.read(triggers.all_triggers):
                self._restart(trigger)
            while True:
                for entry in await self._store.read(change_feed.read, FEED, place, 100):
                    place = entry.seq
                    change = msgspec.msgpack.decode(entry.payload, type=TriggerChange)
                    await self._apply(change)
                await listener.wait(self._clock.now() + FOLLOW_US)

    async def _apply(self, change: TriggerChange) -> None:
        try:
            self._restart(await self._store.read(triggers.find, change.scope, change.id))
        except TriggerNotFoundError:
            self._cancel((change.scope, change.id))

    def _restart(self, trigger: Trigger) -> None:
        key = (trigger.scope, trigger.id)
        self._cancel(key)
        if trigger.config.enabled and trigger.config.kind == KIND:
            poller = _Poller(self, trigger)
            self._polling[key] = self._tasks.keep(f"{trigger.source} to {trigger.function}", poller.run)

    def _cancel(self, key: tuple[str, str]) -> None:
        task = self._polling.pop(key, None)
        if task is not None:
            task.cancel()

    # What a poller needs.

    async def receive(
        self, trigger: Trigger, name: Name, count: int, wait_seconds: float
    ) -> tuple[Queue, list[Received]]:
        """Receive messages, waiting for the first."""
        lease_seconds = trigger.config.lease_seconds or None
        receipt = await self._receiver.receive(name, count, lease_seconds, wait_seconds)
        return receipt.queue, receipt.messages

    async def sift(self, trigger: Trigger, queue: Queue, batch: list[Received]) -> list[Received]:
        """Return the messages that the function wants to see; the others are done with."""
        if not trigger.config.filters or not batch:
            return batch
        wanted = self._formats[trigger.config.format].wanted(trigger, queue, batch)
        kept = {received.handle for received in wanted}
        others = [received.handle for received in batch if received.handle not in kept]
        if others:
            await self._store.run(messages.acknowledge_all, (queue.scope, queue.name), others)
        return wanted

    def now(self) -> int:
        """Now, in microseconds."""
        return self._clock.now()

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)

    def spawn(self, trigger: Trigger, queue: Queue, batch: list[Received], slots: asyncio.Semaphore) -> None:
        """Work on a batch beside the others."""
        self._tasks.spawn(f"batch for {trigger.function}", self._work(trigger, queue, batch, slots))

    async def _work(self, trigger: Trigger, queue: Queue, batch: list[Received], slots: asyncio.Semaphore) -> None:
        try:
            done = await self._deliver(trigger, queue, batch)
            if done:
                handles = [message.handle for message in done]
                await self._store.run(messages.acknowledge_all, (queue.scope, queue.name), handles)
        finally:
            slots.release()

    async def _deliver(self, trigger: Trigger, queue: Queue, batch: list[Received]) -> list[Received]:
        """Invoke the function with a batch; returns the messages that it has dealt with."""
        format_ = self._formats[trigger.config.format]
        try:
            event = format_.event(trigger, queue, batch)
        except UnreadableError:
            await self._failed(trigger, batch, unreadable=True)
            return []
        context = {**trigger.config.context, **format_.context(batch)}
        lease_seconds = trigger.config.lease_seconds or queue.config.lease_seconds
        lease_ends_us = self._clock.now() + lease_seconds * SECOND_US
        while True:
            try:
                outcome = await self._invoker.invoke(
                    (trigger.scope, trigger.function),
                    Invocation(self._ids.uuid(), event, context),
                    trigger.qualifier,
                    self._ids.jitter(0, 1),
                    source="trigger",
                )
            except BusyError:
                if self._clock.now() + int(BUSY_SECONDS * SECOND_US) >= lease_ends_us:
                    return []
                await self._clock.sleep(BUSY_SECONDS)
            except LoopError:
                if len(batch) > 1:
                    # Only those are left out that are part of the loop.
                    return [done for each in batch for done in await self._deliver(trigger, queue, [each])]
                _log.warning("trigger %s: %s is in a loop, a message was not handed over", trigger.id, trigger.function)
                return []
            except FunctionNotFoundError:
                _log.warning("trigger %s: the function %s is gone", trigger.id, trigger.function)
                return []
            else:
                if outcome.ended is not Ended.OK:
                    await self._failed(trigger, batch)
                    return []
                return dealt_with(batch, outcome.payload) if trigger.config.partial else batch

    async def _failed(self, trigger: Trigger, batch: list[Received], *, unreadable: bool = False) -> None:
        failed = self._formats[trigger.config.format].failed
        if failed is None:
            return
        for received in batch:
            await self._store.run(failed, trigger, received, unreadable, self._ids.sequence())


class _Poller:
    """One trigger's loop: collect a batch, hand it over, while fewer than may are being worked on."""

    def __init__(self, owner: QueueTriggers, trigger: Trigger) -> None:
        self._owner = owner
        self._trigger = trigger
        self._slots = asyncio.Semaphore(trigger.config.concurrency_max or CONCURRENCY)
        scope, _, name = trigger.source.rpartition("/")
        self._queue: Name = (scope, name)

    async def run(self) -> None:
        """Poll for ever."""
        while True:
            await self._slots.acquire()
            try:
                queue, batch = await self._collect()
            except QueueNotFoundError:
                self._slots.release()
                await self._owner.pause(PAUSE_SECONDS)
                continue
            except BaseException:
                self._slots.release()
                raise
            if batch:
                self._owner.spawn(self._trigger, queue, batch, self._slots)
            else:
                self._slots.release()

    async def _collect(self) -> tuple[Queue, list[Received]]:
        """Receive a batch: up to its size, or what has come when the window after the first message closes."""
        config = self._trigger.config
        size = config.batch_size
        queue, received = await self._owner.receive(
            self._trigger, self._queue, min(size, RECEIVED_AT_ONCE), WAIT_SECONDS
        )
        batch = await self._owner.sift(self._trigger, queue, received)
        if not batch:
            return queue, batch
        closes_us = self._owner.now() + config.window_seconds * SECOND_US
        while len(batch) < size:
            wait_seconds = max(0.0, (closes_us - self._owner.now()) / SECOND_US)
            queue, more = await self._owner.receive(
                self._trigger, self._queue, min(size - len(batch), RECEIVED_AT_ONCE), wait_seconds
            )
            if not more:
                break
            batch += await self._owner.sift(self._trigger, queue, more)
        return queue, batch


def dealt_with(batch: list[Received], response: bytes) -> list[Received]:
    """Return the messages that a partial response doesn't name as failed.

    "Using Lambda with Amazon SQS", "Reporting batch item failures": an empty or null list is a complete success;
    an answer of another form, an empty or an unknown identifier is a complete failure.
    """
    try:
        answer: Any = msgspec.json.decode(response) if response else None
    except msgspec.DecodeError:
        return []
    if answer is None:
        return batch
    if not isinstance(answer, dict):
        return []
    failures = answer.get("batchItemFailures")
    if failures is None:
        return batch
    known = {received.message.id for received in batch}
    failed = set()
    for failure in failures if isinstance(failures, list) else [None]:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return []
        failed.add(identifier)
    return [received for received in batch if received.message.id not in failed]
