"""AWS Lambda's event source mappings: queues and streams that trigger functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation, scope_key
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.dynamodb.streams.names import feed_of, stream_arn
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.finding import find_version, read_marker
from fogbank.clouds.aws.lambda_.mappings.criteria import check_filters
from fogbank.clouds.aws.lambda_.mappings.stream_settings import (
    RESULTS,
    StreamSettings,
    as_stream,
    check_stream,
    find_stream,
    is_stream,
    refuse_for_queues,
    show_stream_settings,
    stream_changes,
)
from fogbank.clouds.aws.lambda_.names import FunctionName, qualified_arn, read_name
from fogbank.clouds.aws.paging import write_token
from fogbank.connectors.piping import feeds
from fogbank.connectors.queue_triggers import KIND
from fogbank.engines.functions import triggers
from fogbank.engines.functions.model import Trigger, TriggerConfig
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.messaging.model import Queue

FORMAT: Final = "aws.sqs"
PAGE_MAX: Final = 100
BATCH_MAX: Final = 10_000
BATCH_WITHOUT_WINDOW_MAX: Final = 10
PARTIAL: Final = "ReportBatchItemFailures"
_USER: Final = "USER_INITIATED"


class ScalingConfig(Input):
    """How many batches may be worked on at once."""

    MaximumConcurrency: int | None = None


class Filter(Input):
    """A pattern that events must match."""

    Pattern: str | None = None


class FilterCriteria(Input):
    """The patterns, one of which an event must match."""

    Filters: list[Filter] | None = None


class CreateEventSourceMapping(StreamSettings, kw_only=True):
    """Input of CreateEventSourceMapping."""

    FunctionName: str
    EventSourceArn: str | None = None
    BatchSize: int | None = None
    Enabled: bool = True
    FilterCriteria: FilterCriteria | None = None
    FunctionResponseTypes: list[str] | None = None
    MaximumBatchingWindowInSeconds: int | None = None
    ScalingConfig: ScalingConfig | None = None
    StartingPosition: str | None = None
    Tags: dict[str, str] | None = None


@operation(CreateEventSourceMapping)
async def create_event_source_mapping(lambda_: Lambda, call: Call, request: CreateEventSourceMapping) -> Reply:
    """Let a queue or a stream trigger a function."""
    name = read_name(call, request.FunctionName)
    function = await find_version(lambda_, name)
    config = TriggerConfig(
        kind=KIND,
        format=FORMAT,
        enabled=request.Enabled,
        tags=request.Tags or {},
        context=name.context,
        **_changes(request),
    )
    number, target = lambda_.ids.uuid(), (name.name, name.qualifier or "")
    if is_stream(request.EventSourceArn):
        feed = await find_stream(lambda_, str(request.EventSourceArn))
        config = as_stream(config, request, request.StartingPosition)
        trigger = await lambda_.store.run(feeds.create, name.key[0], number, target[0], feed, config, target[1])
        return await _show(lambda_, trigger, "Creating")
    queue = await _find_source(lambda_, request.EventSourceArn)
    refuse_for_queues(request)
    _check(config, queue, function.config.timeout_seconds)
    source = f"{queue.scope}/{queue.name}"
    trigger = await lambda_.store.run(triggers.create, name.key[0], number, target[0], source, config, target[1])
    return await _show(lambda_, trigger, "Creating")


class GetEventSourceMapping(Input):
    """Input of GetEventSourceMapping."""

    UUID: str


@operation(GetEventSourceMapping)
async def get_event_source_mapping(lambda_: Lambda, call: Call, request: GetEventSourceMapping) -> Reply:
    """Return a mapping."""
    return await _show(lambda_, await lambda_.store.read(triggers.find, call.scope, request.UUID))


class ListEventSourceMappings(Input):
    """Input of ListEventSourceMappings."""

    EventSourceArn: str | None = None
    FunctionName: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListEventSourceMappings)
async def list_event_source_mappings(lambda_: Lambda, call: Call, request: ListEventSourceMappings) -> Reply:
    """List mappings, all or those of a function or a source."""
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    function = None if request.FunctionName is None else read_name(call, request.FunctionName)
    source = None if request.EventSourceArn is None else _source_key(request.EventSourceArn)
    found: list[Trigger] = []
    after = read_marker(request.Marker, str, "")
    more = False
    while not more:
        page = await lambda_.store.read(triggers.list_triggers, call.scope, after, PAGE_MAX)
        for trigger in page:
            if (function is None or _is_for(trigger, function)) and source in (None, trigger.source):
                more = len(found) == limit
                if more:
                    break
                found.append(trigger)
        if len(page) < PAGE_MAX:
            break
        after = page[-1].id
    reply: dict[str, Any] = {"EventSourceMappings": [await _show(lambda_, trigger) for trigger in found]}
    if more:
        reply["NextMarker"] = write_token(found[-1].id)
    return reply


class UpdateEventSourceMapping(StreamSettings, kw_only=True):
    """Input of UpdateEventSourceMapping."""

    UUID: str
    FunctionName: str | None = None
    BatchSize: int | None = None
    Enabled: bool | None = None
    FilterCriteria: FilterCriteria | None = None
    FunctionResponseTypes: list[str] | None = None
    MaximumBatchingWindowInSeconds: int | None = None
    ScalingConfig: ScalingConfig | None = None


@operation(UpdateEventSourceMapping)
async def update_event_source_mapping(lambda_: Lambda, call: Call, request: UpdateEventSourceMapping) -> Reply:
    """Change a mapping; what isn't given stays."""
    before = await lambda_.store.read(triggers.find, call.scope, request.UUID)
    name = FunctionName(call.account, call.region, before.function, before.qualifier or None)
    if request.FunctionName is not None:
        name = read_name(call, request.FunctionName)
    function = await find_version(lambda_, name)
    changes = {**_changes(request), "context": name.context}
    if before.config.kind == feeds.KIND:
        changes |= stream_changes(request)
        check_stream(msgspec.structs.replace(before.config, **changes))
    else:
        refuse_for_queues(request)
        queue = await _find_source(lambda_, _source_arn(before))
        _check(msgspec.structs.replace(before.config, **changes), queue, function.config.timeout_seconds)

    def change(trigger: Trigger) -> Trigger:
        config = msgspec.structs.replace(trigger.config, **changes)
        return trigger._replace(function=name.name, qualifier=name.qualifier or "", config=config)

    changed = await lambda_.store.run(triggers.update, call.scope, request.UUID, change)
    if changed.config.enabled == before.config.enabled:
        return await _show(lambda_, changed, "Updating")
    return await _show(lambda_, changed, "Enabling" if changed.config.enabled else "Disabling")


class DeleteEventSourceMapping(Input):
    """Input of DeleteEventSourceMapping."""

    UUID: str


@operation(DeleteEventSourceMapping)
async def delete_event_source_mapping(lambda_: Lambda, call: Call, request: DeleteEventSourceMapping) -> Reply:
    """Delete a mapping; a batch that is being worked on is finished."""
    return await _show(lambda_, await lambda_.store.run(feeds.delete, call.scope, request.UUID), "Deleting")


def _read_filters(criteria: FilterCriteria | None) -> tuple[str, ...]:
    filters = [] if criteria is None else criteria.Filters or []
    return check_filters([each.Pattern for each in filters])


def _is_for(trigger: Trigger, name: FunctionName) -> bool:
    return trigger.function == name.name and trigger.qualifier == (name.qualifier or "")


def _changes(request: CreateEventSourceMapping | UpdateEventSourceMapping) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.BatchSize is not None:
        changes["batch_size"] = request.BatchSize
    if isinstance(request, UpdateEventSourceMapping) and request.Enabled is not None:
        changes["enabled"] = request.Enabled
    if request.FilterCriteria is not None:
        changes["filters"] = _read_filters(request.FilterCriteria)
    if request.FunctionResponseTypes is not None:
        changes["partial"] = PARTIAL in request.FunctionResponseTypes
    if request.MaximumBatchingWindowInSeconds is not None:
        changes["window_seconds"] = request.MaximumBatchingWindowInSeconds
    if request.ScalingConfig is not None:
        changes["concurrency_max"] = request.ScalingConfig.MaximumConcurrency or 0
    return changes


def _check(config: TriggerConfig, queue: Queue, timeout_seconds: int) -> None:
    """Refuse what Lambda doesn't allow for SQS ("Creating and configuring an Amazon SQS event source mapping")."""
    if queue.config.ordered:
        if config.window_seconds:
            raise invalid("Batching window is not supported for FIFO queues.")
        if config.batch_size > BATCH_WITHOUT_WINDOW_MAX:
            raise invalid("Maximum batch size for FIFO queues is 10.")
    elif config.batch_size > BATCH_WITHOUT_WINDOW_MAX and not config.window_seconds:
        raise invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    if queue.config.lease_seconds < timeout_seconds:
        raise invalid(
            f"Queue visibility timeout: {queue.config.lease_seconds} seconds is less than Function timeout:"
            f" {timeout_seconds} seconds"
        )


async def _find_source(lambda_: Lambda, arn: str | None) -> Queue:
    if arn is None:
        raise invalid("Unrecognized event source.")
    parsed = parse_arn(arn)
    if parsed is None:
        raise invalid(f"Unrecognized event source: {arn}")
    if parsed.service != "sqs":
        raise unsupported(f"event sources of the service {parsed.service}")
    try:
        return await lambda_.store.read(queues.find, (parsed.scope, parsed.resource))
    except QueueNotFoundError:
        raise invalid(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error"
            " Message: The specified queue does not exist."
        ) from None


def _source_key(arn: str) -> str:
    parsed = parse_arn(arn)
    if parsed is None:
        raise invalid(f"Unrecognized event source: {arn}")
    if is_stream(arn):
        return feed_of(arn) or arn
    return f"{scope_key(parsed.account, parsed.region)}/{parsed.resource}"


def _source_arn(trigger: Trigger) -> str:
    if trigger.config.kind == feeds.KIND:
        return stream_arn(trigger.source)
    _realm, account, region, name = trigger.source.split("/")
    return str(Arn("aws", "sqs", region, account, name))


async def _show(lambda_: Lambda, trigger: Trigger, state: str | None = None) -> dict[str, Any]:
    config = trigger.config
    _realm, account, region = trigger.scope.split("/")
    shown: dict[str, Any] = {
        "UUID": trigger.id,
        "BatchSize": config.batch_size,
        "MaximumBatchingWindowInSeconds": config.window_seconds,
        "EventSourceArn": _source_arn(trigger),
        "FunctionArn": qualified_arn(trigger.scope, trigger.function, trigger.qualifier),
        "LastModified": trigger.modified_us / SECOND_US,
        "State": state or ("Enabled" if config.enabled else "Disabled"),
        "StateTransitionReason": _USER,
        "EventSourceMappingArn": f"arn:aws:lambda:{region}:{account}:event-source-mapping:{trigger.id}",
        "FunctionResponseTypes": [PARTIAL] if config.partial else [],
    }
    if config.filters:
        shown["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in config.filters]}
    if config.concurrency_max:
        shown["ScalingConfig"] = {"MaximumConcurrency": config.concurrency_max}
    if config.kind == feeds.KIND:
        result = await lambda_.store.read(feeds.last_result, trigger.scope, trigger.id)
        shown |= {**show_stream_settings(config), "LastProcessingResult": RESULTS[result]}
    return shown


OPERATIONS: Final = (
    create_event_source_mapping,
    delete_event_source_mapping,
    get_event_source_mapping,
    list_event_source_mappings,
    update_event_source_mapping,
)
