"""What each kind of target gets of an event, as a delivery.

Amazon EventBridge User Guide, "Amazon EventBridge Pipes targets", "EventBridge Pipes target specifics":
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.arns import invoked_as, parse_arn
from fogbank.clouds.aws.events.couriers import API_COURIER
from fogbank.clouds.aws.events.rendering import make_fields
from fogbank.clouds.aws.events.targets import API_SECONDS_MAX
from fogbank.clouds.aws.lambda_.recursion import context_of
from fogbank.clouds.aws.pipes.places import BUS
from fogbank.clouds.aws.pipes.service import pipe_arn
from fogbank.clouds.aws.pipes.settings import ForBus, ForLogs, ForQueue
from fogbank.clouds.aws.pipes.templates import dynamic
from fogbank.clouds.aws.sqs.content import SENDER, TRACE
from fogbank.connectors.delivery.carrying import ENTRY_US, STREAM
from fogbank.connectors.piping.handing import FailedError
from fogbank.engines.messaging.delivery_model import HTTP, LOG, QUEUE, TOPIC, Delivery
from fogbank.engines.messaging.model import Message, encode_message
from fogbank.kernel.clock import MILLISECOND_US, SECOND_US

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.aws.events.rendering import ForHttp
    from fogbank.clouds.aws.pipes.places import Place
    from fogbank.clouds.aws.pipes.settings import Kept
    from fogbank.clouds.aws.pipes.templates import Item
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.connectors.piping.handing import Taken
    from fogbank.engines.messaging.pipes import Pipe

COURIER: Final = "pipes"


class Sender:
    """Makes the deliveries of one pipe to a target that gets each event by itself.

    Raises `FailedError` for an event that the target can't get, or without what a parameter's path leads to.
    """

    def __init__(self, pipe: Pipe, kept: Kept, place: Place) -> None:
        self._pipe = pipe
        self._parameters = kept.target_parameters
        self._place = place

    def send(self, item: Item, text: str, taken: Sequence[Taken], drawn: Drawn) -> Delivery:
        """Return the delivery of an event, whose text is what the pipe's template made of it."""
        kind = TOPIC if self._place.kind == BUS else self._place.kind
        content = text.encode()
        facts: dict[str, str] = {}
        seconds_max: float = 15
        if kind == QUEUE:
            content = self._message(item, content, taken, drawn)
        elif self._place.kind == BUS:
            content = self._event(item, text, taken[0].record["eventSource"], drawn)
        elif kind == LOG:
            facts = self._entry(item)
        elif kind == HTTP:
            facts, seconds_max = http_facts(self._parameters.HttpParameters, item), API_SECONDS_MAX
        return Delivery(
            kind,
            self._place.endpoint,
            content,
            # What is sent again is a delivery of its own.
            subscription=f"{pipe_arn(self._pipe)}/{taken[0].id}" if kind == HTTP else pipe_arn(self._pipe),
            courier=API_COURIER if kind == HTTP else COURIER,
            first_us=drawn.now_us,
            facts=facts,
            seconds_max=seconds_max,
        )

    def _message(self, item: Item, content: bytes, taken: Sequence[Taken], drawn: Drawn) -> bytes:
        given = self._parameters.SqsQueueParameters or ForQueue()
        system = {SENDER: "pipes.amazonaws.com"}
        trace = traces_of(taken)
        if trace:
            system[TRACE] = next(iter(trace.values()))
        group = dynamic(given.MessageGroupId or "", item)
        dedup = dynamic(given.MessageDeduplicationId or "", item)
        return encode_message(Message(drawn.id, content, {}, group, dedup, system))

    def _event(self, item: Item, text: str, source_name: str, drawn: Drawn) -> bytes:
        given = self._parameters.EventBridgeEventBusParameters or ForBus()
        try:
            detail: Any = msgspec.json.decode(text)
        except msgspec.DecodeError:
            detail = None
        if not isinstance(detail, dict):
            msg = "the detail of an event must be an object in JSON"
            raise FailedError(msg)
        at_us = drawn.now_us
        if given.Time:
            at_us = _moment(dynamic(given.Time, item))
        source = dynamic(given.Source or f"Pipe {self._pipe.name}", item)
        kind = dynamic(given.DetailType or f"Event from {source_name}", item)
        resources = [dynamic(each, item) for each in given.Resources or ()]
        fields = make_fields(drawn.id, self._pipe.scope, source, kind, at_us, resources, detail)
        return msgspec.json.encode(fields)

    def _entry(self, item: Item) -> dict[str, str]:
        given = self._parameters.CloudWatchLogsParameters or ForLogs()
        facts = {}
        if given.LogStreamName:
            facts[STREAM] = dynamic(given.LogStreamName, item)
        if given.Timestamp:
            facts[ENTRY_US] = str(_milliseconds(dynamic(given.Timestamp, item)) * MILLISECOND_US)
        return facts


def traces_of(taken: Sequence[Taken]) -> dict[str, str]:
    """Return the context that a batch brings along: of messages only."""
    return context_of([each.received for each in taken if each.received is not None])


def http_facts(given: ForHttp | None, item: Item) -> dict[str, str]:
    """Return the facts by which an API destination's request is put together."""
    if given is None:
        return {}
    resolved = msgspec.structs.replace(
        given,
        PathParameterValues=[dynamic(each, item) for each in given.PathParameterValues],
        HeaderParameters={name: dynamic(value, item) for name, value in given.HeaderParameters.items()},
        QueryStringParameters={name: dynamic(value, item) for name, value in given.QueryStringParameters.items()},
    )
    return {"http": msgspec.json.encode(resolved).decode()}


def function_context(text: str) -> dict[str, str]:
    """Return how a function knows the version or alias that it was invoked as, by its ARN."""
    arn = parse_arn(text)
    return invoked_as(arn) if arn is not None and arn.resource.count(":") > 1 else {}


def _moment(text: str) -> int:
    """Return a time of RFC 3339 in microseconds since the epoch."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text} is not a time of RFC 3339"
        raise FailedError(msg) from None
    return int((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() * SECOND_US)


def _milliseconds(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        msg = f"{text} is not a number of milliseconds"
        raise FailedError(msg) from None
