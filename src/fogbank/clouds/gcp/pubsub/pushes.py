"""Push subscriptions: what is posted, and which answers acknowledge.

Google Cloud, "Push subscriptions", "Payload unwrapping for push subscriptions", "Authentication for push
subscriptions".
"""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.gcp.firestore.events.watches import FIRST_GENERATION
from fogbank.clouds.gcp.identity_tokens import identity_token
from fogbank.clouds.gcp.pubsub.carriers import BACKGROUND, CLOUD_EVENT_TYPE, FORM, FUNCTION, PATH
from fogbank.clouds.gcp.pubsub.names import full_name
from fogbank.clouds.gcp.pubsub.publish import as_json
from fogbank.clouds.gcp.pubsub.receiving.pulling import attempt_of
from fogbank.clouds.gcp.pubsub.service import FACTS, PACKAGE
from fogbank.clouds.gcp.pubsub.shapes import pubsub_types
from fogbank.connectors.delivery.couriers import Answer
from fogbank.connectors.delivery.posting import Posting
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError

if TYPE_CHECKING:
    from fogbank.connectors.delivery.posting import Poster
    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids


class PushParts(NamedTuple):
    """The parts of the server that pushing uses."""

    clock: Clock
    ids: Ids
    poster: Poster
    signer: Signer
    invoker: Invoker


ACCEPTED: Final = frozenset({102, 200, 201, 202, 204})


def accepts(answer: Answer) -> bool:
    """Whether an answer acknowledges the message."""
    return answer.status in ACCEPTED


async def deliver(parts: PushParts, queue: Queue, received: Received) -> Answer:
    """Post a message to its address, or call the function that it is for."""
    assert queue.config.push is not None
    endpoint = queue.config.push.endpoint
    if endpoint.startswith(FUNCTION):
        return await call(parts, endpoint.removeprefix(FUNCTION), queue, received)
    make = _event_request if FORM in queue.config.labels else _request
    return await parts.poster.send(await make(parts.signer, parts.clock, queue, received))


async def _request(signer: Signer, clock: Clock, queue: Queue, received: Received) -> Posting:
    """Return the request for a message."""
    message, subscription = _recall(queue, received)
    push = subscription.push_config
    name = full_name((queue.scope, queue.name))
    attempt = attempt_of(queue, received)
    headers = {"User-Agent": "CloudPubSub-Google", "Accept": "application/json", "From": "noreply@google.com"}
    headers |= await _authorization(signer, clock, push)
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


async def _event_request(signer: Signer, clock: Clock, queue: Queue, received: Received) -> Posting:
    """Return the request for a message that is sent as an event."""
    message, subscription = _recall(queue, received)
    pairs, body = _cloud_event(message, subscription)
    headers = {**dict(pairs), "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"}
    headers |= await _authorization(signer, clock, subscription.push_config)
    address = subscription.push_config.push_endpoint
    return Posting(address, body, headers, seconds_max=subscription.ack_deadline_seconds)


async def _authorization(signer: Signer, clock: Clock, push: Any) -> dict[str, str]:
    """Return the header with the identity token that a subscription asks for, if it does."""
    if not push.HasField("oidc_token"):
        return {}
    audience = push.oidc_token.audience or push.push_endpoint
    token = await identity_token(signer, push.oidc_token.service_account_email, audience, clock.now())
    return {"Authorization": f"Bearer {token}"}


def _recall(queue: Queue, received: Received) -> tuple[Any, Any]:
    """Return a message and its subscription as the API has them."""
    types = pubsub_types()
    subscription = types.message(f"{PACKAGE}.Subscription").FromString(b64decode(queue.config.labels[FACTS]))
    return types.message(f"{PACKAGE}.PubsubMessage").FromString(received.message.body), subscription


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


async def call(parts: PushParts, endpoint: str, queue: Queue, received: Received) -> Answer:
    """Call a function with a message, in the form that it takes."""
    message, subscription = _recall(queue, received)
    if queue.config.labels.get(FORM) == BACKGROUND:
        headers, body = _background_event(message, subscription.topic)
    else:
        headers, body = _cloud_event(message, subscription)
    token = await _authorization(parts.signer, parts.clock, subscription.push_config)
    headers += [[name.lower(), value] for name, value in token.items()]
    pairs = [["host", "functions.localhost"], *headers, ["content-length", str(len(body))]]
    path = queue.config.labels.get(PATH, "/")
    context = {"method": "POST", "path": path, "query": "", "headers": pairs}
    name = split_endpoint(endpoint)
    try:
        outcome = await parts.invoker.invoke(name, Invocation(parts.ids.request(), body, context), source="trigger")
    except BusyError:
        return Answer(429, "the function is busy")
    except FunctionNotFoundError:
        return Answer(404, f"there is no function {name[1]}")
    if outcome.ended is not Ended.OK:
        return Answer(500, f"the function {name[1]} failed: {outcome.ended.value}")
    return Answer(int(outcome.head["status"]), f"the function {name[1]} answered {outcome.head['status']}")


def _cloud_event(message: Any, subscription: Any) -> tuple[list[list[str]], bytes]:
    """Return headers and body of a CloudEvent in binary mode, as Eventarc sends them."""
    if CLOUD_EVENT_TYPE in message.attributes:
        # The message is one already.
        return [[name, value] for name, value in sorted(message.attributes.items())], bytes(message.data)
    headers = [
        ["content-type", "application/json"],
        ["ce-specversion", "1.0"],
        ["ce-id", message.message_id],
        ["ce-source", f"//pubsub.googleapis.com/{subscription.topic}"],
        ["ce-type", "google.cloud.pubsub.topic.v1.messagePublished"],
        ["ce-time", message.publish_time.ToJsonString()],
    ]
    return headers, msgspec.json.encode({"message": as_json(message), "subscription": subscription.name})


def _background_event(message: Any, topic: str) -> tuple[list[list[str]], bytes]:
    """Return headers and body of an event as the first generation has them ("Background functions")."""
    if CLOUD_EVENT_TYPE in message.attributes:
        return [["content-type", "application/json"]], _background_document(message)
    kind = "type.googleapis.com/google.pubsub.v1.PubsubMessage"
    data: dict[str, Any] = {"@type": kind, "attributes": dict(message.attributes)}
    if message.data:
        data["data"] = as_json(message)["data"]
    context = {
        "eventId": message.message_id,
        "timestamp": message.publish_time.ToJsonString(),
        "eventType": "google.pubsub.topic.publish",
        "resource": {"service": "pubsub.googleapis.com", "name": topic, "type": kind},
    }
    return [["content-type", "application/json"]], msgspec.json.encode({"context": context, "data": data})


def _background_document(message: Any) -> bytes:
    """Return the body of an event of Firestore as the first generation has it ("Google Cloud Firestore triggers")."""
    attributes = message.attributes
    kind = attributes[CLOUD_EVENT_TYPE]
    context = {
        "eventId": attributes["ce-id"],
        "timestamp": attributes["ce-time"],
        "eventType": next(name for name, later in FIRST_GENERATION.items() if later == kind),
        "resource": f"{attributes['ce-source'].removeprefix('//firestore.googleapis.com/')}/{attributes['ce-subject']}",
    }
    data = {"oldValue": {}, "updateMask": {}, "value": {}, **msgspec.json.decode(message.data)}
    return msgspec.json.encode({"context": context, "data": data})
