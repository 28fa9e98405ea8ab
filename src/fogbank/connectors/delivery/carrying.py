"""Getting a delivery to its target, once: posted, called, or put there within the store.

What becomes of one that didn't get there is for whoever has it carried: `deliveries.py` tries again by a policy,
pipes leave the messages that it stands for in their queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.connectors.delivery.couriers import PLAIN, ROUTE, ROUTED, Answer, Dialect, Drawn
from fogbank.connectors.delivery.posting import Posting
from fogbank.connectors.delivery.scheduled import derived_id
from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions import functions, invocations
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.engines.messaging import messages, publishing, queues, topics
from fogbank.engines.messaging.delivery_model import HOPS_MAX, LOG, MAIL, QUEUE, TOPIC, split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import decode_message
from fogbank.engines.outbox.outbox import OptedOutError
from fogbank.engines.telemetry import entries, groups
from fogbank.engines.telemetry.errors import LogGroupNotFoundError
from fogbank.engines.telemetry.model import LogEntry
from fogbank.kernel.errors import EngineError
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Courier, Couriers, Dialects
    from fogbank.connectors.delivery.mailing import Mailer
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

# Facts of a delivery to a log group: the stream, and the entry's time in microseconds since the epoch.
STREAM: Final = "stream"
ENTRY_US: Final = "entry_us"
_SILENT: Final = Dialect()
_GONE: Final = (QueueNotFoundError, TopicNotFoundError, FunctionNotFoundError, LogGroupNotFoundError)


class NotTakenError(Exception):
    """A target within the store didn't take a delivery; `status` says it in HTTP's words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Carrier:
    """Carries deliveries, each by the rules of its courier."""

    def __init__(
        self,
        parts: tuple[Store, Clock, Ids],
        invoker: Invoker,
        poster: Poster,
        mailer: Mailer,
        couriers: Couriers,
        dialects: Dialects,
    ) -> None:
        _store, self._clock, self._ids = parts
        self._invoker = invoker
        self._poster = poster
        self._mailer = mailer
        self._couriers = couriers
        self._dialects = dialects

    def courier(self, name: str) -> Courier:
        """Return the rules that a delivery names."""
        if name == ROUTE:
            return ROUTED
        find = self._couriers.get(name.partition(".")[0])
        return PLAIN if find is None else find(name)

    def drawn(self) -> Drawn:
        """Draw what a dialect needs to make a message."""
        return Drawn(self._ids.uuid(), self._ids.sequence(), self._clock.now())

    def turn(self, url: str) -> float:
        """Return 0 if a request to an address may begin now, else in how many seconds to ask again."""
        return self._poster.turn(url)

    async def post(self, courier: Courier, delivery: Delivery) -> Answer:
        """Send the request of a delivery that is prepared, and return what was answered."""
        headers = delivery.headers
        if courier.dress is not None:
            headers = {**headers, **courier.dress(delivery, self._clock.now())}
        posting = Posting(delivery.endpoint, delivery.content, headers, delivery.method, delivery.seconds_max)
        return await self._poster.send(posting)

    async def call(self, delivery: Delivery) -> Answer:
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
        except LoopError:
            return Answer(400, f"the function {name[1]} is in a loop")
        if outcome.ended is Ended.OK:
            return Answer(200, body=outcome.payload)
        return Answer(500, f"the function {name[1]} failed", body=outcome.payload)

    async def put(self, tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
        """Deliver within the store: part of an operation. Raises `NotTakenError`."""
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

    def _dialect(self, name: str) -> Dialect:
        find = self._dialects.get(name)
        return _SILENT if find is None else find()


def read_function(endpoint: str) -> tuple[Name, str]:
    """Return name and qualifier of a function from the endpoint of a delivery."""
    scope, function = split_endpoint(endpoint)
    name, _, qualifier = function.partition(":")
    return (scope, name), qualifier


async def _to_log(tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
    """Write the content into the stream that is named, or one that the subscription has of its own."""
    group = split_endpoint(delivery.endpoint)
    await groups.find(tx, now_us, group)
    entry = LogEntry(drawn.sequence, int(delivery.facts.get(ENTRY_US, drawn.now_us)), delivery.content.decode())
    stream = delivery.facts.get(STREAM) or derived_id(delivery.subscription)
    await entries.append(tx, now_us, group, stream, [entry], create=True)
