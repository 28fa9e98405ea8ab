"""Amazon SNS operations on subscriptions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation, scope_key
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.paging import write_token
from fogbank.clouds.aws.sns import envelopes
from fogbank.clouds.aws.sns.couriers import AWS_COURIER, HTTP_COURIER, read_redrive_policy
from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.clouds.aws.sns.filters import check_filter
from fogbank.clouds.aws.sns.service import (
    FIFO_SUFFIX,
    PENDING,
    Sns,
    read_subscription,
    read_topic,
    subscription_arn,
    topic_arn,
)
from fogbank.clouds.aws.sns.topics import read_next_token
from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, QUEUE
from fogbank.engines.messaging.errors import SubscriptionNotFoundError
from fogbank.engines.messaging.topic_model import Rendered, SubscriptionConfig
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.storage import Tx

PAGE_MAX: Final = 100
PROTOCOL: Final = "protocol"
PRINCIPAL: Final = "principal"
# Amazon SNS Developer Guide, "Confirm the subscription": tokens are valid for two days.
CONFIRM_SECONDS_MAX: Final = 2 * 86_400
TIMER: Final = "aws.sns.unconfirmed"
_OTHER_PROTOCOLS: Final = frozenset({"application", "email", "email-json", "firehose", "sms"})
_URL: Final = re.compile(r"(https?)://[^/\s]+\S*", re.IGNORECASE)


class Subscribe(Input):
    """Input of Subscribe."""

    TopicArn: str
    Protocol: str
    Endpoint: str | None = None
    Attributes: dict[str, str] | None = None
    ReturnSubscriptionArn: bool = False


@operation(Subscribe)
async def subscribe(sns: Sns, call: Call, request: Subscribe) -> Reply:
    """Subscribe an endpoint; one of our own is confirmed at once, an HTTP address is asked."""
    name = read_topic(request.TopicArn)
    kind, endpoint = _read_endpoint(request.Protocol, request.Endpoint, name)
    confirmed = kind != HTTP
    config = SubscriptionConfig(
        confirmed=confirmed,
        token="" if confirmed else sns.ids.hex(112),
        labels={PROTOCOL: request.Protocol, PRINCIPAL: f"arn:aws:iam::{call.account}:root"},
        courier=HTTP_COURIER if kind == HTTP else AWS_COURIER,
    )
    config = _apply(config, request.Attributes or {})
    number = sns.ids.uuid()
    subscription, new = await sns.store.run(topics.subscribe, name, number, kind, endpoint, config)
    if not new and _apply(subscription.config, request.Attributes or {}) != subscription.config:
        raise invalid("Attributes Reason: Subscription already exists with different attributes")
    if not subscription.config.confirmed:
        await _ask(sns, call, subscription)
    if not subscription.config.confirmed and not request.ReturnSubscriptionArn:
        return {"SubscriptionArn": "pending confirmation"}
    return {"SubscriptionArn": subscription_arn(subscription)}


class ConfirmSubscription(Input):
    """Input of ConfirmSubscription."""

    TopicArn: str
    Token: str
    AuthenticateOnUnsubscribe: str | None = None


@operation(ConfirmSubscription)
async def confirm_subscription(sns: Sns, call: Call, request: ConfirmSubscription) -> Reply:
    """Confirm the subscription that a token was sent to."""
    del call
    if request.AuthenticateOnUnsubscribe == "true":
        raise unsupported("AuthenticateOnUnsubscribe")
    name = read_topic(request.TopicArn)
    for subscription in await sns.store.read(topics.subscriptions_of, name):
        if subscription.config.token and subscription.config.token == request.Token:
            await sns.store.run(_confirm, subscription.scope, subscription.id)
            return {"SubscriptionArn": subscription_arn(subscription)}
    raise invalid("Token")


class Unsubscribe(Input):
    """Input of Unsubscribe."""

    SubscriptionArn: str


@operation(Unsubscribe)
async def unsubscribe(sns: Sns, call: Call, request: Unsubscribe) -> Reply:
    """Remove a subscription; one that isn't there counts as removed."""
    del call
    await sns.store.run(topics.unsubscribe, *read_subscription(request.SubscriptionArn))
    return None


class ListSubscriptions(Input):
    """Input of ListSubscriptions."""

    NextToken: str | None = None


@operation(ListSubscriptions)
async def list_subscriptions(sns: Sns, call: Call, request: ListSubscriptions) -> Reply:
    """List the subscriptions of the caller's account and region, a hundred at a time."""
    after = read_next_token(request.NextToken)
    return _page(await sns.store.read(topics.list_subscriptions, call.scope, after, PAGE_MAX + 1, folder=""))


class ListSubscriptionsByTopic(Input):
    """Input of ListSubscriptionsByTopic."""

    TopicArn: str
    NextToken: str | None = None


@operation(ListSubscriptionsByTopic)
async def list_subscriptions_by_topic(sns: Sns, call: Call, request: ListSubscriptionsByTopic) -> Reply:
    """List a topic's subscriptions, a hundred at a time."""
    del call
    after = read_next_token(request.NextToken)
    found = await sns.store.read(topics.subscriptions_of, read_topic(request.TopicArn))
    return _page([each for each in found if each.id > after])


class GetSubscriptionAttributes(Input):
    """Input of GetSubscriptionAttributes."""

    SubscriptionArn: str


@operation(GetSubscriptionAttributes)
async def get_subscription_attributes(sns: Sns, call: Call, request: GetSubscriptionAttributes) -> Reply:
    """Return all attributes of a subscription."""
    del call
    subscription = await sns.store.read(topics.find_subscription, *read_subscription(request.SubscriptionArn))
    return {"Attributes": _show(subscription)}


class SetSubscriptionAttributes(Input):
    """Input of SetSubscriptionAttributes."""

    SubscriptionArn: str
    AttributeName: str
    AttributeValue: str = ""


@operation(SetSubscriptionAttributes)
async def set_subscription_attributes(sns: Sns, call: Call, request: SetSubscriptionAttributes) -> Reply:
    """Set one attribute of a subscription."""
    del call
    attributes = {request.AttributeName: request.AttributeValue}
    await sns.store.run(
        topics.update_subscription,
        *read_subscription(request.SubscriptionArn),
        lambda config: _apply(config, attributes),
    )
    return None


async def drop_unconfirmed(tx: Tx, now_us: int, timer: Timer) -> int | None:
    """Remove a subscription that nobody has confirmed in time: what its timer does."""
    scope, number = msgspec.msgpack.decode(timer.payload, type=tuple[str, str])
    try:
        subscription = await topics.find_subscription(tx, now_us, scope, number)
    except SubscriptionNotFoundError:
        return None
    if not subscription.config.confirmed:
        await topics.unsubscribe(tx, now_us, scope, number)
    return None


async def _confirm(tx: Tx, now_us: int, scope: str, number: str) -> None:
    await topics.update_subscription(
        tx, now_us, scope, number, lambda config: msgspec.structs.replace(config, confirmed=True)
    )
    await timers.disarm(tx, now_us, f"{TIMER}/{number}")


async def _ask(sns: Sns, call: Call, subscription: Subscription) -> None:
    """Send an HTTP endpoint the question whether it wants the subscription."""
    arn = topic_arn(subscription.scope, subscription.topic_name)
    token = subscription.config.token
    query = {"Action": "ConfirmSubscription", "TopicArn": arn, "Token": token, "Version": "2010-03-31"}
    content, headers = envelopes.confirmation(
        sns.ids.uuid(), arn, token, f"{call.origin}/?{urlencode(query)}", sns.clock.now()
    )
    rendered = Rendered(content=content, headers=headers)
    delivery = publishing.delivery_to(subscription, rendered, sns.clock.now())
    await sns.store.run(_send_question, sns.ids.sequence(), delivery, subscription.scope)


async def _send_question(tx: Tx, now_us: int, sequence: int, delivery: Delivery, scope: str) -> None:
    await publishing.enqueue(tx, now_us, sequence, delivery)
    due_us = now_us + CONFIRM_SECONDS_MAX * SECOND_US
    payload = msgspec.msgpack.encode((scope, delivery.subscription))
    await timers.arm(tx, now_us, Timer(f"{TIMER}/{delivery.subscription}", due_us, TIMER, payload))


def _read_endpoint(protocol: str, endpoint: str | None, topic: Name) -> tuple[str, str]:
    """Return the engine's kind and form of an endpoint."""
    if protocol in _OTHER_PROTOCOLS:
        raise unsupported(f"the protocol {protocol}")
    if protocol not in ("sqs", "lambda", "http", "https"):
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint")
    if protocol in ("http", "https"):
        match = _URL.fullmatch(endpoint)
        if match is None or match[1].lower() != protocol:
            raise invalid(f"Endpoint must match the specified protocol: {protocol}" if match else "Endpoint")
        if topic[1].endswith(FIFO_SUFFIX):
            raise invalid(f"Invalid protocol type: {protocol}")
        return HTTP, endpoint
    arn = parse_arn(endpoint)
    if protocol == "sqs":
        if arn is None or arn.service != "sqs":
            raise invalid("SQS endpoint ARN")
        if arn.resource.endswith(FIFO_SUFFIX) and not topic[1].endswith(FIFO_SUFFIX):
            raise invalid("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
        return QUEUE, f"{arn.scope}/{arn.resource}"
    if topic[1].endswith(FIFO_SUFFIX):
        raise invalid(f"Invalid protocol type: {protocol}")
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise invalid("Lambda endpoint ARN")
    return FUNCTION, f"{scope_key(arn.account, arn.region)}/{arn.resource.removeprefix('function:')}"


def show_endpoint(subscription: Subscription) -> str:
    """Return an endpoint as it was subscribed."""
    if subscription.kind == HTTP:
        return subscription.endpoint
    _realm, account, region, name = subscription.endpoint.split("/")
    if subscription.kind == QUEUE:
        return str(Arn("aws", "sqs", region, account, name))
    return str(Arn("aws", "lambda", region, account, f"function:{name}"))


def _apply(config: SubscriptionConfig, attributes: Mapping[str, str]) -> SubscriptionConfig:
    """Return the configuration with attributes set."""
    changes: dict[str, Any] = {}
    on_body = config.filter_body
    if "FilterPolicyScope" in attributes:
        scope = attributes["FilterPolicyScope"]
        if scope not in ("MessageAttributes", "MessageBody"):
            raise invalid(
                f"FilterPolicyScope: Invalid value [{scope}]. Please use either MessageBody or MessageAttributes"
            )
        on_body = changes["filter_body"] = scope == "MessageBody"
        if config.filter and "FilterPolicy" not in attributes:
            check_filter(config.filter, on_body=on_body)
    for name, value in attributes.items():
        if name == "RawMessageDelivery":
            if value.lower() not in ("true", "false"):
                raise invalid(f"Attributes Reason: RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
            changes["raw"] = value.lower() == "true"
        elif name == "FilterPolicy":
            changes["filter"] = check_filter(value, on_body=on_body)
        elif name == "RedrivePolicy":
            changes["dead_letter"] = read_redrive_policy(value)
        elif name in ("DeliveryPolicy", "SubscriptionRoleArn", "ReplayPolicy"):
            raise unsupported(f"the attribute {name}")
        elif name != "FilterPolicyScope":
            raise invalid("AttributeName" if len(attributes) == 1 else f"Attributes Reason: Unknown attribute: {name}")
    return msgspec.structs.replace(config, **changes)


def _show(subscription: Subscription) -> dict[str, str]:
    _realm, account, _region = subscription.scope.split("/")
    config = subscription.config
    shown = {
        "SubscriptionArn": subscription_arn(subscription),
        "TopicArn": topic_arn(subscription.scope, subscription.topic_name),
        "Protocol": config.labels[PROTOCOL],
        "Endpoint": show_endpoint(subscription),
        "Owner": account,
        "ConfirmationWasAuthenticated": "true" if subscription.kind != HTTP else "false",
        "PendingConfirmation": "false" if config.confirmed else "true",
        "RawMessageDelivery": "true" if config.raw else "false",
        "SubscriptionPrincipal": config.labels[PRINCIPAL],
    }
    if config.filter:
        shown["FilterPolicy"] = config.filter
        shown["FilterPolicyScope"] = "MessageBody" if config.filter_body else "MessageAttributes"
    if config.dead_letter:
        _realm, account, region, name = config.dead_letter.split("/")
        target = str(Arn("aws", "sqs", region, account, name))
        shown["RedrivePolicy"] = msgspec.json.encode({"deadLetterTargetArn": target}).decode()
    return shown


def _page(found: Sequence[Subscription]) -> dict[str, Any]:
    reply: dict[str, Any] = {"Subscriptions": [_summary(each) for each in found[:PAGE_MAX]]}
    if len(found) > PAGE_MAX:
        reply["NextToken"] = write_token(found[PAGE_MAX - 1].id)
    return reply


def _summary(subscription: Subscription) -> dict[str, str]:
    _realm, account, _region = subscription.scope.split("/")
    return {
        "SubscriptionArn": subscription_arn(subscription) if subscription.config.confirmed else PENDING,
        "Owner": account,
        "Protocol": subscription.config.labels[PROTOCOL],
        "Endpoint": show_endpoint(subscription),
        "TopicArn": topic_arn(subscription.scope, subscription.topic_name),
    }


OPERATIONS: Final = (
    confirm_subscription,
    get_subscription_attributes,
    list_subscriptions,
    list_subscriptions_by_topic,
    set_subscription_attributes,
    subscribe,
    unsubscribe,
)
