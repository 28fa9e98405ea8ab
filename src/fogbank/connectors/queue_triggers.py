"""Functions triggered by queues: messages are received in batches, handed to the function, and acknowledged.

A waiting trigger is woken by the commit that brings a message. Messages of a batch that fails stay leased until
the queue's lease time is over and then come back, as AWS Lambda's event source mappings do ("Using Lambda with
Amazon SQS": batching, error handling, partial responses, maximum concurrency).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.connectors.invoker import LoopError
from fogbank.connectors.piping.batches import Plan, Poller, acknowledge
from fogbank.connectors.piping.following import Follower
from fogbank.engines.functions import triggers
from fogbank.engines.functions.errors import FunctionNotFoundError, TriggerNotFoundError
from fogbank.engines.functions.triggers import FEED, TriggerChange
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping

    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.model import Trigger
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

KIND: Final = "queue"
# Batches of one trigger that are worked on at once, where the trigger says nothing.
CONCURRENCY: Final = 10
# How long to wait before trying again with a function that is busy.
BUSY_SECONDS: Final = 1.0
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
        self._follower = Follower((store, clock, self._tasks), FEED, self._begin, self._apply)
        self._polling: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._follower.start()

    async def close(self) -> None:
        """Stop; what is worked on comes back when its lease ends."""
        await self._tasks.close()

    def reset(self) -> None:
        """Stop every trigger's polling: they are about to be deleted."""
        for key in list(self._polling):
            self._cancel(key)

    async def _begin(self) -> None:
        self.reset()
        for trigger in await self._store.read(triggers.all_triggers):
            self._restart(trigger)

    async def _apply(self, payload: bytes) -> None:
        change = msgspec.msgpack.decode(payload, type=TriggerChange)
        try:
            self._restart(await self._store.read(triggers.find, change.scope, change.id))
        except TriggerNotFoundError:
            self._cancel((change.scope, change.id))

    def _restart(self, trigger: Trigger) -> None:
        key = (trigger.scope, trigger.id)
        self._cancel(key)
        if trigger.config.enabled and trigger.config.kind == KIND:
            scope, _, name = trigger.source.rpartition("/")
            config = trigger.config
            plan = Plan(
                trigger.function,
                (scope, name),
                config.batch_size,
                config.window_seconds,
                config.concurrency_max or CONCURRENCY,
                config.lease_seconds,
            )
            parts = (self._store, self._clock, self._receiver, self._tasks)
            poller = Poller(parts, plan, partial(self._wanted, trigger), partial(self._work, trigger))
            self._polling[key] = self._tasks.keep(f"{trigger.source} to {trigger.function}", poller.run)

    def _cancel(self, key: tuple[str, str]) -> None:
        task = self._polling.pop(key, None)
        if task is not None:
            task.cancel()

    def _wanted(self, trigger: Trigger, queue: Queue, batch: list[Received]) -> list[Received]:
        """Return the messages that the function wants to see."""
        if not trigger.config.filters:
            return batch
        return self._formats[trigger.config.format].wanted(trigger, queue, batch)

    async def _work(self, trigger: Trigger, queue: Queue, batch: list[Received]) -> None:
        await acknowledge(self._store, queue, await self._deliver(trigger, queue, batch))

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


def dealt_with(batch: list[Received], response: bytes) -> list[Received]:
    """Return the messages that a partial response doesn't name as failed."""
    failed = named_failures({received.message.id for received in batch}, response)
    return [received for received in batch if received.message.id not in failed]


def named_failures(known: set[str], response: bytes) -> set[str]:
    """Return which of a batch's identifiers a partial response names as failed.

    "Using Lambda with Amazon SQS", "Reporting batch item failures": an empty or null list is a complete success;
    an answer of another form, an empty or an unknown identifier is a complete failure.
    """
    try:
        answer: Any = msgspec.json.decode(response) if response else None
    except msgspec.DecodeError:
        return known
    if answer is None:
        return set()
    if not isinstance(answer, dict):
        return known
    failures = answer.get("batchItemFailures")
    if failures is None:
        return set()
    failed = set()
    for failure in failures if isinstance(failures, list) else [None]:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return known
        failed.add(identifier)
    return failed
