"""Functions triggered by change feeds: entries are handed to them in batches and in order (`lanes`).

AWS Lambda Developer Guide, "Process DynamoDB records with Lambda": https://docs.aws.amazon.com/lambda/latest/dg/
with-ddb.html, and "Retain discarded records for a DynamoDB event source in Lambda": https://docs.aws.amazon.com/lambda/
latest/dg/services-dynamodb-errors.html. A function that is busy, or gone, is asked again, which isn't counted.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import msgspec

from fogbank.connectors.invoker import LoopError
from fogbank.connectors.piping.following import Follower
from fogbank.connectors.piping.lanes import FAILED, LEASE_US, OK, Form, Given, Lane, Note, Plan
from fogbank.engines.functions import triggers
from fogbank.engines.functions.errors import FunctionNotFoundError, TriggerNotFoundError
from fogbank.engines.functions.triggers import FEED, TriggerChange
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.storage import change_feed, feed_places

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.piping.lanes import Handed
    from fogbank.engines.functions.model import Trigger, TriggerConfig
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

KIND: Final = "feed"
RENEW_US: Final = 10 * SECOND_US
_log = logging.getLogger(__name__)


class FunctionForm(Form, Protocol):
    """How a dialect hands the entries of one feed to functions."""

    def event(self, batch: list[Handed]) -> bytes:
        """Return the event of a batch."""

    def failed(self, batch: list[Handed], response: bytes) -> int:
        """Return which entry of a batch is the first that failed, by what a function answered that says so."""


FeedFormat: TypeAlias = "Callable[[Tx, int, Trigger], Coroutine[Any, Any, FunctionForm | None]]"
"""A store operation that returns how a trigger's feed is handed on; None if the feed is gone."""


class FeedTriggers:
    """Runs the triggers of kind `feed`, whose source is a feed's name; follows their changes on every node."""

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, formats: Mapping[str, FeedFormat]
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._formats = formats
        self._tasks = Supervisor("feeds")
        self._follower = Follower((store, clock, self._tasks), FEED, self._begin, self._apply)
        self._following: dict[tuple[str, str], list[asyncio.Task[None]]] = {}
        self._lanes: dict[tuple[str, str], list[Lane]] = {}

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._follower.start()
        if not self._store.exclusive:
            self._tasks.keep("renew", self._renew)

    async def close(self) -> None:
        """Stop; what is worked on is handed on again by the next start, or by another server."""
        await self._tasks.close()
        if not self._store.exclusive:
            for lane in [lane for lanes in self._lanes.values() for lane in lanes]:
                await self._store.run(feed_places.release, lane.token)

    def reset(self) -> None:
        """Stop every trigger: they are about to be deleted."""
        for key in list(self._following):
            self._cancel(key)
        self._lanes.clear()

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
            self._lanes.pop((change.scope, change.id), None)

    def _restart(self, trigger: Trigger) -> None:
        key = (trigger.scope, trigger.id)
        self._cancel(key)
        if trigger.config.enabled and trigger.config.kind == KIND:
            name = f"{trigger.source} to {trigger.function}"
            self._following[key] = [self._tasks.keep(name, partial(self._follow, trigger))]

    def _cancel(self, key: tuple[str, str]) -> None:
        for task in self._following.pop(key, ()):
            task.cancel()

    async def _follow(self, trigger: Trigger) -> None:
        """Begin with a trigger's lanes, once what its earlier ones have under way is done."""
        key = (trigger.scope, trigger.id)
        for lane in self._lanes.pop(key, ()):
            await lane.finish()
            await self._store.run(feed_places.release, lane.token)
        form = await self._store.read(self._formats[trigger.config.format], trigger)
        if form is None:
            _log.warning("trigger %s: the feed %s is gone", trigger.id, trigger.source)
            return
        plan = _plan(trigger)
        await self._store.run(feed_places.arrange, plan.follower, plan.lanes, 0)
        parts = (self._store, self._clock, self._ids, self._tasks)
        hand = partial(self._hand, trigger, form)
        lanes = self._lanes[key] = [Lane(parts, plan, number, form, hand) for number in range(plan.lanes)]
        self._following[key] += [self._tasks.keep(f"lane of {plan.follower}", lane.run) for lane in lanes]

    async def _hand(self, trigger: Trigger, form: FunctionForm, batch: list[Handed]) -> Given:
        """Invoke a function with a batch."""
        number = self._ids.uuid()
        invocation = Invocation(number, form.event(batch), trigger.config.context)
        name = (trigger.scope, trigger.function)
        try:
            outcome = await self._invoker.invoke(
                name, invocation, trigger.qualifier, self._ids.jitter(0, 1), source="trigger"
            )
        except BusyError:
            return Given(0, tried=False)
        except FunctionNotFoundError:
            _log.warning("trigger %s: the function %s is gone", trigger.id, trigger.function)
            return Given(0, tried=False)
        except LoopError:
            return Given(0, id=number)
        if outcome.ended is not Ended.OK:
            return Given(0, outcome=outcome, id=number)
        failed = form.failed(batch, outcome.payload) if trigger.config.partial else len(batch)
        return Given(failed, outcome=outcome, id=number)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + RENEW_US)
            tokens = [lane.token for lanes in self._lanes.values() for lane in lanes]
            if tokens:
                await self._store.run(feed_places.extend, tokens, LEASE_US)


def _follower(scope: str, number: str) -> str:
    return f"{scope}/{number}"


def _plan(trigger: Trigger) -> Plan:
    config = trigger.config
    return Plan(
        _follower(trigger.scope, trigger.id),
        trigger.source,
        config.lanes,
        config.batch_size,
        config.window_seconds,
        config.retries_max,
        config.age_seconds_max,
        config.bisect,
    )


async def create(
    tx: Tx, now_us: int, scope: str, number: str, function: str, feed: str, config: TriggerConfig, qualifier: str
) -> Trigger:
    """Create a trigger; it begins with the oldest entry there is, or with what comes after now (`from_latest`)."""
    trigger = await triggers.create(tx, now_us, scope, number, function, feed, config, qualifier)
    start = await change_feed.last(tx, now_us, feed) if config.from_latest else 0
    await feed_places.arrange(tx, now_us, _follower(scope, number), config.lanes, start)
    return trigger


async def delete(tx: Tx, now_us: int, scope: str, number: str) -> Trigger:
    """Delete a trigger, and forget how far it has come."""
    await feed_places.forget(tx, now_us, _follower(scope, number))
    return await triggers.delete(tx, now_us, scope, number)


async def last_result(tx: Tx, now_us: int, scope: str, number: str) -> str:
    """Return how the last batches of a trigger went: `OK`, `FAILED`, or nothing if there was none."""
    places = await feed_places.places(tx, now_us, _follower(scope, number))
    results = {msgspec.msgpack.decode(place.note, type=Note).result for place in places if place.note}
    return next((result for result in (FAILED, OK) if result in results), "")
