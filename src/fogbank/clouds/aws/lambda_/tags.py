"""AWS Lambda's tags, of functions and event source mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.finding import find
from fogbank.clouds.aws.lambda_.names import read_unqualified
from fogbank.engines.functions import functions, triggers

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import FunctionConfig, Trigger

TAGS_MAX: Final = 50


class TagResource(Input):
    """Input of TagResource."""

    Resource: str
    Tags: dict[str, str]


@operation(TagResource)
async def tag_resource(lambda_: Lambda, call: Call, request: TagResource) -> Reply:
    """Add tags to a function or a mapping, or replace those of the same keys."""
    await _change_tags(lambda_, call, request.Resource, lambda tags: {**tags, **request.Tags})
    return None


class UntagResource(Input):
    """Input of UntagResource."""

    Resource: str
    TagKeys: list[str]


@operation(UntagResource)
async def untag_resource(lambda_: Lambda, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""

    def change(tags: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in tags.items() if key not in request.TagKeys}

    await _change_tags(lambda_, call, request.Resource, change)
    return None


class ListTags(Input):
    """Input of ListTags."""

    Resource: str


@operation(ListTags)
async def list_tags(lambda_: Lambda, call: Call, request: ListTags) -> Reply:
    """Return the tags of a function or a mapping."""
    mapping = _mapping_id(request.Resource)
    if mapping is not None:
        return {"Tags": (await lambda_.store.read(triggers.find, call.scope, mapping)).config.tags}
    return {"Tags": (await find(lambda_, read_unqualified(call, request.Resource))).config.tags}


async def _change_tags(
    lambda_: Lambda, call: Call, resource: str, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    def checked(tags: dict[str, str]) -> dict[str, str]:
        changed = change(tags)
        if len(changed) > TAGS_MAX:
            raise invalid(f"A resource can have {TAGS_MAX} tags at most.")
        return changed

    mapping = _mapping_id(resource)
    if mapping is not None:

        def change_trigger(trigger: Trigger) -> Trigger:
            config = trigger.config
            return trigger._replace(config=msgspec.structs.replace(config, tags=checked(config.tags)))

        await lambda_.store.run(triggers.update, call.scope, mapping, change_trigger)
        return
    name = read_unqualified(call, resource)
    await find(lambda_, name)

    def change_config(config: FunctionConfig) -> FunctionConfig:
        return msgspec.structs.replace(config, tags=checked(config.tags))

    await lambda_.store.run(functions.set_facts, name.key, change_config)


def _mapping_id(resource: str) -> str | None:
    """Return the id of the mapping that an ARN names, None if it names a function."""
    arn = parse_arn(resource)
    if arn is None or arn.service != "lambda":
        raise invalid(f"{resource} is not the ARN of a function or an event source mapping.")
    kind, _, rest = arn.resource.partition(":")
    if kind == "event-source-mapping":
        return rest
    if kind != "function":
        raise unsupported(f"tags of {kind}s")
    return None


OPERATIONS: Final = (list_tags, tag_resource, untag_resource)
