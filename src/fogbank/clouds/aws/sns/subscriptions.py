"""Amazon SNS operations on subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import Arn
from fogbank.clouds.aws.paging import write_token
from fogbank.clouds.aws.sns import envelopes, mail
from fogbank.clouds.aws.sns.archiving import replays
from fogbank.clouds.aws.sns.archiving.replays import REPLAY_POLICY, check_replay_policy
from fogbank.clouds.aws.sns.couriers import AWS_COURIER, HTTP_COURIER, MAIL_COURIER, read_redrive_policy
from fogbank.clouds.aws.sns.delivery_policies import (
    DISPLAY_NAME,
    POLICY,
    SIGNATURE,
    check_subscription_policy,
    effective,
    inherited,
    show_subscription_policy,
)
from fogbank.clouds.aws.sns.endpoints import APPLICATION, ASKED, read_endpoint, show_endpoint
from fogbank.clouds.aws.sns.errors import invalid, not_authorized, unsupported
from fogbank.clouds.aws.sns.filters import check_filter
from fogbank.clouds.aws.sns.push.delivering import PUSH_COURIER, check_endpoint
from fogbank.clouds.aws.sns.service import (
    FIFO_SUFFIX,
    PENDING,
    Sns,
    read_subscription,
    read_topic,
    subscription_arn,
    topic_arn,
)
from fogbank.clouds.aws.sns.signatures import to_be_signed
from fogbank.clouds.aws.sns.topics import read_next_token
from fogbank.engines.messaging import publishing, topics
from fogbank.engines.messaging.delivery_model import HTTP, MAIL
from fogbank.engines.messaging.errors import SubscriptionNotFoundError
from fogbank.engines.messaging.topic_model import Rendered, SubscriptionConfig
from fogbank.engines.outbox import outbox
from fogbank.kernel.clock import SECOND_US
from fogbank.storage import timers
from fogbank.storage.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Subscription, Topic
    from fogbank.storage import Tx

PAGE_MAX: Final = 100
PROTOCOL: Final = "protocol"
PRINCIPAL: Final = "principal"
# Amazon SNS Developer Guide, "Confirm the subscription": tokens are valid for two days.
CONFIRM_SECONDS_MAX: Final = 2 * 86_400
TIMER: Final = "aws.sns.unconfirmed"
# Labels: it was confirmed by a signed request; it can only be removed by one.
AUTHENTICATED: Final = "authenticated"
GUARDED: Final = "guarded"
_COURIERS: Final = {HTTP: HTTP_COURIER, MAIL: MAIL_COURIER}
_RAW: Final = ("http", "https", "sqs")


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
    kind, endpoint = read_endpoint(request.Protocol, request.Endpoint, name[1])
    confirmed = request.Protocol not in ASKED
    config = SubscriptionConfig(
        confirmed=confirmed,
        token="" if confirmed else sns.ids.hex(112),
        labels={PROTOCOL: request.Protocol, PRINCIPAL: f"arn:aws:iam::{call.account}:root"},
        courier=PUSH_COURIER if request.Protocol == APPLICATION else _COURIERS.get(kind, AWS_COURIER),
    )
    ordered = name[1].endswith(FIFO_SUFFIX)
    config = _apply(config, request.Attributes or {}, ordered=ordered)
    subscription, new = await sns.store.run(_subscribe, name, sns.ids.uuid(), kind, endpoint, config)
    if not new and _apply(subscription.config, request.Attributes or {}, ordered=ordered) != subscription.config:
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
    labels = {AUTHENTICATED: "true"} if call.access_key else {}
    if request.AuthenticateOnUnsubscribe is not None:
        if request.AuthenticateOnUnsubscribe.lower() not in ("true", "false"):
            raise invalid("AuthenticateOnUnsubscribe")
        if request.AuthenticateOnUnsubscribe.lower() == "true":
            if not call.access_key:
                raise not_authorized("AuthenticateOnUnsubscribe needs a signed request")
            labels[GUARDED] = "true"
    name = read_topic(request.TopicArn)
    for subscription in await sns.store.read(topics.subscriptions_of, name):
        if subscription.config.token and subscription.config.token == request.Token:
            await sns.store.run(_confirm, subscription.scope, subscription.id, labels)
            return {"SubscriptionArn": subscription_arn(subscription)}
    raise invalid("Token")


class Unsubscribe(Input):
    """Input of Unsubscribe."""

    SubscriptionArn: str


@operation(Unsubscribe)
async def unsubscribe(sns: Sns, call: Call, request: Unsubscribe) -> Reply:
    """Remove a subscription; one that isn't there counts as removed. Links call this without signature."""
    scope, number = read_subscription(request.SubscriptionArn)
    await sns.store.run(_unsubscribe, scope, number, authenticated=bool(call.access_key))
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
    topic = await sns.store.read(topics.find, (subscription.scope, subscription.topic_name))
    return {"Attributes": _show(subscription, topic)}


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
    await sns.store.run(_set, *read_subscription(request.SubscriptionArn), attributes)
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


async def _subscribe(
    tx: Tx, now_us: int, name: Name, number: str, kind: str, endpoint: str, config: SubscriptionConfig
) -> tuple[Subscription, bool]:
    topic = await topics.find(tx, now_us, name)
    config = inherited(config, topic.config)
    subscription, new = await topics.subscribe(tx, now_us, name, number, kind, endpoint, config)
    if new and config.labels[PROTOCOL] == APPLICATION:
        await check_endpoint(tx, now_us, mail.address_of(subscription))
    if new:
        await replays.follow_policy(tx, now_us, topic, subscription)
    return subscription, new


async def _unsubscribe(tx: Tx, now_us: int, scope: str, number: str, *, authenticated: bool) -> None:
    try:
        subscription = await topics.find_subscription(tx, now_us, scope, number)
    except SubscriptionNotFoundError:
        return
    if not authenticated and subscription.config.labels.get(GUARDED):
        raise not_authorized("This subscription can only be removed by a signed request")
    await topics.unsubscribe(tx, now_us, scope, number)


async def _set(tx: Tx, now_us: int, scope: str, number: str, attributes: Mapping[str, str]) -> None:
    found = await topics.find_subscription(tx, now_us, scope, number)
    topic = await topics.find(tx, now_us, (found.scope, found.topic_name))

    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        return inherited(_apply(config, attributes, ordered=topic.config.ordered), topic.config)

    changed = await topics.update_subscription(tx, now_us, scope, number, change)
    if REPLAY_POLICY in attributes:
        await replays.follow_policy(tx, now_us, topic, changed)


async def _confirm(tx: Tx, now_us: int, scope: str, number: str, labels: Mapping[str, str]) -> None:
    def change(config: SubscriptionConfig) -> SubscriptionConfig:
        # Who confirms a second time changes nothing.
        if config.confirmed:
            return config
        return msgspec.structs.replace(config, confirmed=True, labels={**config.labels, **labels})

    await topics.update_subscription(tx, now_us, scope, number, change)
    await timers.disarm(tx, now_us, f"{TIMER}/{number}")


async def _ask(sns: Sns, call: Call, subscription: Subscription) -> None:
    """Send the owner of an endpoint the question whether the subscription is meant."""
    arn = topic_arn(subscription.scope, subscription.topic_name)
    labels, token = subscription.config.labels, subscription.config.token
    query = {"Action": "ConfirmSubscription", "TopicArn": arn, "Token": token, "Version": "2010-03-31"}
    link = f"{call.origin}/?{urlencode(query)}"
    content, headers = envelopes.confirmation(sns.ids.uuid(), arn, token, link, sns.clock.now())
    facts = to_be_signed(labels.get(SIGNATURE, "1"), call.origin)
    if subscription.kind == MAIL:
        asked = mail.question(subscription, labels.get(DISPLAY_NAME, ""), arn, link)
        if labels[PROTOCOL] == "email-json":
            asked = msgspec.structs.replace(asked, text=content.decode())
        else:
            facts = {}
        content, headers = outbox.encode(asked), {}
    rendered = Rendered(content=content, headers=headers, facts=facts)
    delivery = publishing.delivery_to(subscription, rendered, sns.clock.now())
    await sns.store.run(_send_question, sns.ids.sequence(), delivery, subscription.scope)


async def _send_question(tx: Tx, now_us: int, sequence: int, delivery: Delivery, scope: str) -> None:
    await publishing.enqueue(tx, now_us, sequence, delivery)
    due_us = now_us + CONFIRM_SECONDS_MAX * SECOND_US
    payload = msgspec.msgpack.encode((scope, delivery.subscription))
    await timers.arm(tx, now_us, Timer(f"{TIMER}/{delivery.subscription}", due_us, TIMER, payload))


def _apply(config: SubscriptionConfig, attributes: Mapping[str, str], *, ordered: bool) -> SubscriptionConfig:
    """Return the configuration with attributes set; `ordered` says that the topic is a FIFO topic."""
    changes: dict[str, Any] = {}
    labels = dict(config.labels)
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
            if value.lower() == "true" and labels[PROTOCOL] not in _RAW:
                raise invalid(
                    f"Attributes Reason: Delivery protocol [{labels[PROTOCOL]}] does not support raw message delivery."
                )
            changes["raw"] = value.lower() == "true"
        elif name == "FilterPolicy":
            changes["filter"] = check_filter(value, on_body=on_body)
        elif name == "RedrivePolicy":
            changes["dead_letter"] = read_redrive_policy(value, ordered=ordered)
        elif name == POLICY:
            if value and labels[PROTOCOL] not in ("http", "https"):
                raise invalid(f"DeliveryPolicy: Delivery protocol [{labels[PROTOCOL]}] does not support it")
            labels[POLICY] = check_subscription_policy(value)
        elif name == REPLAY_POLICY:
            labels[REPLAY_POLICY] = check_replay_policy(value, ordered=ordered)
        elif name == "SubscriptionRoleArn":
            # Taking back what can't have been set changes nothing.
            if value:
                raise unsupported(f"the attribute {name}")
        elif name != "FilterPolicyScope":
            raise invalid("AttributeName" if len(attributes) == 1 else f"Attributes Reason: Unknown attribute: {name}")
    labels = {name: value for name, value in labels.items() if value or name not in (POLICY, REPLAY_POLICY)}
    return msgspec.structs.replace(config, labels=labels, **changes)


def _show(subscription: Subscription, topic: Topic) -> dict[str, str]:
    _realm, account, _region = subscription.scope.split("/")
    config = subscription.config
    shown = {
        "SubscriptionArn": subscription_arn(subscription),
        "TopicArn": topic_arn(subscription.scope, subscription.topic_name),
        "Protocol": config.labels[PROTOCOL],
        "Endpoint": show_endpoint(subscription),
        "Owner": account,
        "ConfirmationWasAuthenticated": config.labels.get(AUTHENTICATED, "false") if config.token else "true",
        "PendingConfirmation": "false" if config.confirmed else "true",
        "RawMessageDelivery": "true" if config.raw else "false",
        "SubscriptionPrincipal": config.labels[PRINCIPAL],
    }
    if config.filter:
        shown["FilterPolicy"] = config.filter
        shown["FilterPolicyScope"] = "MessageBody" if config.filter_body else "MessageAttributes"
    if subscription.kind == HTTP:
        own = config.labels.get(POLICY, "")
        if own:
            shown[POLICY] = own
        shown["EffectiveDeliveryPolicy"] = show_subscription_policy(effective(topic.config.labels.get(POLICY, ""), own))
    if config.dead_letter:
        _realm, account, region, name = config.dead_letter.split("/")
        target = str(Arn("aws", "sqs", region, account, name))
        shown["RedrivePolicy"] = msgspec.json.encode({"deadLetterTargetArn": target}).decode()
    return shown | replays.show(subscription)


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
