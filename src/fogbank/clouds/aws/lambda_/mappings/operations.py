"""AWS Lambda's event source mappings: queues that trigger functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation, scope_key
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.finding import find_version, read_marker
from fogbank.clouds.aws.lambda_.mappings.criteria import check_filters
from fogbank.clouds.aws.lambda_.names import FunctionName, qualified_arn, read_name
from fogbank.clouds.aws.paging import write_token
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


class CreateEventSourceMapping(Input):
    """Input of CreateEventSourceMapping."""

    FunctionName: str
    EventSourceArn: str | None = None
    BatchSize: int | None = None
    Enabled: bool = True
    FilterCriteria: FilterCriteria | None = None
    FunctionResponseTypes: list[str] | None = None
    MaximumBatchingWindowInSeconds: int | None = None
    ScalingConfig: ScalingConfig | None = None
    Tags: dict[str, str] | None = None


@operation(CreateEventSourceMapping)
async def create_event_source_mapping(lambda_: Lambda, call: Call, request: CreateEventSourceMapping) -> Reply:
    """Let a queue trigger a function."""
    name = read_name(call, request.FunctionName)
    function = await find_version(lambda_, name)
    queue = await _find_source(lambda_, request.EventSourceArn)
    scaling = request.ScalingConfig.MaximumConcurrency if request.ScalingConfig else None
    config = TriggerConfig(
        kind=KIND,
        format=FORMAT,
        enabled=request.Enabled,
        batch_size=BATCH_WITHOUT_WINDOW_MAX if request.BatchSize is None else request.BatchSize,
        window_seconds=request.MaximumBatchingWindowInSeconds or 0,
        partial=PARTIAL in (request.FunctionResponseTypes or ()),
        concurrency_max=scaling or 0,
        tags=request.Tags or {},
        context=name.context,
        filters=_read_filters(request.FilterCriteria),
    )
    _check(config, queue, function.config.timeout_seconds)
    trigger = await lambda_.store.run(
        triggers.create,
        name.key[0],
        lambda_.ids.uuid(),
        name.name,
        f"{queue.scope}/{queue.name}",
        config,
        name.qualifier or "",
    )
    return _show(trigger, "Creating")


class GetEventSourceMapping(Input):
    """Input of GetEventSourceMapping."""

    UUID: str


@operation(GetEventSourceMapping)
async def get_event_source_mapping(lambda_: Lambda, call: Call, request: GetEventSourceMapping) -> Reply:
    """Return a mapping."""
    return _show(await lambda_.store.read(triggers.find, call.scope, request.UUID))


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
    reply: dict[str, Any] = {"EventSourceMappings": [_show(trigger) for trigger in found]}
    if more:
        reply["NextMarker"] = write_token(found[-1].id)
    return reply


class UpdateEventSourceMapping(Input):
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
    queue = await _find_source(lambda_, _source_arn(before.source))
    changes = {**_changes(request), "context": name.context}
    _check(msgspec.structs.replace(before.config, **changes), queue, function.config.timeout_seconds)

    def change(trigger: Trigger) -> Trigger:
        config = msgspec.structs.replace(trigger.config, **changes)
        return trigger._replace(function=name.name, qualifier=name.qualifier or "", config=config)

    changed = await lambda_.store.run(triggers.update, call.scope, request.UUID, change)
    if changed.config.enabled == before.config.enabled:
        return _show(changed, "Updating")
    return _show(changed, "Enabling" if changed.config.enabled else "Disabling")


class DeleteEventSourceMapping(Input):
    """Input of DeleteEventSourceMapping."""

    UUID: str


@operation(DeleteEventSourceMapping)
async def delete_event_source_mapping(lambda_: Lambda, call: Call, request: DeleteEventSourceMapping) -> Reply:
    """Delete a mapping; a batch that is being worked on is finished."""
    return _show(await lambda_.store.run(triggers.delete, call.scope, request.UUID), "Deleting")


def _read_filters(criteria: FilterCriteria | None) -> tuple[str, ...]:
    filters = [] if criteria is None else criteria.Filters or []
    return check_filters([each.Pattern for each in filters])


def _is_for(trigger: Trigger, name: FunctionName) -> bool:
    return trigger.function == name.name and trigger.qualifier == (name.qualifier or "")


def _changes(request: UpdateEventSourceMapping) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.BatchSize is not None:
        changes["batch_size"] = request.BatchSize
    if request.Enabled is not None:
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
    return f"{scope_key(parsed.account, parsed.region)}/{parsed.resource}"


def _source_arn(source: str) -> str:
    _realm, account, region, name = source.split("/")
    return str(Arn("aws", "sqs", region, account, name))


def _show(trigger: Trigger, state: str | None = None) -> dict[str, Any]:
    config = trigger.config
    _realm, account, region = trigger.scope.split("/")
    shown: dict[str, Any] = {
        "UUID": trigger.id,
        "BatchSize": config.batch_size,
        "MaximumBatchingWindowInSeconds": config.window_seconds,
        "EventSourceArn": _source_arn(trigger.source),
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
    return shown


OPERATIONS: Final = (
    create_event_source_mapping,
    delete_event_source_mapping,
    get_event_source_mapping,
    list_event_source_mappings,
    update_event_source_mapping,
)
