"""What topics publish of what other services deliver to them: its text, as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.sns.envelopes import Published
from fogbank.clouds.aws.sns.service import topic_arn
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.messaging.model import Message
from fogbank.engines.messaging.publishing import Publication

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.messaging.delivery_model import Delivery


def to_topic(delivery: Delivery, drawn: Drawn) -> Publication:
    """Return what a topic publishes of a delivery."""
    scope, name = split_endpoint(delivery.endpoint)
    _realm, account, region = scope.split("/")
    origin = delivery.facts.get("origin") or f"https://sns.{region}.amazonaws.com"
    text = delivery.content.decode()
    subject = delivery.facts.get("subject")
    published = Published(
        drawn.id, topic_arn(scope, name), {"default": text}, subject, {}, origin, account, drawn.now_us
    )
    group = delivery.facts.get("group", "")
    return Publication(
        Message(drawn.id, text.encode(), {}, group),
        drawn.sequence,
        published.render,
        published.as_cloud_event,
        delivery.hops,
    )
