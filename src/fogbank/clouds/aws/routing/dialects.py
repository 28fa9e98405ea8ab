"""What SNS, SQS and Lambda make of a CloudEvent (CNCF, "CloudEvents", version 1.0) that comes from another service.

SQS gets it as the message's body, SNS publishes it as the message, Lambda gets it as the event: as JSON each time
(CloudEvents, "JSON Event Format"). What is ordered goes by the event's source and id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.arns import Arn, invoked_as
from fogbank.clouds.aws.sns.envelopes import Published
from fogbank.clouds.aws.sns.service import FIFO_SUFFIX, topic_arn
from fogbank.clouds.aws.sqs.content import SENDER
from fogbank.connectors.delivery.couriers import ROUTE, Dialect
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.messaging.model import Attribute, Message
from fogbank.engines.messaging.publishing import Publication

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.messaging.delivery_model import Delivery

GROUP_CHARS_MAX: Final = 128
SUBJECT_CHARS_MAX: Final = 100
# A message attribute says what the body is, so that filter policies and consumers can tell.
_TYPE: Final = {"contentType": Attribute("String", b"application/cloudevents+json")}


def sqs() -> Dialect:
    """Return how SQS's queues take what other services send."""

    def message(delivery: Delivery, drawn: Drawn) -> Message:
        scope, name = split_endpoint(delivery.endpoint)
        group, dedup = _ordering(delivery, name)
        return Message(drawn.id, delivery.content, dict(_TYPE), group, dedup, {SENDER: scope.split("/")[1]})

    return Dialect(message=message)


def sns(origin: Callable[[], str]) -> Dialect:
    """Return how SNS's topics take what other services send: a CloudEvent, or a text as it is.

    `origin` is where the server is.
    """

    def publication(delivery: Delivery, drawn: Drawn) -> Publication:
        scope, name = split_endpoint(delivery.endpoint)
        facts = delivery.facts
        subject, group, dedup = facts.get("subject"), facts.get("group", ""), ""
        attributes: dict[str, Attribute] = {}
        if delivery.courier == ROUTE:
            subject, attributes = _subject(msgspec.json.decode(delivery.content)), _TYPE
            group, dedup = _ordering(delivery, name)
        published = Published(
            drawn.id,
            topic_arn(scope, name),
            {"default": delivery.content.decode()},
            subject,
            attributes,
            facts.get("origin") or origin(),
            scope.split("/")[1],
            drawn.now_us,
            drawn.sequence if name.endswith(FIFO_SUFFIX) else None,
        )
        message = Message(drawn.id, delivery.content, {}, group, dedup)
        return Publication(message, drawn.sequence, published.render, published.as_cloud_event, delivery.hops)

    return Dialect(publication=publication)


def lambda_() -> Dialect:
    """Return how Lambda's functions take what other services send."""

    def event(delivery: Delivery, _drawn: Drawn) -> tuple[bytes, dict[str, Any]]:
        scope, name = split_endpoint(delivery.endpoint)
        if ":" not in name:
            return delivery.content, {}
        _realm, account, region = scope.split("/")
        return delivery.content, invoked_as(Arn("aws", "lambda", region, account, f"function:{name}"))

    return Dialect(event=event)


def _ordering(delivery: Delivery, name: str) -> tuple[str, str]:
    """Return the group and deduplication id for something ordered, nothing for others."""
    if not name.endswith(FIFO_SUFFIX):
        return "", ""
    event = msgspec.json.decode(delivery.content)
    return _key(event.get("source")), _key(event.get("id"))


def _key(value: Any) -> str:
    """Return a text as group ids and deduplication ids may be."""
    text = "".join(each for each in str(value or "") if "!" <= each <= "~")
    return text[-GROUP_CHARS_MAX:] or "route"


def _subject(event: Any) -> str | None:
    subject = event.get("subject") if isinstance(event, dict) else None
    if isinstance(subject, str) and 0 < len(subject) <= SUBJECT_CHARS_MAX:
        return subject if subject.isprintable() and subject.isascii() else None
    return None
