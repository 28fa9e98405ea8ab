"""Rules: which events of a bus go to their targets, or when the clock sends them one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.events.errors import invalid, too_many, unsupported
from fogbank.clouds.aws.events.patterns import check_pattern
from fogbank.clouds.aws.events.rendering import ARN
from fogbank.clouds.aws.events.rendering import RULE as RULE_LABEL
from fogbank.clouds.aws.events.schedules import config_of
from fogbank.clouds.aws.events.service import (
    DEFAULT,
    PAGE_MAX,
    Events,
    Rule,
    bus_name,
    find_bus,
    find_rule,
    read_bus,
    read_next,
    read_rule,
    rule_arn,
    rule_kind,
    rule_prefix,
    schedule_name,
)
from fogbank.clouds.aws.events.tags import Tag, read_tags
from fogbank.clouds.aws.paging import page, write_token
from fogbank.engines.messaging import records, topics
from fogbank.engines.messaging.errors import RecordNotFoundError
from fogbank.engines.schedules import schedules
from fogbank.engines.schedules.errors import ScheduleNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.records import Record
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.storage import Tx

# "Amazon EventBridge quotas": rules of a bus.
RULES_MAX: Final = 300


class PutRule(Input):
    """Input of PutRule."""

    Name: str
    ScheduleExpression: str | None = None
    EventPattern: str | None = None
    State: str = "ENABLED"
    Description: str | None = None
    RoleArn: str | None = None
    Tags: list[Tag] | None = None
    EventBusName: str | None = None


@operation(PutRule)
async def put_rule(events: Events, call: Call, request: PutRule) -> Reply:
    """Create a rule, or replace all of one but its targets and tags."""
    bus = read_bus(call, request.EventBusName)
    if not request.EventPattern and not request.ScheduleExpression:
        raise invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if request.State not in ("ENABLED", "DISABLED"):
        raise unsupported(f"the rule state {request.State}")
    if request.ScheduleExpression and bus_name(bus) != DEFAULT:
        raise invalid("ScheduleExpression is supported only on the default event bus.")
    if request.ScheduleExpression and config_of(request.ScheduleExpression, 0, enabled=True, account="") is None:
        raise invalid("Parameter ScheduleExpression is not valid.")
    rule = Rule(
        check_pattern(request.EventPattern) if request.EventPattern else "",
        request.ScheduleExpression or "",
        request.State == "ENABLED",
        request.Description or "",
        request.RoleArn or "",
        read_tags(request.Tags or ()),
        call.account,
    )
    await events.store.run(_put, bus, request.Name, rule, events.ids.sequence())
    return {"RuleArn": rule_arn(bus[0], bus_name(bus), request.Name)}


async def _put(tx: Tx, now_us: int, bus: Name, name: str, rule: Rule, number: int) -> None:
    topic = await find_bus(tx, now_us, bus, number)
    kind = rule_kind(bus_name(bus))
    before: Rule | None = None

    def replaced(record: Record) -> bytes:
        nonlocal before
        before = read_rule(record)
        return msgspec.json.encode(msgspec.structs.replace(rule, tags=before.tags))

    try:
        await records.update(tx, now_us, topic.scope, kind, name, replaced)
    except RecordNotFoundError:
        if len(await records.list_records(tx, now_us, topic.scope, kind, limit=RULES_MAX)) >= RULES_MAX:
            raise too_many() from None
        await records.add(tx, now_us, topic.scope, kind, name, number, msgspec.json.encode(rule))
    await _follow(tx, now_us, topic, name, rule, before)
    if rule.schedule != (before.schedule if before else "") or not rule.schedule:
        await _unschedule(tx, now_us, topic.scope, name, bus_name(bus))
        config = config_of(rule.schedule, now_us, enabled=rule.enabled, account=rule.account)
        if config is not None:
            await schedules.create(tx, now_us, (topic.scope, schedule_name(name)), number, config, now_us)


async def _follow(tx: Tx, now_us: int, topic: Topic, name: str, rule: Rule, before: Rule | None) -> None:
    """Let the rule's targets and its schedule be as the rule is."""
    if before is None or (before.pattern, before.enabled) != (rule.pattern, rule.enabled):
        prefix = rule_prefix(bus_name((topic.scope, topic.name)), name)
        for each in await topics.subscriptions_by_id(tx, now_us, topic.id):
            if each.id.startswith(prefix):
                config = msgspec.structs.replace(each.config, filter=rule.pattern, enabled=rule.enabled)
                await topics.put_subscription(tx, now_us, each._replace(config=config))
    if rule.schedule and before is not None and before.schedule == rule.schedule and before.enabled != rule.enabled:
        await schedules.update(
            tx,
            now_us,
            (topic.scope, schedule_name(name)),
            lambda config: msgspec.structs.replace(config, enabled=rule.enabled),
        )


async def _unschedule(tx: Tx, now_us: int, scope: str, name: str, bus: str) -> None:
    if bus != DEFAULT:
        return
    try:
        await schedules.delete(tx, now_us, (scope, schedule_name(name)))
    except ScheduleNotFoundError:
        return


class DescribeRule(Input):
    """Input of DescribeRule."""

    Name: str
    EventBusName: str | None = None


@operation(DescribeRule)
async def describe_rule(events: Events, call: Call, request: DescribeRule) -> Reply:
    """Return all of a rule."""
    bus = read_bus(call, request.EventBusName)
    record = await events.store.run(_find, bus, request.Name, events.ids.sequence())
    return {**_show(bus, record), "CreatedBy": read_rule(record).account}


async def _find(tx: Tx, now_us: int, bus: Name, name: str, number: int) -> Record:
    return await find_rule(tx, now_us, await find_bus(tx, now_us, bus, number), name)


class ListRules(Input):
    """Input of ListRules."""

    NamePrefix: str | None = None
    EventBusName: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListRules)
async def list_rules(events: Events, call: Call, request: ListRules) -> Reply:
    """List a bus's rules in the order of their names."""
    bus = read_bus(call, request.EventBusName)
    after = read_next(request.NextToken)

    async def find(tx: Tx, now_us: int, number: int) -> list[Record]:
        await find_bus(tx, now_us, bus, number)
        kind = rule_kind(bus_name(bus))
        return await records.list_records(tx, now_us, bus[0], kind, request.NamePrefix or "", after, request.Limit + 1)

    found = await events.store.run(find, events.ids.sequence())
    return page("Rules", found, request.Limit, lambda record: record.name, lambda record: _show(bus, record))


class DeleteRule(Input):
    """Input of DeleteRule."""

    Name: str
    EventBusName: str | None = None
    Force: bool = False


@operation(DeleteRule)
async def delete_rule(events: Events, call: Call, request: DeleteRule) -> Reply:
    """Delete a rule that has no targets; one that isn't there counts as deleted."""
    bus = read_bus(call, request.EventBusName)

    async def delete(tx: Tx, now_us: int, number: int) -> None:
        topic = await find_bus(tx, now_us, bus, number)
        prefix = rule_prefix(bus_name(bus), request.Name)
        if any(each.id.startswith(prefix) for each in await topics.subscriptions_by_id(tx, now_us, topic.id)):
            raise invalid("Rule can't be deleted since it has targets.")
        await records.delete(tx, now_us, bus[0], rule_kind(bus_name(bus)), request.Name)
        await _unschedule(tx, now_us, bus[0], request.Name, bus_name(bus))

    await events.store.run(delete, events.ids.sequence())
    return None


class EnableRule(Input):
    """Input of EnableRule."""

    Name: str
    EventBusName: str | None = None


@operation(EnableRule)
async def enable_rule(events: Events, call: Call, request: EnableRule) -> Reply:
    """Let a rule send."""
    await _switch(events, read_bus(call, request.EventBusName), request.Name, enabled=True)
    return None


class DisableRule(Input):
    """Input of DisableRule."""

    Name: str
    EventBusName: str | None = None


@operation(DisableRule)
async def disable_rule(events: Events, call: Call, request: DisableRule) -> Reply:
    """Let a rule send nothing for a while."""
    await _switch(events, read_bus(call, request.EventBusName), request.Name, enabled=False)
    return None


async def _switch(events: Events, bus: Name, name: str, *, enabled: bool) -> None:
    async def switch(tx: Tx, now_us: int, number: int) -> None:
        topic = await find_bus(tx, now_us, bus, number)
        before = read_rule(await find_rule(tx, now_us, topic, name))
        rule = msgspec.structs.replace(before, enabled=enabled)
        await records.update(
            tx, now_us, bus[0], rule_kind(bus_name(bus)), name, lambda _record: msgspec.json.encode(rule)
        )
        await _follow(tx, now_us, topic, name, rule, before)

    await events.store.run(switch, events.ids.sequence())


class ListRuleNamesByTarget(Input):
    """Input of ListRuleNamesByTarget."""

    TargetArn: str
    EventBusName: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListRuleNamesByTarget)
async def list_rule_names_by_target(events: Events, call: Call, request: ListRuleNamesByTarget) -> Reply:
    """List the names of the rules that have a target of that ARN."""
    bus = read_bus(call, request.EventBusName)
    after = read_next(request.NextToken)

    async def find(tx: Tx, now_us: int, number: int) -> list[str]:
        topic = await find_bus(tx, now_us, bus, number)
        every = await topics.subscriptions_by_id(tx, now_us, topic.id)
        labels = [each.config.labels for each in every]
        return sorted({each[RULE_LABEL] for each in labels if each.get(ARN) == request.TargetArn})

    names = [name for name in await events.store.run(find, events.ids.sequence()) if name > after]
    reply: dict[str, Any] = {"RuleNames": names[: request.Limit]}
    if len(names) > request.Limit:
        reply["NextToken"] = write_token(names[request.Limit - 1])
    return reply


def _show(bus: Name, record: Record) -> dict[str, Any]:
    rule = read_rule(record)
    shown: dict[str, Any] = {
        "Name": record.name,
        "Arn": rule_arn(bus[0], bus_name(bus), record.name),
        "State": "ENABLED" if rule.enabled else "DISABLED",
        "EventBusName": bus_name(bus),
    }
    optional = {
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "Description": rule.description,
        "RoleArn": rule.role,
    }
    return shown | {name: value for name, value in optional.items() if value}


OPERATIONS: Final = (
    delete_rule,
    describe_rule,
    disable_rule,
    enable_rule,
    list_rule_names_by_target,
    list_rules,
    put_rule,
)
