"""Deliveries: what topics, schedules and the like send to targets, carried out by the rules of their couriers.

What is delivered rides on the leased queue, so a crash delays it and loses nothing. A slow address holds up nobody
else: each delivery is a task of its own, and what would be one too many for its address goes back for a while.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.connectors.delivery.couriers import PLAIN, ROUTE, ROUTED, Answer, Dialect, Drawn
from fogbank.connectors.delivery.pacing import Paces
from fogbank.connectors.delivery.posting import Posting
from fogbank.connectors.delivery.scheduled import derived_id
from fogbank.connectors.taking import After, Again, Taker
from fogbank.engines.functions import functions, invocations
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.engines.messaging import messages, publishing, queues, topics
from fogbank.engines.messaging.delivery_model import (
    CALL,
    DELIVERIES,
    HOPS_MAX,
    HTTP,
    LOG,
    MAIL,
    QUEUE,
    SMTP,
    TOPIC,
    split_endpoint,
)
from fogbank.engines.messaging.errors import QueueNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import decode_message
from fogbank.engines.outbox.outbox import OptedOutError
from fogbank.engines.telemetry import entries, groups
from fogbank.engines.telemetry.errors import LogGroupNotFoundError
from fogbank.engines.telemetry.model import LogEntry
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.errors import EngineError
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.connectors.delivery.couriers import Courier, Couriers, Dialects
    from fogbank.connectors.delivery.mailing import Mailer
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx
    from fogbank.storage.leasing.work_queue import Due

    Note = Callable[[Tx, int, Delivery, Answer], Awaitable[None]]

AT_ONCE_MAX: Final = 256
# A fact of a delivery that has waited for its turn.
TURN: Final = "turn"
_log = logging.getLogger(__name__)
_DONE: Final = Answer(200)
_SILENT: Final = Dialect()
_GONE: Final = (QueueNotFoundError, TopicNotFoundError, FunctionNotFoundError, LogGroupNotFoundError)


class NotTakenError(Exception):
    """A target within the store didn't take a delivery; `status` says it in HTTP's words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Deliveries:
    """Carries out queued deliveries."""

    def __init__(
        self,
        parts: tuple[Store, Clock, Ids],
        invoker: Invoker,
        poster: Poster,
        mailer: Mailer,
        couriers: Couriers,
        dialects: Dialects,
    ) -> None:
        self._store, self._clock, self._ids = parts
        self._invoker = invoker
        self._poster = poster
        self._mailer = mailer
        self._paces = Paces(self._clock)
        self._couriers = couriers
        self._dialects = dialects
        self._taker = Taker("deliveries", parts, DELIVERIES, self._carry, _describe, at_once_max=AT_ONCE_MAX)

    def start(self) -> None:
        """Begin."""
        self._taker.start()

    async def close(self) -> None:
        """Stop; what is under way is taken up again by the next start, or by another server when its lease ends."""
        await self._taker.close()
        self._poster.close()

    async def _carry(self, due: Due[Delivery]) -> After | Again[Delivery]:
        courier = self._courier(due.item.courier)
        delivery = due.item
        if courier.prepare is not None:
            prepared = await courier.prepare(delivery, self._clock.now())
            if isinstance(prepared, Answer):
                return await self._failed(due, courier, prepared)
            if isinstance(prepared, float):
                return Again(delivery, prepared)
            delivery = prepared
        if delivery.kind == HTTP:
            waits = self._waits(due.item, delivery.endpoint)
            if waits is not None:
                return waits
            answer = await self._post(courier, delivery)
        elif delivery.kind == CALL:
            answer = await self._call(delivery)
        elif delivery.kind == SMTP:
            answer = await self._mailer.send(delivery)
        else:
            answer = await self._hand_over(due._replace(item=delivery))
            if answer.ok:
                return After.SETTLED
        if courier.accepts(answer):
            return await self._over(due, courier, answer)
        return await self._failed(due, courier, answer)

    async def _over(self, due: Due[Delivery], courier: Courier, answer: Answer) -> After:
        """Have a delivery taken from its queue, with what its courier notes of it."""
        if courier.note is None:
            return After.DONE
        await self._store.run(_note_last, due, courier.note, answer)
        return After.SETTLED

    def _waits(self, delivery: Delivery, address: str) -> Again[Delivery] | None:
        """Return how long a delivery to an HTTP address has to wait for its turn, None if this is it."""
        if delivery.per_second and TURN not in delivery.facts:
            turn_us = self._paces.turn(delivery.subscription, delivery.per_second)
            wait_us = turn_us - self._clock.now()
            if wait_us > 0:
                facts = {**delivery.facts, TURN: str(turn_us)}
                return Again(msgspec.structs.replace(delivery, facts=facts), wait_us / SECOND_US)
        wait_seconds = self._poster.turn(address)
        return Again(delivery, wait_seconds) if wait_seconds else None

    async def _failed(self, due: Due[Delivery], courier: Courier, answer: Answer) -> After | Again[Delivery]:
        delivery = due.item
        retry = delivery.retry or courier.retry
        age_seconds = delivery.age_seconds(self._clock.now())
        delay = None if courier.final(answer) else retry.after(delivery.attempt, age_seconds)
        if delay is not None:
            facts = {**delivery.facts, "error": answer.reason}
            facts.pop(TURN, None)
            again = msgspec.structs.replace(delivery, attempt=delivery.attempt + 1, facts=facts)
            if courier.renew is not None:
                again = courier.renew(again)
            if courier.note is not None:
                await self._store.run(_note, courier.note, delivery, answer)
            return Again(again, delay * (1 + courier.spread * self._ids.jitter(0, 1)))
        told = f"{delivery.endpoint}: given up after {delivery.attempt} attempts: {answer.reason}"
        letter = None
        if courier.letter is not None and delivery.dead_letter:
            letter = Send(courier.letter(delivery, answer, self._drawn()), self._ids.sequence())
        elif courier.given_up is None:
            # Where the outcome is noted, its owner decides what it means.
            _log.log(logging.WARNING if courier.note is None else logging.INFO, "%s", told)
            return await self._over(due, courier, answer)
        problem = await self._store.run(_give_up, due, courier, answer, letter, self._ids.sequence())
        outcome = "" if letter is None else f"; dead letter lost: {problem}" if problem else "; dead letter"
        _log.warning("%s%s", told, outcome)
        return After.SETTLED

    async def _post(self, courier: Courier, delivery: Delivery) -> Answer:
        headers = delivery.headers
        if courier.dress is not None:
            headers = {**headers, **courier.dress(delivery, self._clock.now())}
        posting = Posting(delivery.endpoint, delivery.content, headers, delivery.method, delivery.seconds_max)
        return await self._poster.send(posting)

    async def _call(self, delivery: Delivery) -> Answer:
        """Run a function and wait for its outcome."""
        name, qualifier = read_function(delivery.endpoint)
        invocation = Invocation(self._ids.uuid(), delivery.content, delivery.headers)
        try:
            outcome = await self._invoker.invoke(
                name, invocation, qualifier, self._ids.jitter(0, 1), source=delivery.courier or "trigger"
            )
        except BusyError:
            return Answer(429, "the function is busy")
        except FunctionNotFoundError:
            return Answer(404, f"there is no function {name[1]}")
        if outcome.ended is Ended.OK:
            return Answer(200, body=outcome.payload)
        return Answer(500, f"the function {name[1]} failed", body=outcome.payload)

    async def _hand_over(self, due: Due[Delivery]) -> Answer:
        """Deliver within the store, in the transaction that takes the delivery from its queue."""
        try:
            await self._store.run(self._move, due, self._drawn())
        except NotTakenError as error:
            return Answer(error.status, str(error))
        return _DONE

    async def _move(self, tx: Tx, now_us: int, due: Due[Delivery], drawn: Drawn) -> None:
        if not await DELIVERIES.finish(tx, now_us, due):
            return
        delivery = due.item
        try:
            if delivery.kind == QUEUE:
                await self._to_queue(tx, now_us, delivery, drawn)
            elif delivery.kind == TOPIC:
                await self._to_topic(tx, now_us, delivery, drawn)
            elif delivery.kind == LOG:
                await _to_log(tx, now_us, delivery, drawn)
            elif delivery.kind == MAIL:
                await self._mailer.keep(tx, now_us, delivery, drawn)
            else:
                await self._to_function(tx, now_us, delivery, drawn)
        except _GONE as error:
            raise NotTakenError(404, f"there is no {delivery.kind} {error}") from None
        except OptedOutError as error:
            raise NotTakenError(403, f"phone number {error} is opted out") from None
        note = self._courier(delivery.courier).note
        if note is not None:
            await note(tx, now_us, delivery, _DONE)

    async def _to_queue(self, tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
        queue = await queues.find(tx, now_us, split_endpoint(delivery.endpoint))
        if delivery.courier == ROUTE:
            message = self._dialect(queue.config.dialect).message
            if message is None:
                raise NotTakenError(400, f"queues of {queue.config.dialect} take nothing from other services")
            content = message(delivery, drawn)
        else:
            content = decode_message(delivery.content)
        (outcome,) = await messages.send_to(tx, now_us, queue, [Send(content, drawn.sequence)])
        if isinstance(outcome, EngineError):
            raise NotTakenError(400, type(outcome).__name__)

    async def _to_topic(self, tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
        topic = await topics.find(tx, now_us, split_endpoint(delivery.endpoint))
        if delivery.hops > HOPS_MAX:
            raise NotTakenError(400, f"it came through {HOPS_MAX} topics already: they send to each other in a circle")
        publication = self._dialect(topic.config.dialect).publication
        if publication is None:
            raise NotTakenError(400, f"topics of {topic.config.dialect} take nothing from other services")
        item = publication(delivery, drawn)._replace(hops=delivery.hops)
        (outcome,) = await publishing.publish(tx, now_us, (topic.scope, topic.name), [item], self._ids.sequence)
        if isinstance(outcome, EngineError):
            raise NotTakenError(400, type(outcome).__name__)

    async def _to_function(self, tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
        (scope, name), qualifier = read_function(delivery.endpoint)
        function = await functions.find(tx, now_us, (scope, name))
        content: bytes = delivery.content
        context: dict[str, Any] = dict(delivery.headers)
        if delivery.courier == ROUTE:
            event = self._dialect(function.config.contract).event
            if event is None:
                raise NotTakenError(400, f"functions of {function.config.contract} take nothing from other services")
            content, context = event(delivery, drawn)
        queued = QueuedInvocation(drawn.id, scope, name, content, drawn.now_us, context=context, qualifier=qualifier)
        await invocations.enqueue(tx, now_us, drawn.sequence, queued)

    def _courier(self, name: str) -> Courier:
        if name == ROUTE:
            return ROUTED
        find = self._couriers.get(name.partition(".")[0])
        return PLAIN if find is None else find(name)

    def _dialect(self, name: str) -> Dialect:
        find = self._dialects.get(name)
        return _SILENT if find is None else find()

    def _drawn(self) -> Drawn:
        return Drawn(self._ids.uuid(), self._ids.sequence(), self._clock.now())


def _describe(delivery: Delivery) -> str:
    return f"{delivery.kind} {delivery.endpoint}"


def read_function(endpoint: str) -> tuple[Name, str]:
    """Return name and qualifier of a function from the endpoint of a delivery."""
    scope, function = split_endpoint(endpoint)
    name, _, qualifier = function.partition(":")
    return (scope, name), qualifier


async def _to_log(tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
    """Write the content into a stream that the subscription has of its own."""
    group = split_endpoint(delivery.endpoint)
    await groups.find(tx, now_us, group)
    entry = LogEntry(drawn.sequence, drawn.now_us, delivery.content.decode())
    await entries.append(tx, now_us, group, derived_id(delivery.subscription), [entry], create=True)


async def _note(tx: Tx, now_us: int, note: Note, delivery: Delivery, answer: Answer) -> None:
    await note(tx, now_us, delivery, answer)


async def _note_last(tx: Tx, now_us: int, due: Due[Delivery], note: Note, answer: Answer) -> None:
    if await DELIVERIES.finish(tx, now_us, due):
        await note(tx, now_us, due.item, answer)


async def _give_up(
    tx: Tx, now_us: int, due: Due[Delivery], courier: Courier, answer: Answer, letter: Send | None, number: int
) -> str:
    """End a delivery, with a dead letter in its place if there is one; returns what was in the letter's way."""
    if not await DELIVERIES.finish(tx, now_us, due):
        return ""
    if courier.given_up is not None:
        await courier.given_up(tx, now_us, due.item, answer, number)
    if letter is None:
        if courier.note is not None:
            await courier.note(tx, now_us, due.item, answer)
        return ""
    try:
        queue = await queues.find(tx, now_us, split_endpoint(due.item.dead_letter))
    except QueueNotFoundError as error:
        return f"there is no queue {error}"
    (outcome,) = await messages.send_to(tx, now_us, queue, [letter])
    return type(outcome).__name__ if isinstance(outcome, EngineError) else ""
