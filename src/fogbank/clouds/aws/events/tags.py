"""Tags of event buses and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.events.errors import invalid, not_found
from fogbank.clouds.aws.events.service import (
    DEFAULT,
    FOLDER,
    Events,
    find_bus,
    find_rule,
    read_rule,
    rule_kind,
)
from fogbank.engines.messaging import records, topics
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.engines.messaging.records import Record
    from fogbank.engines.messaging.topic_model import TopicConfig
    from fogbank.storage import Tx

    Change = Callable[[dict[str, str]], dict[str, str]]

TAGS_MAX: Final = 50


class Tag(Input):
    """A tag."""

    Key: str
    Value: str


def read_tags(tags: Iterable[Tag]) -> dict[str, str]:
    """Return tags by their keys, or raise the error for too many."""
    return _checked({tag.Key: tag.Value for tag in tags})


class TagResource(Input):
    """Input of TagResource."""

    ResourceARN: str
    Tags: list[Tag]


@operation(TagResource)
async def tag_resource(events: Events, call: Call, request: TagResource) -> Reply:
    """Add tags to a bus or rule, or replace those of the same keys."""
    del call
    added = {tag.Key: tag.Value for tag in request.Tags}
    await _change(events, request.ResourceARN, lambda tags: _checked({**tags, **added}))
    return {}


class UntagResource(Input):
    """Input of UntagResource."""

    ResourceARN: str
    TagKeys: list[str]


@operation(UntagResource)
async def untag_resource(events: Events, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""
    del call
    gone = frozenset(request.TagKeys)
    await _change(
        events, request.ResourceARN, lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )
    return {}


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    ResourceARN: str


@operation(ListTagsForResource)
async def list_tags_for_resource(events: Events, call: Call, request: ListTagsForResource) -> Reply:
    """Return the tags of a bus or rule."""
    del call
    tags = await _change(events, request.ResourceARN, None)
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def _change(events: Events, text: str, change: Change | None) -> dict[str, str]:
    """Change the tags of what an ARN names, if they are to be changed; returns them."""
    arn = parse_arn(text)
    if arn is None or arn.service != "events":
        raise invalid(f"Parameter ResourceARN is not valid. Reason: {text} is no ARN of EventBridge.")
    kind, _, rest = arn.resource.partition("/")
    if kind not in ("event-bus", "rule"):
        raise not_found(f"{text} has no tags: only event buses and rules have.")
    bus, _, rule = rest.rpartition("/") if kind == "rule" else (rest, "", "")
    return await events.store.run(_apply, arn.scope, bus or DEFAULT, rule, events.ids.sequence(), change)


async def _apply(
    tx: Tx, now_us: int, scope: str, bus: str, rule: str, number: int, change: Change | None
) -> dict[str, str]:
    topic = await find_bus(tx, now_us, (scope, f"{FOLDER}/{bus}"), number)
    if not rule:
        if change is None:
            return topic.config.tags

        def tagged(config: TopicConfig) -> TopicConfig:
            return msgspec.structs.replace(config, tags=change(config.tags))

        return (await topics.update(tx, now_us, (topic.scope, topic.name), tagged)).config.tags
    record = await find_rule(tx, now_us, topic, rule)
    if change is not None:

        def rewritten(record: Record) -> bytes:
            found = read_rule(record)
            return msgspec.json.encode(msgspec.structs.replace(found, tags=change(found.tags)))

        record = await records.update(tx, now_us, scope, rule_kind(bus), rule, rewritten)
    return read_rule(record).tags


def _checked(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_MAX:
        raise AwsError("LimitExceededException", "A resource can have no more than 50 tags.")
    return tags


OPERATIONS: Final = (list_tags_for_resource, tag_resource, untag_resource)
