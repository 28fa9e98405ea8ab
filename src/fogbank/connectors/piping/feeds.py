"""Functions triggered by change feeds, or by what has changed in a collection: batches of entries in order (`lanes`).

AWS Lambda Developer Guide, "Process DynamoDB records with Lambda": https://docs.aws.amazon.com/lambda/latest/dg/
with-ddb.html, and "Retain discarded records for a DynamoDB event source in Lambda": https://docs.aws.amazon.com/lambda/
latest/dg/services-dynamodb-errors.html. A function that is busy, or gone, is asked again, which isn't counted.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from fogbank.connectors.invoker import LoopError
from fogbank.connectors.piping.followers import Follow, Followers
from fogbank.connectors.piping.following import Follower
from fogbank.connectors.piping.lanes import (
    FAILED,
    OK,
    PAUSE_SECONDS,
    PAUSE_SECONDS_MAX,
    Form,
    Given,
    Note,
    Plan,
)
from fogbank.connectors.piping.sources import FeedSource
from fogbank.engines.documents import collections
from fogbank.engines.functions import triggers
from fogbank.engines.functions.errors import FunctionNotFoundError, TriggerNotFoundError
from fogbank.engines.functions.triggers import FEED, TriggerChange
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.tasks import Supervisor
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.storage import change_feed, feed_places

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.piping.lanes import Handed
    from fogbank.connectors.piping.sources import Source
    from fogbank.engines.functions.model import Trigger, TriggerConfig
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

KIND: Final = "feed"
# Of what has changed in a collection, by versions.
LATEST: Final = "latest"
# How long it takes at most until it is seen that what wasn't ready is.
LOOK_US: Final = 10 * SECOND_US
_log = logging.getLogger(__name__)


class FunctionForm(Form, Protocol):
    """How a dialect hands the entries of one feed to functions."""

    def event(self, batch: list[Handed]) -> bytes:
        """Return the event of a batch."""

    def failed(self, batch: list[Handed], response: bytes) -> int:
        """Return which entry of a batch is the first that failed, by what a function answered that says so."""


class Feeding(NamedTuple):
    """How what a trigger follows is handed on; `follower` names the places where they aren't the trigger's own."""

    form: FunctionForm
    source: Source
    follower: str = ""


class NotReadyError(Exception):
    """What a trigger follows, or what it needs for that, isn't there yet; the message says what."""


FeedFormat: TypeAlias = "Callable[[Tx, int, Trigger], Coroutine[Any, Any, Feeding | None]]"
"""A store operation that returns how a trigger's feed is handed on; None if the feed is gone.

Of triggers of kind `latest` it may write, to make ready what they need, or raise `NotReadyError`.
"""


class FeedTriggers:
    """Runs the triggers of the kinds `feed` and `latest`; follows their changes on every node."""

    def __init__(
        self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, formats: Mapping[str, FeedFormat]
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._formats = formats
        self._tasks = Supervisor("feeds")
        self._changes = Follower((store, clock, self._tasks), FEED, self._begin, self._apply)
        self._followers: Followers[tuple[str, str]] = Followers((store, clock, ids, self._tasks))

    def start(self) -> None:
        """Begin, or begin anew after a reset."""
        self._changes.start()

    async def close(self) -> None:
        """Stop; what is worked on is handed on again by the next start, or by another server."""
        await self._tasks.close()
        await self._followers.release()

    def reset(self) -> None:
        """Stop every trigger: they are about to be deleted."""
        self._followers.reset()

    async def _begin(self) -> None:
        self.reset()
        for trigger in await self._store.read(triggers.all_triggers):
            self._restart(trigger)

    async def _apply(self, payload: bytes) -> None:
        change = msgspec.msgpack.decode(payload, type=TriggerChange)
        try:
            self._restart(await self._store.read(triggers.find, change.scope, change.id))
        except TriggerNotFoundError:
            self._followers.cancel((change.scope, change.id))

    def _restart(self, trigger: Trigger) -> None:
        key = (trigger.scope, trigger.id)
        if trigger.config.enabled and trigger.config.kind in (KIND, LATEST):
            self._followers.restart(key, f"{trigger.source} to {trigger.function}", partial(self._find, trigger))
        else:
            self._followers.cancel(key)

    async def _find(self, trigger: Trigger) -> Follow | None:
        """Return how a trigger's feed is followed; None if it is gone."""
        feeding = await self._ready(trigger)
        if feeding is None:
            _log.warning("trigger %s: the feed %s is gone", trigger.id, trigger.source)
            return None
        return Follow(_plan(trigger, feeding), feeding.form, partial(self._hand, trigger, feeding.form))

    async def _ready(self, trigger: Trigger) -> Feeding | None:
        """Wait until a trigger has what it needs."""
        form = self._formats[trigger.config.format]
        if trigger.config.kind == KIND:
            return await self._store.read(form, trigger)
        known = ""
        with self._store.signals.listen(collections.CREATED) as listener:
            while True:
                try:
                    return await self._store.run(form, trigger)
                except NotReadyError as error:
                    if str(error) != known:
                        known = str(error)
                        _log.warning("trigger %s: %s", trigger.id, known)
                await listener.wait(self._clock.now() + LOOK_US, upkeep=True)

    async def _hand(self, trigger: Trigger, form: FunctionForm, batch: list[Handed], tries: int) -> Given:
        """Invoke a function with a batch."""
        number = self._ids.uuid()
        context: Mapping[str, Any] = trigger.config.context
        if trigger.config.pause_seconds:
            # Whoever says how it is to be tried again is told how often it was.
            context = {**context, "tries": tries}
        invocation = Invocation(number, form.event(batch), context)
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


def _follower(scope: str, number: str) -> str:
    return f"{scope}/{number}"


def _plan(trigger: Trigger, feeding: Feeding) -> Plan:
    config = trigger.config
    return Plan(
        feeding.follower or _follower(trigger.scope, trigger.id),
        feeding.source,
        config.lanes,
        config.batch_size,
        config.window_seconds,
        config.retries_max,
        config.age_seconds_max,
        config.bisect,
        config.pause_seconds or PAUSE_SECONDS,
        config.pause_seconds_max or PAUSE_SECONDS_MAX,
    )


def on_feed(form: FunctionForm | None, feed: str) -> Feeding | None:
    """Return how a change feed is handed on in a form; None if there is none."""
    return None if form is None else Feeding(form, FeedSource(feed))


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
