"""Pipes: Amazon EventBridge Pipes API Reference, "CreatePipe" and its like.

https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_CreatePipe.html. What AWS does by and by is done
when the reply comes; the reply tells of it as AWS's does (CREATING, UPDATING, DELETING).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.events.service import find_bus
from fogbank.clouds.aws.paging import page
from fogbank.clouds.aws.pipes.errors import too_many
from fogbank.clouds.aws.pipes.places import check, default_bus, find_target, fitting
from fogbank.clouds.aws.pipes.service import DIALECT, PAGE_MAX, PipesService, read_next, told
from fogbank.clouds.aws.pipes.settings import (
    RUNNING,
    ChangedSourceParameters,
    EnrichmentParameters,
    FromQueue,
    FromStream,
    Kept,
    SourceParameters,
    TargetParameters,
    read_kept,
    without_nothing,
)
from fogbank.clouds.aws.pipes.streams import configured_stream
from fogbank.connectors.piping import feed_pipes
from fogbank.engines.documents import feeds
from fogbank.engines.documents.errors import FeedNotFoundError
from fogbank.engines.messaging import pipes, queues
from fogbank.engines.messaging.delivery_model import split_endpoint
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.pipes import Pipe, PipeConfig

if TYPE_CHECKING:
    from fogbank.storage import Tx

# "Amazon EventBridge quotas", "Pipes".
PIPES_MAX: Final = 1_000


class CreatePipe(Input):
    """Input of CreatePipe."""

    Name: str
    Source: str
    Target: str
    RoleArn: str
    Description: str | None = None
    DesiredState: str = RUNNING
    SourceParameters: SourceParameters | None = None
    Enrichment: str | None = None
    EnrichmentParameters: EnrichmentParameters | None = None
    TargetParameters: TargetParameters | None = None
    Tags: dict[str, str] | None = None


@operation(CreatePipe)
async def create_pipe(service: PipesService, call: Call, request: CreatePipe) -> Reply:
    """Create a pipe; one whose source isn't there is kept, too, and says so."""
    kept = Kept(
        source=request.Source,
        target=request.Target,
        role=request.RoleArn,
        description=request.Description,
        desired=request.DesiredState,
        source_parameters=request.SourceParameters or SourceParameters(),
        enrichment=request.Enrichment or "",
        enrichment_parameters=request.EnrichmentParameters or EnrichmentParameters(),
        target_parameters=request.TargetParameters or TargetParameters(),
        tags=request.Tags or {},
    )
    check(kept, call.scope)

    async def create(tx: Tx, now_us: int, number: int, other: int) -> Pipe:
        if await pipes.count(tx, now_us, call.scope) >= PIPES_MAX:
            raise too_many(PIPES_MAX, call.account)
        begun = await begin(tx, now_us, kept, call.scope, "CREATE_FAILED", other)
        return await feed_pipes.create(tx, now_us, (call.scope, request.Name), number, configured(begun, call.scope))

    return told(await service.store.run(create, service.ids.sequence(), service.ids.sequence()), "CREATING")


class UpdatePipe(Input):
    """Input of UpdatePipe."""

    Name: str
    RoleArn: str
    Description: str | None = None
    DesiredState: str | None = None
    SourceParameters: ChangedSourceParameters | None = None
    Enrichment: str | None = None
    EnrichmentParameters: EnrichmentParameters | None = None
    Target: str | None = None
    TargetParameters: TargetParameters | None = None


@operation(UpdatePipe)
async def update_pipe(service: PipesService, call: Call, request: UpdatePipe) -> Reply:
    """Change what is said anew of a pipe; of its parameters, each is replaced as a whole."""
    name = (call.scope, request.Name)

    async def update(tx: Tx, now_us: int, other: int) -> Pipe:
        before = await pipes.find(tx, now_us, name)
        changed = _changed(read_kept(before.config.body), request, call.scope)
        check(changed, call.scope)
        begun = await begin(tx, now_us, changed, call.scope, "UPDATE_FAILED", other)
        return await pipes.update(tx, now_us, name, lambda _: configured(begun, call.scope))

    return told(await service.store.run(update, service.ids.sequence()), "UPDATING")


def _changed(kept: Kept, request: UpdatePipe, scope: str) -> Kept:
    target = request.Target or kept.target
    target_parameters = fitting(kept.target_parameters, find_target(target, scope).kind)
    enrichment = kept.enrichment if request.Enrichment is None else request.Enrichment
    enrichment_parameters = kept.enrichment_parameters if enrichment else EnrichmentParameters()
    return msgspec.structs.replace(
        kept,
        role=request.RoleArn,
        description=kept.description if request.Description is None else request.Description,
        desired=request.DesiredState or kept.desired,
        source_parameters=_merged_source(kept.source_parameters, request.SourceParameters),
        enrichment=enrichment,
        enrichment_parameters=_merged(enrichment_parameters, request.EnrichmentParameters),
        target=target,
        target_parameters=_merged(target_parameters, request.TargetParameters),
    )


def _merged(before: Any, given: Any) -> Any:
    """Return parameters with those that were given anew, each as a whole."""
    if given is None:
        return before
    told_anew = {name: getattr(given, name) for name in given.__struct_fields__ if getattr(given, name) is not None}
    return msgspec.structs.replace(before, **told_anew)


def _merged_source(before: SourceParameters, given: ChangedSourceParameters | None) -> SourceParameters:
    """Return a source's parameters as `_merged` does; where a stream was begun can't be said anew."""
    merged: SourceParameters = _merged(before, given)
    if given is None or given.DynamoDBStreamParameters is None:
        return merged
    was = before.DynamoDBStreamParameters
    begun = None if was is None else was.StartingPosition
    stream = FromStream(**msgspec.structs.asdict(given.DynamoDBStreamParameters), StartingPosition=begun)
    return msgspec.structs.replace(merged, DynamoDBStreamParameters=stream)


async def begin(tx: Tx, now_us: int, kept: Kept, scope: str, failing: str, number: int) -> Kept:
    """Return a pipe as it is once it was begun: in the state `failing` if its source isn't there.

    Part of an operation. A default bus that it sends to is there from then on.
    """
    target = find_target(kept.target, scope)
    if default_bus(target):
        await find_bus(tx, now_us, split_endpoint(target.endpoint), number)
    taking = check(kept, scope)
    try:
        if taking.stream is not None:
            await feeds.find(tx, now_us, taking.source)
        else:
            await queues.find(tx, now_us, split_endpoint(taking.source))
    except (FeedNotFoundError, QueueNotFoundError):
        what = "queue" if taking.stream is None else "stream"
        reason = f"The source {what} {kept.source} does not exist."
        return msgspec.structs.replace(kept, failed=failing, reason=reason)
    return msgspec.structs.replace(kept, failed="", reason="")


def configured(kept: Kept, scope: str) -> PipeConfig:
    """Return a pipe as its engine has it."""
    taking = check(kept, scope)
    body = msgspec.json.encode(kept)
    more = {} if taking.stream is None else configured_stream(taking.stream)
    is_running = kept.current == RUNNING
    return PipeConfig(DIALECT, taking.source, body, is_running, taking.batch_size, taking.window_seconds, **more)


class DescribePipe(Input):
    """Input of DescribePipe."""

    Name: str


@operation(DescribePipe)
async def describe_pipe(service: PipesService, call: Call, request: DescribePipe) -> Reply:
    """Return all of a pipe."""
    pipe = await service.store.read(pipes.find, (call.scope, request.Name))
    kept = read_kept(pipe.config.body)
    size, window = pipe.config.batch_size, pipe.config.window_seconds or None
    stream = kept.source_parameters.DynamoDBStreamParameters
    if stream is None:
        taking = FromQueue(size, window)
        source = msgspec.structs.replace(kept.source_parameters, SqsQueueParameters=taking)
    else:
        taken = msgspec.structs.replace(stream, BatchSize=size, MaximumBatchingWindowInSeconds=window)
        source = msgspec.structs.replace(kept.source_parameters, DynamoDBStreamParameters=taken)
    shown = {
        "SourceParameters": msgspec.to_builtins(source),
        "EnrichmentParameters": msgspec.to_builtins(kept.enrichment_parameters),
        "TargetParameters": msgspec.to_builtins(kept.target_parameters),
        "Tags": kept.tags,
    }
    return {
        **_summary(pipe),
        "Description": kept.description,
        "RoleArn": kept.role,
        **without_nothing(shown),
    }


class ListPipes(Input):
    """Input of ListPipes."""

    NamePrefix: str | None = None
    DesiredState: str | None = None
    CurrentState: str | None = None
    SourcePrefix: str | None = None
    TargetPrefix: str | None = None
    NextToken: str | None = None
    Limit: int = PAGE_MAX


@operation(ListPipes)
async def list_pipes(service: PipesService, call: Call, request: ListPipes) -> Reply:
    """List pipes in the order of their names."""
    after = read_next(request.NextToken)
    every = await service.store.read(pipes.list_pipes, call.scope, request.NamePrefix or "", after)

    def asked_for(pipe: Pipe) -> bool:
        kept = read_kept(pipe.config.body)
        return (
            request.DesiredState in (None, kept.desired)
            and request.CurrentState in (None, kept.current)
            and kept.source.startswith(request.SourcePrefix or "")
            and kept.target.startswith(request.TargetPrefix or "")
        )

    return page("Pipes", [each for each in every if asked_for(each)], request.Limit, lambda pipe: pipe.name, _summary)


class DeletePipe(Input):
    """Input of DeletePipe."""

    Name: str


@operation(DeletePipe)
async def delete_pipe(service: PipesService, call: Call, request: DeletePipe) -> Reply:
    """Delete a pipe; what it has taken is handed on or comes back to the queue."""
    return told(await service.store.run(feed_pipes.delete, (call.scope, request.Name)), "DELETING", "DELETED")


def _summary(pipe: Pipe) -> dict[str, Any]:
    kept = read_kept(pipe.config.body)
    shown = {"StateReason": kept.reason, "Enrichment": kept.enrichment}
    return {
        **told(pipe),
        "Source": kept.source,
        "Target": kept.target,
        **{name: value for name, value in shown.items() if value},
    }


OPERATIONS: Final = (create_pipe, delete_pipe, describe_pipe, list_pipes, update_pipe)
