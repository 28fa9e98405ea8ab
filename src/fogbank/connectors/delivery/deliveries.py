"""Deliveries: what topics, schedules and the like send to targets, carried out by the rules of their couriers.

What is delivered rides on the leased queue, so a crash delays it and loses nothing. A slow address holds up nobody
else: each delivery is a task of its own, and what would be one too many for its address goes back for a while.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.connectors.delivery.carrying import NotTakenError
from fogbank.connectors.delivery.couriers import Answer, Drawn
from fogbank.connectors.delivery.pacing import Paces
from fogbank.connectors.taking import After, Again, Taker
from fogbank.engines.messaging import messages, queues
from fogbank.engines.messaging.delivery_model import CALL, DELIVERIES, HTTP, SMTP, split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.messages import Send
from fogbank.kernel.clock import SECOND_US
from fogbank.kernel.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fogbank.connectors.delivery.carrying import Carrier
    from fogbank.connectors.delivery.couriers import Courier
    from fogbank.connectors.delivery.mailing import Mailer
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.engines.messaging.delivery_model import Delivery
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


class Deliveries:
    """Carries out queued deliveries."""

    def __init__(self, parts: tuple[Store, Clock, Ids], carrier: Carrier, poster: Poster, mailer: Mailer) -> None:
        self._store, self._clock, self._ids = parts
        self._carrier = carrier
        self._poster = poster
        self._mailer = mailer
        self._paces = Paces(self._clock)
        self._taker = Taker("deliveries", parts, DELIVERIES, self._carry, _describe, at_once_max=AT_ONCE_MAX)

    def start(self) -> None:
        """Begin."""
        self._taker.start()

    async def close(self) -> None:
        """Stop; what is under way is taken up again by the next start, or by another server when its lease ends."""
        await self._taker.close()
        self._poster.close()

    async def _carry(self, due: Due[Delivery]) -> After | Again[Delivery]:
        courier = self._carrier.courier(due.item.courier)
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
            answer = await self._carrier.post(courier, delivery)
        elif delivery.kind == CALL:
            answer = await self._carrier.call(delivery)
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
        wait_seconds = self._carrier.turn(address)
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
            letter = Send(courier.letter(delivery, answer, self._carrier.drawn()), self._ids.sequence())
        elif courier.given_up is None:
            # Where the outcome is noted, its owner decides what it means.
            _log.log(logging.WARNING if courier.note is None else logging.INFO, "%s", told)
            return await self._over(due, courier, answer)
        problem = await self._store.run(_give_up, due, courier, answer, letter, self._ids.sequence())
        outcome = "" if letter is None else f"; dead letter lost: {problem}" if problem else "; dead letter"
        _log.warning("%s%s", told, outcome)
        return After.SETTLED

    async def _hand_over(self, due: Due[Delivery]) -> Answer:
        """Deliver within the store, in the transaction that takes the delivery from its queue."""
        try:
            await self._store.run(self._move, due, self._carrier.drawn())
        except NotTakenError as error:
            return Answer(error.status, str(error))
        return _DONE

    async def _move(self, tx: Tx, now_us: int, due: Due[Delivery], drawn: Drawn) -> None:
        if not await DELIVERIES.finish(tx, now_us, due):
            return
        delivery = due.item
        await self._carrier.put(tx, now_us, delivery, drawn)
        note = self._carrier.courier(delivery.courier).note
        if note is not None:
            await note(tx, now_us, delivery, _DONE)


def _describe(delivery: Delivery) -> str:
    return f"{delivery.kind} {delivery.endpoint}"


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
