"""Targets of rules: each is a subscription of the rule's bus, with the rule's pattern as its filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.events.couriers import API_COURIER, TARGET_COURIER, retry_of
from fogbank.clouds.aws.events.destinations.api_destinations import find_destination
from fogbank.clouds.aws.events.errors import invalid, too_many, unsupported
from fogbank.clouds.aws.events.rendering import ARN, RULE, RULE_OF, TARGET, Target, read_target
from fogbank.clouds.aws.events.service import (
    DEFAULT,
    FOLDER,
    PAGE_MAX,
    Events,
    bus_name,
    find_bus,
    find_rule,
    read_bus,
    read_next,
    read_rule,
    rule_arn,
    rule_prefix,
)
from fogbank.clouds.aws.events.transforming import InvalidTemplateError, check_template
from fogbank.clouds.aws.paging import page
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, LOG, QUEUE, TOPIC, endpoint_of
from fogbank.engines.messaging.topic_model import Subscription, SubscriptionConfig
from fogbank.languages.json_paths import InvalidPathError, compile_path

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx

# "Amazon EventBridge quotas": targets of a rule.
TARGETS_MAX: Final = 5
# "API destinations": a request may take 5 seconds.
API_SECONDS_MAX: Final = 5
_FIFO: Final = ".fifo"


class PutTargets(Input):
    """Input of PutTargets."""

    Rule: str
    Targets: list[Target]
    EventBusName: str | None = None


@operation(PutTargets)
async def put_targets(events: Events, call: Call, request: PutTargets) -> Reply:
    """Add targets to a rule, or replace those of the same ids."""
    bus = read_bus(call, request.EventBusName)
    placed = [(target, *_place(target)) for target in request.Targets]
    await events.store.run(_put, bus, request.Rule, placed, events.ids.sequence(), events.ids.sequence())
    return {"FailedEntryCount": 0, "FailedEntries": []}


async def _put(
    tx: Tx, now_us: int, bus: Name, rule_name: str, placed: list[tuple[Target, str, str]], number: int, other: int
) -> None:
    topic = await find_bus(tx, now_us, bus, number)
    rule = read_rule(await find_rule(tx, now_us, topic, rule_name))
    prefix = rule_prefix(bus_name(bus), rule_name)
    there = {each.id for each in await topics.subscriptions_by_id(tx, now_us, topic.id) if each.id.startswith(prefix)}
    if len(there | {prefix + target.Id for target, _, _ in placed}) > TARGETS_MAX:
        raise too_many()
    for target, kind, endpoint in placed:
        if kind == TOPIC and endpoint.endswith(f"/{FOLDER}/{DEFAULT}"):
            # The default bus of another region is there, too.
            await find_bus(tx, now_us, (endpoint.removesuffix(f"/{FOLDER}/{DEFAULT}"), f"{FOLDER}/{DEFAULT}"), other)
        if kind == HTTP:
            await find_destination(tx, now_us, target.Arn)
        labels = {
            RULE: rule_name,
            RULE_OF: rule_arn(bus[0], bus_name(bus), rule_name),
            ARN: target.Arn,
            TARGET: msgspec.json.encode(target).decode(),
        }
        config = SubscriptionConfig(
            filter=rule.pattern,
            enabled=rule.enabled,
            labels=labels,
            courier=API_COURIER if kind == HTTP else TARGET_COURIER,
            retry=retry_of(target.RetryPolicy),
            dead_letter=dead_letters_of(target),
            seconds_max=API_SECONDS_MAX,
        )
        await topics.put_subscription(
            tx, now_us, Subscription(topic.id, prefix + target.Id, *bus, kind, endpoint, config)
        )


class RemoveTargets(Input):
    """Input of RemoveTargets."""

    Rule: str
    Ids: list[str]
    EventBusName: str | None = None
    Force: bool = False


@operation(RemoveTargets)
async def remove_targets(events: Events, call: Call, request: RemoveTargets) -> Reply:
    """Remove targets from a rule; those that aren't there are told of."""
    bus = read_bus(call, request.EventBusName)

    async def remove(tx: Tx, now_us: int, number: int) -> list[str]:
        topic = await find_bus(tx, now_us, bus, number)
        await find_rule(tx, now_us, topic, request.Rule)
        prefix = rule_prefix(bus_name(bus), request.Rule)
        return [each for each in request.Ids if not await topics.unsubscribe(tx, now_us, bus[0], prefix + each)]

    missing = await events.store.run(remove, events.ids.sequence())
    failed = [
        {
            "TargetId": each,
            "ErrorCode": "ResourceNotFoundException",
            "ErrorMessage": f"Rule {request.Rule} does not have a target with the Id {each}.",
        }
        for each in missing
    ]
    return {"FailedEntryCount": len(failed), "FailedEntries": failed}


class ListTargetsByRule(Input):
    """Input of ListTargetsByRule."""

    Rule: str
    EventBusName: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListTargetsByRule)
async def list_targets_by_rule(events: Events, call: Call, request: ListTargetsByRule) -> Reply:
    """List a rule's targets in the order of their ids."""
    bus = read_bus(call, request.EventBusName)
    after = read_next(request.NextToken)

    async def find(tx: Tx, now_us: int, number: int) -> list[Subscription]:
        topic = await find_bus(tx, now_us, bus, number)
        await find_rule(tx, now_us, topic, request.Rule)
        prefix = rule_prefix(bus_name(bus), request.Rule)
        every = await topics.subscriptions_by_id(tx, now_us, topic.id)
        return [each for each in every if each.id.startswith(prefix) and each.id > after]

    found = await events.store.run(find, events.ids.sequence())
    return page("Targets", found, request.Limit, lambda each: each.id, _show)


def _show(subscription: Subscription) -> dict[str, Any]:
    return _without_nothing(msgspec.to_builtins(read_target(subscription.config.labels[TARGET])))


def _without_nothing(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nothing(value) if isinstance(value, dict) else value
        for name, value in shown.items()
        if value is not None and value != [] and value != {}
    }


def _place(target: Target) -> tuple[str, str]:
    """Return the engine's kind and endpoint of a target, or raise the error for one that can't be."""
    given = [name for name in ("Input", "InputPath", "InputTransformer") if getattr(target, name) is not None]
    if len(given) > 1:
        raise invalid(f"Only one of Input, InputPath, or InputTransformer must be provided for target {target.Id}.")
    _check_input(target)
    dead_letters_of(target)
    arn = parse_arn(target.Arn)
    if arn is None:
        raise invalid(f"Parameter {target.Arn} is not valid. Reason: Provided Arn is not in correct format.")
    kind, endpoint = place_of(arn)
    group = (target.SqsParameters.MessageGroupId or "") if target.SqsParameters is not None else ""
    if kind == QUEUE and arn.resource.endswith(_FIFO) and not group:
        raise invalid(f"Parameter(s) SqsParameters must be specified for target: {target.Id}.")
    if group and not (kind == QUEUE and arn.resource.endswith(_FIFO)):
        raise invalid(f"Parameter(s) SqsParameters not valid for target: {target.Id}.")
    if target.HttpParameters is not None and kind != HTTP:
        raise invalid(f"Parameter(s) HttpParameters not valid for target: {target.Id}.")
    return kind, endpoint


def place_of(arn: Arn) -> tuple[str, str]:
    """Return the engine's kind and endpoint of what an ARN names; raises the error for what can't be a target."""
    if arn.service == "sqs" and ":" not in arn.resource:
        return QUEUE, endpoint_of(arn.scope, arn.resource)
    if arn.service == "sns" and ":" not in arn.resource:
        return TOPIC, endpoint_of(arn.scope, arn.resource)
    if arn.service == "lambda" and arn.resource.startswith("function:"):
        return FUNCTION, endpoint_of(arn.scope, arn.resource.removeprefix("function:"))
    if arn.service == "events" and arn.resource.startswith("event-bus/"):
        return TOPIC, endpoint_of(arn.scope, f"{FOLDER}/{arn.resource.removeprefix('event-bus/')}")
    if arn.service == "events" and arn.resource.startswith("api-destination/"):
        return HTTP, str(arn)
    if arn.service == "logs" and arn.resource.startswith("log-group:"):
        return LOG, endpoint_of(arn.scope, arn.resource.removeprefix("log-group:").removesuffix(":*"))
    raise unsupported(f"targets of {arn.service}: {arn}")


def dead_letters_of(target: Target) -> str:
    """Return the endpoint of the queue for a target's dead letters, "" for none."""
    if target.DeadLetterConfig is None or not target.DeadLetterConfig.Arn:
        return ""
    arn = parse_arn(target.DeadLetterConfig.Arn)
    if arn is None or arn.service != "sqs" or arn.resource.endswith(_FIFO):
        raise invalid(
            f"Parameter DeadLetterConfig.Arn is not valid for target {target.Id}. Reason: it must be the ARN of a"
            " standard Amazon SQS queue."
        )
    return endpoint_of(arn.scope, arn.resource)


def _check_input(target: Target) -> None:
    if target.Input is not None:
        try:
            msgspec.json.decode(target.Input)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise invalid(f"JSON syntax error in input for target {target.Id}.") from None
    if target.InputPath is not None:
        try:
            compile_path(target.InputPath)
        except InvalidPathError:
            raise invalid(f"Invalid InputPath for target {target.Id}.") from None
    if target.InputTransformer is not None:
        try:
            check_template(target.InputTransformer.InputTemplate, target.InputTransformer.InputPathsMap)
        except InvalidTemplateError as error:
            raise invalid(f"Invalid InputTemplate for target {target.Id} : {error}.") from None


OPERATIONS: Final = (list_targets_by_rule, put_targets, remove_targets)
