"""Event buses: each is a topic; the default one is there from the start."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, epoch_seconds, operation
from fogbank.clouds.aws.events.errors import invalid, too_many, unsupported
from fogbank.clouds.aws.events.rendering import DeadLetters
from fogbank.clouds.aws.events.service import (
    DEFAULT,
    DIALECT,
    FOLDER,
    PAGE_MAX,
    Events,
    bus_arn,
    bus_name,
    find_bus,
    read_bus,
    read_next,
    rule_kind,
)
from fogbank.clouds.aws.events.tags import Tag, read_tags
from fogbank.clouds.aws.paging import page
from fogbank.engines.messaging import records, topics
from fogbank.engines.messaging.errors import TopicNotFoundError
from fogbank.engines.messaging.topic_model import TopicConfig
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.storage import Tx

# Labels of a bus's topic.
DESCRIPTION: Final = "description"
DEAD_LETTERS: Final = "dead-letters"
POLICY: Final = "policy"
MODIFIED: Final = "modified-us"
# "Amazon EventBridge quotas": event buses of an account.
BUSES_MAX: Final = 100
_NAME: Final = re.compile(r"[.\-_A-Za-z0-9]{1,256}")


class CreateEventBus(Input):
    """Input of CreateEventBus."""

    Name: str
    Description: str | None = None
    DeadLetterConfig: DeadLetters | None = None
    Tags: list[Tag] | None = None
    EventSourceName: str | None = None


@operation(CreateEventBus)
async def create_event_bus(events: Events, call: Call, request: CreateEventBus) -> Reply:
    """Create an event bus of one's own."""
    if request.EventSourceName is not None or request.Name.startswith("aws."):
        raise unsupported("event buses of partner event sources")
    if not _NAME.fullmatch(request.Name):
        raise invalid(f"Parameter Name is not valid. Reason: {request.Name} must not contain '/'.")
    name = read_bus(call, request.Name)
    labels = _labels(request.Description, request.DeadLetterConfig)
    config = TopicConfig(dialect=DIALECT, dedup_window_seconds=0, labels=labels, tags=read_tags(request.Tags or ()))
    await events.store.run(_create, name, events.ids.sequence(), config)
    return {"EventBusArn": bus_arn(name), **_settings(config)}


async def _create(tx: Tx, now_us: int, name: Name, number: int, config: TopicConfig) -> None:
    found = await topics.list_topics(tx, now_us, name[0], "", BUSES_MAX + 1, folder=FOLDER)
    if len(found) >= BUSES_MAX:
        raise too_many()
    _topic, new = await topics.create(tx, now_us, name, number, config)
    if not new or bus_name(name) == DEFAULT:
        raise AwsError("ResourceAlreadyExistsException", f"Event bus {bus_name(name)} already exists.")


class DeleteEventBus(Input):
    """Input of DeleteEventBus."""

    Name: str


@operation(DeleteEventBus)
async def delete_event_bus(events: Events, call: Call, request: DeleteEventBus) -> Reply:
    """Delete an event bus that has no rules; one that isn't there counts as deleted."""
    name = read_bus(call, request.Name, "Name")
    if bus_name(name) == DEFAULT:
        raise invalid("Cannot delete event bus default.")

    async def delete(tx: Tx, now_us: int) -> None:
        if await records.list_records(tx, now_us, name[0], rule_kind(bus_name(name)), limit=1):
            raise invalid("Event bus can't be deleted since it has rules.")
        await topics.delete(tx, now_us, name)

    await events.store.run(delete)
    return None


class DescribeEventBus(Input):
    """Input of DescribeEventBus."""

    Name: str | None = None


@operation(DescribeEventBus)
async def describe_event_bus(events: Events, call: Call, request: DescribeEventBus) -> Reply:
    """Return all of an event bus."""
    topic = await events.store.run(find_bus, read_bus(call, request.Name, "Name"), events.ids.sequence())
    return {**_show(topic), **_settings(topic.config)}


class ListEventBuses(Input):
    """Input of ListEventBuses."""

    NamePrefix: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListEventBuses)
async def list_event_buses(events: Events, call: Call, request: ListEventBuses) -> Reply:
    """List event buses in the order of their names."""
    after = read_next(request.NextToken)

    async def find(tx: Tx, now_us: int, number: int) -> list[Topic]:
        await find_bus(tx, now_us, (call.scope, f"{FOLDER}/{DEFAULT}"), number)
        every = await topics.list_topics(tx, now_us, call.scope, after, BUSES_MAX + 1, folder=FOLDER)
        return [each for each in every if each.name.startswith(f"{FOLDER}/{request.NamePrefix or ''}")]

    found = await events.store.run(find, events.ids.sequence())
    return page("EventBuses", found, request.Limit, lambda topic: topic.name, _show)


class UpdateEventBus(Input):
    """Input of UpdateEventBus."""

    Name: str | None = None
    Description: str | None = None
    DeadLetterConfig: DeadLetters | None = None


@operation(UpdateEventBus)
async def update_event_bus(events: Events, call: Call, request: UpdateEventBus) -> Reply:
    """Change an event bus's description and where its dead letters go."""
    name = read_bus(call, request.Name, "Name")

    def change(config: TopicConfig) -> TopicConfig:
        labels = {**config.labels, **_labels(request.Description, request.DeadLetterConfig)}
        return msgspec.structs.replace(config, labels=labels)

    topic = await change_bus(events, name, change)
    return {"Arn": bus_arn(name), "Name": bus_name(name), **_settings(topic.config)}


class PutPermission(Input):
    """Input of PutPermission."""

    EventBusName: str | None = None
    Action: str | None = None
    Principal: str | None = None
    StatementId: str | None = None
    Policy: str | None = None


@operation(PutPermission)
async def put_permission(events: Events, call: Call, request: PutPermission) -> Reply:
    """Keep who may put events on a bus: a statement, or a whole policy. They are not evaluated yet."""
    name = read_bus(call, request.EventBusName)
    if request.Policy is not None:
        if any((request.Action, request.Principal, request.StatementId)):
            raise invalid("Parameter Policy can't be used together with Action, Principal and StatementId.")
        policy = _read_policy(request.Policy)
    elif not (request.Action and request.Principal and request.StatementId):
        raise invalid("Parameters Action, Principal and StatementId must be specified.")
    else:
        policy = None
    everybody = request.Principal == "*"
    statement = {
        "Sid": request.StatementId,
        "Effect": "Allow",
        "Principal": "*" if everybody else {"AWS": f"arn:aws:iam::{request.Principal}:root"},
        "Action": request.Action,
        "Resource": bus_arn(name),
    }

    def change(config: TopicConfig) -> TopicConfig:
        kept = _statements(config)
        new = policy or _policy([*(each for each in kept if each.get("Sid") != request.StatementId), statement])
        return msgspec.structs.replace(config, labels={**config.labels, POLICY: msgspec.json.encode(new).decode()})

    await change_bus(events, name, change)
    return None


class RemovePermission(Input):
    """Input of RemovePermission."""

    StatementId: str | None = None
    RemoveAllPermissions: bool = False
    EventBusName: str | None = None


@operation(RemovePermission)
async def remove_permission(events: Events, call: Call, request: RemovePermission) -> Reply:
    """Take a statement back, or all of them."""

    def change(config: TopicConfig) -> TopicConfig:
        statements = _statements(config)
        kept = [each for each in statements if each.get("Sid") != request.StatementId]
        if request.RemoveAllPermissions:
            kept = []
        elif len(kept) == len(statements):
            raise AwsError("ResourceNotFoundException", "Statement with the provided id does not exist.")
        labels = {key: value for key, value in config.labels.items() if key != POLICY}
        if kept:
            labels[POLICY] = msgspec.json.encode(_policy(kept)).decode()
        return msgspec.structs.replace(config, labels=labels)

    if not request.StatementId and not request.RemoveAllPermissions:
        raise invalid("Parameter StatementId is required.")
    await change_bus(events, read_bus(call, request.EventBusName), change)
    return None


async def change_bus(events: Events, name: Name, change: Any) -> Topic:
    """Change the configuration of a bus."""

    async def apply(tx: Tx, now_us: int, number: int) -> Topic:
        await find_bus(tx, now_us, name, number)

        def changed(config: TopicConfig) -> TopicConfig:
            after: TopicConfig = change(config)
            return msgspec.structs.replace(after, labels={**after.labels, MODIFIED: str(now_us)})

        return await topics.update(tx, now_us, name, changed)

    try:
        return await events.store.run(apply, events.ids.sequence())
    except TopicNotFoundError:
        raise invalid(f"Event bus {bus_name(name)} does not exist.") from None


def _labels(description: str | None, dead_letters: DeadLetters | None) -> dict[str, str]:
    labels = {}
    if description is not None:
        labels[DESCRIPTION] = description
    if dead_letters is not None:
        labels[DEAD_LETTERS] = dead_letters.Arn or ""
    return labels


def _settings(config: TopicConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if config.labels.get(DESCRIPTION):
        shown["Description"] = config.labels[DESCRIPTION]
    if config.labels.get(DEAD_LETTERS):
        shown["DeadLetterConfig"] = {"Arn": config.labels[DEAD_LETTERS]}
    return shown


def _show(topic: Topic) -> dict[str, Any]:
    name = (topic.scope, topic.name)
    shown = {
        "Name": bus_name(name),
        "Arn": bus_arn(name),
        "CreationTime": epoch_seconds(topic.created_us),
        "LastModifiedTime": epoch_seconds(int(topic.config.labels.get(MODIFIED, topic.created_us))),
    }
    if POLICY in topic.config.labels:
        shown["Policy"] = topic.config.labels[POLICY]
    if topic.config.labels.get(DESCRIPTION):
        shown["Description"] = topic.config.labels[DESCRIPTION]
    return shown


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _statements(config: TopicConfig) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = msgspec.json.decode(config.labels.get(POLICY, '{"Statement": []}'))["Statement"]
    return kept


def _read_policy(text: str) -> dict[str, Any]:
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        policy = None
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list | dict):
        raise invalid("Parameter Policy is not valid. Reason: it is no policy document in JSON.")
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if not all(isinstance(each, dict) for each in statements):
        raise invalid("Parameter Policy is not valid. Reason: its statements must be objects.")
    return {**policy, "Statement": statements}


OPERATIONS: Final = (
    create_event_bus,
    delete_event_bus,
    describe_event_bus,
    list_event_buses,
    put_permission,
    remove_permission,
    update_event_bus,
)
