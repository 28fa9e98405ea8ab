"""Handing on what a pipe has taken from its source: asking who enriches it, sending what is made of it.

What takes events (queues in `pipes.py`, change feeds in `feed_pipes.py`) says what becomes of those that fail.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.engines.messaging.delivery_model import CALL, HTTP
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.connectors.delivery.carrying import Carrier
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.connectors.piping.lanes import Form
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.kernel.clock import Clock
    from fogbank.storage import Store, Tx

# How long to wait before asking a function again that is busy.
BUSY_SECONDS: Final = 1.0
_ERROR: Final = "error"


class FailedError(Exception):
    """A batch, or a part of it, isn't handed on: says why."""


class BusyTargetError(FailedError):
    """Whoever was asked had no time until it was too late."""


class Taken(NamedTuple):
    """An event that a pipe has taken: what names it among its source's, its record, the message if it is one."""

    id: str
    record: dict[str, Any]
    received: Received | None = None


class Consignment(NamedTuple):
    """What a target gets for some events of a batch, which are done with when it took all of that.

    Either one delivery to a function that is called or an address, or several within the store. With a `problem`
    nothing could be made of the events, and they fail.
    """

    deliveries: list[Delivery]
    taken: list[Taken]
    problem: str = ""


class PipeForm(NamedTuple):
    """How a dialect's pipes treat events.

    `taken` makes an event of a message, `feed` is a store operation that says how entries of a change feed are read
    (None if that is gone), whose records are events in JSON, and `entry_id` names one of those. `wanted` picks the
    messages that are handed on. `enrichment` says who is asked to enrich a batch, if anybody is; `consignments` makes
    what the target gets, of the answer to that if there is one. `dealt` picks the events that a function or address has
    dealt with, by what it answered. The makers may raise `FailedError`; one is told the time, the other draws what it
    needs.
    """

    taken: Callable[[Queue, Received], Taken]
    feed: Callable[[Tx, int, Pipe], Coroutine[Any, Any, Form | None]]
    entry_id: Callable[[dict[str, Any]], str]
    wanted: Callable[[Pipe, Taken], bool]
    enrichment: Callable[[Pipe, list[Taken], int], Delivery | None]
    consignments: Callable[[Pipe, list[Taken], Answer | None, Callable[[], Drawn]], list[Consignment]]
    dealt: Callable[[Pipe, list[Taken], Answer], list[Taken]]


def within_store(consignment: Consignment) -> bool:
    """Whether a consignment is put where it is to go by a transaction of the store."""
    return not consignment.problem and all(each.kind not in (CALL, HTTP) for each in consignment.deliveries)


class Handing:
    """Hands on what one pipe has taken."""

    def __init__(self, pipe: Pipe, form: PipeForm, store: Store, clock: Clock, carrier: Carrier) -> None:
        self.pipe = pipe
        self.form = form
        self.store = store
        self.clock = clock
        self.carrier = carrier

    async def consignments(self, batch: list[Taken], until_us: int) -> list[Consignment]:
        """Return what the target gets of a batch, enriched if the pipe says so; raises `FailedError`."""
        enriched = None
        asked = self.form.enrichment(self.pipe, batch, self.clock.now())
        if asked is not None:
            enriched = await self.ask(asked, until_us)
        return self.form.consignments(self.pipe, batch, enriched, self.carrier.drawn)

    async def send(self, consignment: Consignment, until_us: int) -> list[Taken]:
        """Call a function or post to an address; returns the events that were dealt with. Raises `FailedError`."""
        (delivery,) = consignment.deliveries
        return self.form.dealt(self.pipe, consignment.taken, await self.ask(delivery, until_us))

    def drawn(self, consignment: Consignment) -> list[tuple[Delivery, Drawn]]:
        """Return deliveries within the store with what each needs to be put."""
        return [(delivery, self.carrier.drawn()) for delivery in consignment.deliveries]

    async def ask(self, delivery: Delivery, until_us: int) -> Answer:
        """Have a function called or a request posted, and return the answer; raises `FailedError`.

        Whoever is busy is waited for until `until_us`. An answer of 401 has the request put together once more, with
        fresh credentials.
        """
        courier = self.carrier.courier(delivery.courier)
        while True:
            tried = await self._try(delivery)
            if isinstance(tried, float):
                if self.clock.now() + int(tried * SECOND_US) >= until_us:
                    msg = f"{delivery.endpoint}: busy until the lease ended"
                    raise BusyTargetError(msg)
                await self.clock.sleep(tried)
            elif courier.accepts(tried):
                return tried
            elif tried.status == HTTPStatus.UNAUTHORIZED and _ERROR not in delivery.facts:
                delivery = msgspec.structs.replace(delivery, facts={**delivery.facts, _ERROR: tried.reason})
            else:
                msg = f"{delivery.endpoint}: {tried.reason}"
                raise FailedError(msg)

    async def _try(self, delivery: Delivery) -> Answer | float:
        """Return an answer, or in how many seconds to try again."""
        courier = self.carrier.courier(delivery.courier)
        if courier.prepare is not None:
            prepared = await courier.prepare(delivery, self.clock.now())
            if not isinstance(prepared, msgspec.Struct):
                return prepared
            delivery = prepared
        if delivery.kind == CALL:
            answer = await self.carrier.call(delivery)
            return BUSY_SECONDS if answer.status == HTTPStatus.TOO_MANY_REQUESTS else answer
        wait_seconds = self.carrier.turn(delivery.endpoint)
        return float(wait_seconds) if wait_seconds else await self.carrier.post(courier, delivery)
