"""Amazon SNS operations on topics."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.clouds.aws.sns.archiving import archives, replays
from fogbank.clouds.aws.sns.archiving.archives import ARCHIVE_POLICY, check_archive_policy
from fogbank.clouds.aws.sns.delivery_policies import (
    DISPLAY_NAME,
    POLICY,
    SIGNATURE,
    check_topic_policy,
    inherited,
    show_topic_policy,
)
from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.clouds.aws.sns.service import Sns, check_name, read_topic, topic_arn
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.storage import Tx

PAGE_MAX: Final = 100
TAGS_MAX: Final = 50
# Kept and shown: access policies aren't evaluated yet.
_LABELS: Final = (DISPLAY_NAME, "Policy", POLICY, SIGNATURE, "TracingConfig")
_CHOICES: Final = {SIGNATURE: ("1", "2"), "TracingConfig": ("PassThrough",)}
DISPLAY_NAME_CHARS_MAX: Final = 100
_DELIVERED_TO: Final = ("HTTP", "Firehose", "Lambda", "Application", "SQS")
_UNSUPPORTED: Final = frozenset({
    ARCHIVE_POLICY, "DataProtectionPolicy", "KmsMasterKeyId",
    *(f"{kind}{outcome}FeedbackRoleArn" for kind in _DELIVERED_TO for outcome in ("Success", "Failure")),
})  # fmt: skip
# How many of the successful deliveries are logged, in percent: nothing is logged without a role, so a rate alone
# is kept and shown (Amazon SNS Developer Guide, "Amazon SNS message delivery status").
_SAMPLE_RATES: Final = frozenset(f"{kind}SuccessFeedbackSampleRate" for kind in _DELIVERED_TO)
_DISPLAYABLE: Final = re.compile(r'[^\x00-\x1f\x7f"<>\\]*')
_PERCENT: Final = re.compile(r"\d{1,2}|100")


class Tag(Input):
    """A tag."""

    Key: str
    Value: str


class CreateTopic(Input):
    """Input of CreateTopic."""

    Name: str
    Attributes: dict[str, str] | None = None
    Tags: list[Tag] | None = None


@operation(CreateTopic)
async def create_topic(sns: Sns, call: Call, request: CreateTopic) -> Reply:
    """Create a topic; one with the same name and attributes is returned as it is."""
    attributes = request.Attributes or {}
    fifo = attributes.get("FifoTopic") == "true"
    check_name(request.Name, fifo=fifo)
    tags = {tag.Key: tag.Value for tag in request.Tags or ()}
    config = _apply(TopicConfig(ordered=fifo, tags=_check_tags(tags)), attributes)
    name = (call.scope, request.Name)
    topic, new = await sns.store.run(_create, name, sns.ids.sequence(), config)
    if not new:
        if _apply(topic.config, attributes) != topic.config:
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        if request.Tags is not None and tags != topic.config.tags:
            raise invalid("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": topic_arn(*name)}


class DeleteTopic(Input):
    """Input of DeleteTopic."""

    TopicArn: str


@operation(DeleteTopic)
async def delete_topic(sns: Sns, call: Call, request: DeleteTopic) -> Reply:
    """Delete a topic with its subscriptions; one that isn't there counts as deleted."""
    del call
    await sns.store.run(archives.delete_topic, read_topic(request.TopicArn))
    return None


class ListTopics(Input):
    """Input of ListTopics."""

    NextToken: str | None = None


@operation(ListTopics)
async def list_topics(sns: Sns, call: Call, request: ListTopics) -> Reply:
    """List the topics of the caller's account and region, a hundred at a time."""
    after = read_next_token(request.NextToken)
    found = await sns.store.read(topics.list_topics, call.scope, after, PAGE_MAX + 1, folder="")
    reply: dict[str, Any] = {"Topics": [{"TopicArn": topic_arn(each.scope, each.name)} for each in found[:PAGE_MAX]]}
    if len(found) > PAGE_MAX:
        reply["NextToken"] = write_token(found[PAGE_MAX - 1].name)
    return reply


class GetTopicAttributes(Input):
    """Input of GetTopicAttributes."""

    TopicArn: str


@operation(GetTopicAttributes)
async def get_topic_attributes(sns: Sns, call: Call, request: GetTopicAttributes) -> Reply:
    """Return all attributes of a topic."""
    del call
    name = read_topic(request.TopicArn)
    topic = await sns.store.read(topics.find, name)
    subscriptions = await sns.store.read(topics.subscriptions_of, name)
    confirmed = sum(each.config.confirmed for each in subscriptions)
    beginning = await sns.store.read(archives.show_beginning, topic)
    return {"Attributes": _show(topic, confirmed, len(subscriptions) - confirmed) | beginning}


class SetTopicAttributes(Input):
    """Input of SetTopicAttributes."""

    TopicArn: str
    AttributeName: str
    AttributeValue: str = ""


@operation(SetTopicAttributes)
async def set_topic_attributes(sns: Sns, call: Call, request: SetTopicAttributes) -> Reply:
    """Set one attribute of a topic."""
    del call
    if request.AttributeName == "FifoTopic":
        raise invalid("AttributeName")
    attributes = {request.AttributeName: request.AttributeValue}
    await sns.store.run(_set, read_topic(request.TopicArn), attributes, sns.ids.sequence)
    return None


async def _create(tx: Tx, now_us: int, name: Name, number: int, config: TopicConfig) -> tuple[Topic, bool]:
    topic, new = await topics.create(tx, now_us, name, number, config)
    if new and ARCHIVE_POLICY in config.labels:
        await archives.follow_policy(tx, now_us, topic, number)
    return topic, new


async def _set(tx: Tx, now_us: int, name: Name, attributes: Mapping[str, str], draw: Callable[[], int]) -> None:
    """Set attributes of a topic, and have its subscriptions and its archive follow."""
    topic = await topics.update(tx, now_us, name, lambda config: _apply(config, attributes))
    if ARCHIVE_POLICY in attributes:
        if ARCHIVE_POLICY not in topic.config.labels:
            await replays.end_all(tx, now_us, topic, draw)
        await archives.follow_policy(tx, now_us, topic, draw())
    if attributes.keys() & {DISPLAY_NAME, POLICY, SIGNATURE}:
        for each in await topics.subscriptions_of(tx, now_us, name):
            await topics.update_subscription(
                tx, now_us, each.scope, each.id, lambda config: inherited(config, topic.config)
            )


class TagResource(Input):
    """Input of TagResource."""

    ResourceArn: str
    Tags: list[Tag]


@operation(TagResource)
async def tag_resource(sns: Sns, call: Call, request: TagResource) -> Reply:
    """Add tags to a topic, or replace those of the same keys."""
    del call
    added = {tag.Key: tag.Value for tag in request.Tags}

    def change(config: TopicConfig) -> TopicConfig:
        return msgspec.structs.replace(config, tags=_check_tags({**config.tags, **added}))

    await _change_tagged(sns, request.ResourceArn, change)
    return {}


class UntagResource(Input):
    """Input of UntagResource."""

    ResourceArn: str
    TagKeys: list[str]


@operation(UntagResource)
async def untag_resource(sns: Sns, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""
    del call

    def change(config: TopicConfig) -> TopicConfig:
        kept = {key: value for key, value in config.tags.items() if key not in request.TagKeys}
        return msgspec.structs.replace(config, tags=kept)

    await _change_tagged(sns, request.ResourceArn, change)
    return {}


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    ResourceArn: str


@operation(ListTagsForResource)
async def list_tags_for_resource(sns: Sns, call: Call, request: ListTagsForResource) -> Reply:
    """Return a topic's tags."""
    del call
    try:
        topic = await sns.store.read(topics.find, read_topic(request.ResourceArn, "ResourceArn"))
    except TopicNotFoundError:
        raise _no_such_resource() from None
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.config.tags.items()]}


def read_next_token(token: str | None) -> str:
    """Return where a list goes on."""
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise invalid("NextToken") from None


def default_policy(topic: Topic) -> str:
    """Return the policy of a topic that was given none: its owner may do everything."""
    _realm, account, _region = topic.scope.split("/")
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic",
               "Subscribe", "ListSubscriptionsByTopic", "Publish")  # fmt: skip
    statement = {
        "Effect": "Allow",
        "Sid": "__default_statement_ID",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions],
        "Resource": topic_arn(topic.scope, topic.name),
        "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return msgspec.json.encode(policy).decode()


def policy_of(topic: Topic) -> str:
    """Return the access policy of a topic."""
    return topic.config.labels.get("Policy") or default_policy(topic)


def _show(topic: Topic, confirmed: int, pending: int) -> dict[str, str]:
    _realm, account, _region = topic.scope.split("/")
    config = topic.config
    shown = {
        "TopicArn": topic_arn(topic.scope, topic.name),
        "Owner": account,
        "Policy": policy_of(topic),
        "DisplayName": "",
        "EffectiveDeliveryPolicy": show_topic_policy(config.labels.get(POLICY, "")),
        "SubscriptionsConfirmed": str(confirmed),
        "SubscriptionsPending": str(pending),
        "SubscriptionsDeleted": "0",
    }
    if config.ordered:
        shown["FifoTopic"] = "true"
        shown["ContentBasedDeduplication"] = "true" if config.content_dedup else "false"
        shown["FifoThroughputScope"] = "MessageGroup" if config.dedup_by_key else "Topic"
    return shown | config.labels


def _apply(config: TopicConfig, attributes: Mapping[str, str]) -> TopicConfig:
    """Return the configuration with attributes set."""
    changes: dict[str, Any] = {}
    labels = dict(config.labels)
    for name, value in attributes.items():
        if name == "FifoTopic":
            if (value == "true") != config.ordered:
                raise invalid("Attributes Reason: FifoTopic")
        elif name == "ContentBasedDeduplication" and config.ordered:
            changes["content_dedup"] = _flag(name, value)
        elif name == "FifoThroughputScope" and config.ordered:
            if value not in ("Topic", "MessageGroup"):
                raise invalid(f"Attributes Reason: {name}: {value}")
            changes["dedup_by_key"] = value == "MessageGroup"
        elif name == ARCHIVE_POLICY and (value or ARCHIVE_POLICY in labels):
            policy = check_archive_policy(value, ordered=config.ordered)
            changes["in_turn"] = bool(policy)
            _put(labels, name, policy)
        elif name in _LABELS:
            _set_label(labels, name, value)
        elif name in _SAMPLE_RATES:
            if not _PERCENT.fullmatch(value):
                raise invalid(f"Attributes Reason: {name}: {value}")
            labels[name] = value
        elif name in _UNSUPPORTED:
            # Taking back what can't have been set changes nothing.
            if value:
                raise unsupported(f"the attribute {name}")
        else:
            raise invalid("AttributeName" if len(attributes) == 1 else f"Attributes Reason: Unknown attribute: {name}")
    return msgspec.structs.replace(config, labels=labels, **changes)


def _set_label(labels: dict[str, str], name: str, value: str) -> None:
    if name == "Policy" and value:
        try:
            valid = isinstance(msgspec.json.decode(value), dict)
        except msgspec.DecodeError:
            valid = False
        if not valid:
            raise invalid("Policy Error: null")
    elif name == POLICY:
        check_topic_policy(value)
    elif value and value not in _CHOICES.get(name, (value,)):
        raise invalid(f"Attributes Reason: {name}: {value}")
    elif name == DISPLAY_NAME and (len(value) > DISPLAY_NAME_CHARS_MAX or not _DISPLAYABLE.fullmatch(value)):
        raise invalid(f"Attributes Reason: {name}")
    _put(labels, name, value)


def _put(labels: dict[str, str], name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _flag(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Attributes Reason: {name}: Invalid value: {value}")
    return value == "true"


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_MAX:
        raise AwsError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
    return tags


async def _change_tagged(sns: Sns, arn: str, change: Any) -> None:
    try:
        await sns.store.run(topics.update, read_topic(arn, "ResourceArn"), change)
    except TopicNotFoundError:
        raise _no_such_resource() from None


def _no_such_resource() -> AwsError:
    return AwsError("ResourceNotFound", "Resource does not exist", 404)


OPERATIONS: Final = (
    create_topic,
    delete_topic,
    get_topic_attributes,
    list_tags_for_resource,
    list_topics,
    set_topic_attributes,
    tag_resource,
    untag_resource,
)
