"""Push subscriptions: what is posted, and which answers acknowledge.

Google Cloud, "Push subscriptions", "Payload unwrapping for push subscriptions", "Authentication for push
subscriptions".
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.identity_tokens import identity_token
from fogbank.clouds.gcp.pubsub.names import full_name
from fogbank.clouds.gcp.pubsub.publish import as_json
from fogbank.clouds.gcp.pubsub.pulling import attempt_of
from fogbank.clouds.gcp.pubsub.service import FACTS, PACKAGE
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.connectors.delivery.posting import Posting

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock

ACCEPTED: Final = frozenset({102, 200, 201, 202, 204})


def accepts(answer: Answer) -> bool:
    """Whether an answer acknowledges the message."""
    return answer.status in ACCEPTED


async def request(signer: Signer, clock: Clock, queue: Queue, received: Received) -> Posting:
    """Return the request for a message."""
    types = pubsub_types()
    subscription = types.message(f"{PACKAGE}.Subscription").FromString(b64decode(queue.config.labels[FACTS]))
    message = types.message(f"{PACKAGE}.PubsubMessage").FromString(received.message.body)
    push = subscription.push_config
    name = full_name((queue.scope, queue.name))
    attempt = attempt_of(queue, received)
    headers = {"User-Agent": "CloudPubSub-Google", "Accept": "application/json", "From": "noreply@google.com"}
    if push.HasField("oidc_token"):
        audience = push.oidc_token.audience or push.push_endpoint
        token = await identity_token(signer, push.oidc_token.service_account_email, audience, clock.now())
        headers["Authorization"] = f"Bearer {token}"
    if push.HasField("no_wrapper"):
        headers |= _unwrapped_headers(message, name, attempt, write_metadata=push.no_wrapper.write_metadata)
        body = bytes(message.data)
    else:
        shown: dict[str, Any] = {"message": as_json(message), "subscription": name}
        if attempt:
            shown["deliveryAttempt"] = attempt
        headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(shown)
    return Posting(push.push_endpoint, body, headers, seconds_max=subscription.ack_deadline_seconds)


def _unwrapped_headers(message: Any, name: str, attempt: int, *, write_metadata: bool) -> dict[str, str]:
    if not write_metadata:
        return {}
    headers = {
        "x-goog-pubsub-subscription-name": name,
        "x-goog-pubsub-message-id": message.message_id,
        "x-goog-pubsub-publish-time": message.publish_time.ToJsonString(),
    }
    if message.ordering_key:
        headers["x-goog-pubsub-ordering-key"] = message.ordering_key
    if attempt:
        headers["x-goog-pubsub-delivery-attempt"] = str(attempt)
    # Attributes become headers where they can be: names and values of printable characters.
    return headers | {
        key: value
        for key, value in message.attributes.items()
        if key.replace("-", "").isalnum() and key.isascii() and value.isascii() and value.isprintable()
    }
