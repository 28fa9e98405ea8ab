"""What each subscription gets of the events that were published together.

Webhooks get arrays of events, as many together as they ask for, of those that were published together: Event Grid
waits for no others. Functions get one at a time, storage queues one in a message, in base64.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.eventgrid.model import prepared_of
from fogbank.clouds.azure.eventgrid.schemas import (
    CLOUD_EVENT,
    CLOUD_EVENT_BATCH,
    CLOUD_EVENTS,
    as_cloud_event,
    as_event_grid_event,
)
from fogbank.clouds.azure.queues.messages import LIVES_SECONDS, new_message_at
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging import topics as engine
from fogbank.engines.messaging.delivery_model import CALL, QUEUE
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.engines.messaging.topic_model import Rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fogbank.clouds.azure.eventgrid.model import Terms
    from fogbank.engines.messaging.topic_model import Render, Subscription, Topic
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

KIB: Final = 1_024
_encode = msgspec.json.encode


def publications(ids: Ids, now_us: int, events: Sequence[dict[str, Any]]) -> list[Publication]:
    """Return what is published for events that came together."""
    batch = Batch(now_us, events)
    made = []
    for place, event in enumerate(events):
        sequence = ids.sequence()
        message = Message(str(event["id"]), _encode(event))
        made.append(Publication(message, sequence, batch.render(place, sequence), _event))
    return made


def publication_of(event: dict[str, Any], sequence: int, now_us: int) -> Publication:
    """Return what is published for one event."""
    message = Message(str(event["id"]), _encode(event))
    return Publication(message, sequence, Batch(now_us, [event]).render(0, sequence), _event)


def _event(_topic: Topic, message: Message) -> bytes:
    return _encode(as_cloud_event(msgspec.json.decode(message.body)))


async def publish_to_all(
    tx: Tx, now_us: int, scope: str, batches: Mapping[str, list[Publication]], draw: Callable[[], int]
) -> None:
    """Publish to several topics of a scope; one that nobody has subscribed to yet may not be there."""
    for name, items in batches.items():
        try:
            topic = await engine.find(tx, now_us, (scope, name))
        except TopicNotFoundError:
            continue
        await publishing.publish_to(tx, now_us, topic, items, draw)


class Batch:
    """Events that were published together; which go to a subscription in which request is worked out once."""

    def __init__(self, now_us: int, events: Sequence[dict[str, Any]]) -> None:
        self._now_us = now_us
        self._events = events
        self._chunks: dict[str, dict[int, list[bytes]]] = {}

    def render(self, place: int, sequence: int) -> Render:
        """Return what makes of one of the events what a subscription gets with it, or instead of it."""
        return lambda subscription, _message: self._render(place, sequence, subscription)

    def _render(self, place: int, sequence: int, subscription: Subscription) -> Rendered | None:
        terms, passes = prepared_of(subscription)
        event = self._events[place]
        if terms.expires_us and terms.expires_us <= self._now_us:
            return None
        if subscription.kind == QUEUE or subscription.kind == CALL or terms.batch_max == 1:
            return self._single(sequence, subscription, terms)(event) if passes(event) else None
        if subscription.id not in self._chunks:
            found = [(number, each) for number, each in enumerate(self._events) if passes(each)]
            self._chunks[subscription.id] = chunks(found, terms)
        chunk = self._chunks[subscription.id].get(place)
        if chunk is None:
            return None
        return Rendered(content=b"[%b]" % b",".join(chunk), headers=headers_of(subscription, terms, event, batch=True))

    def _single(self, sequence: int, subscription: Subscription, terms: Terms) -> Any:
        def made(event: dict[str, Any]) -> Rendered:
            content = _encode(delivered(event, terms))
            if terms.pull:
                return Rendered(Message(str(event["id"]), content), lives_seconds=terms.lives_seconds)
            if subscription.kind == QUEUE:
                lives = terms.lives_seconds or LIVES_SECONDS
                lives_seconds = max(lives, 0)
                body = b64encode(content)
                message = new_message_at(sequence, body, self._now_us, lives_seconds)
                return Rendered(message, lives_seconds=lives_seconds)
            if subscription.kind == CALL:
                reason = f"EventGrid trigger fired at {event.get('eventTime', event.get('time', ''))}"
                return Rendered(content=content, headers={"function": terms.function, "reason": reason})
            headers = headers_of(subscription, terms, event, batch=False)
            return Rendered(content=content if terms.schema == CLOUD_EVENTS else b"[%b]" % content, headers=headers)

        return made


def chunks(found: Sequence[tuple[int, dict[str, Any]]], terms: Terms) -> dict[int, list[bytes]]:
    """Return which events go together, as JSON, each chunk under the place of its first event."""
    made: dict[int, list[bytes]] = {}
    current: list[bytes] = []
    size = 0
    for place, event in found:
        content = _encode(delivered(event, terms))
        if not current or len(current) >= terms.batch_max or size + len(content) > terms.batch_kib * KIB:
            current = made[place] = []
            size = 0
        current.append(content)
        size += len(content)
    return made


def delivered(event: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """Return an event in the schema that a subscription wants."""
    return as_cloud_event(event) if terms.schema == CLOUD_EVENTS else as_event_grid_event(event)


def headers_of(subscription: Subscription, terms: Terms, event: dict[str, Any], *, batch: bool) -> dict[str, str]:
    """Return the headers of a request to a webhook, those of its delivery attribute mappings included."""
    cloud = terms.schema == CLOUD_EVENTS
    kind = (CLOUD_EVENT_BATCH if batch else CLOUD_EVENT) if cloud else "application/json"
    headers = {
        "Content-Type": f"{kind}; charset=utf-8",
        "aeg-subscription-name": subscription.config.labels["name"].upper(),
        "aeg-event-type": "Notification",
    }
    if not cloud:
        headers["aeg-data-version"] = str(event.get("dataVersion", ""))
        headers["aeg-metadata-version"] = "1"
    for mapping in terms.headers:
        value = mapping.get("value")
        if mapping.get("field"):
            value = _field(event, str(mapping["field"]))
        if value is not None:
            headers[str(mapping["name"])] = str(value)
    return headers


def _field(event: Any, path: str) -> str | None:
    for key in path.split("."):
        event = event.get(key) if isinstance(event, dict) else None
    if event is None or isinstance(event, str):
        return event
    return _encode(event).decode()
