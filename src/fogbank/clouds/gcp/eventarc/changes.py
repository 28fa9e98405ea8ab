"""Changes of triggers: google.cloud.eventarc.v1.Eventarc's methods that create, update and delete them.

What is asked for is done when the operation is returned, which is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp import operations
from fogbank.clouds.gcp.eventarc import transport
from fogbank.clouds.gcp.eventarc.configuration import FUNCTION, complete, drop_output, show
from fogbank.clouds.gcp.eventarc.names import TriggerName, read_name, read_parent, shape
from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.refusals import already_exists, invalid, not_found
from fogbank.engines.messaging import topics
from fogbank.engines.messaging.errors import RecordNotFoundError, TopicNotFoundError
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.eventarc.transport import Drawn, Stored
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# Where a trigger's events come from can't be changed.
_MUTABLE: Final = ("event_filters", "service_account", "destination", "labels", "event_data_content_type",
                   "retry_policy")  # fmt: skip
_FIXED: Final = ("transport", "channel")


async def create_trigger(parts: Parts, _call: Call, request: Any) -> Any:
    """Create a trigger, and what carries its events."""
    project, region = read_parent(request.parent)
    if not request.trigger_id:
        raise invalid("trigger_id", "trigger_id is required.")
    name = read_name(f"projects/{project}/locations/{region}/triggers/{request.trigger_id}", "trigger_id")
    if request.trigger.name not in ("", str(name)):
        raise invalid("trigger.name", f"trigger.name {request.trigger.name!r} doesn't agree with {str(name)!r}.")
    return await _create(parts, name, request.trigger, validate_only=request.validate_only)


async def _create(parts: Parts, name: TriggerName, trigger: Any, *, validate_only: bool) -> Any:
    _refuse_function(trigger, "")
    complete(trigger, name)
    if validate_only:
        await parts.store.read(_preview, name, trigger)
        return await _operation(parts, name, "create", trigger)
    try:
        stored = await parts.store.run(_connect, name, trigger, transport.draw(parts.ids))
    except TopicNotFoundError:
        raise not_found(trigger.transport.pubsub.topic) from None
    return await _operation(parts, name, "create", show(stored))


async def _connect(tx: Tx, now_us: int, name: TriggerName, trigger: Any, drawn: Drawn) -> Stored:
    await transport.connect(tx, now_us, name, trigger, drawn)
    return await transport.find(tx, now_us, name)


async def _preview(tx: Tx, now_us: int, name: TriggerName, trigger: Any) -> None:
    """Raise the error that creating a trigger would raise."""
    await transport.check_destination(tx, now_us, name, trigger)
    topic = transport.topic_of(trigger)
    if topic != name.topic:
        try:
            await topics.find(tx, now_us, topic.key)
        except TopicNotFoundError:
            raise not_found(str(topic)) from None
    try:
        await transport.find(tx, now_us, name)
    except RecordNotFoundError:
        return
    raise already_exists(str(name))


async def update_trigger(parts: Parts, _call: Call, request: Any) -> Any:
    """Change what the mask names; without one, what is given; with `*`, everything."""
    name = read_name(request.trigger.name, "trigger.name")
    etag = request.trigger.etag
    drop_output(request.trigger)

    async def change(tx: Tx, now_us: int) -> tuple[Any, bool]:
        try:
            stored = await transport.find(tx, now_us, name)
        except RecordNotFoundError:
            return None, False
        shown = show(stored)
        _check_etag(etag, shown)
        merged = _merged(request, shown)
        complete(merged, name)
        if request.validate_only:
            await transport.check_destination(tx, now_us, name, merged)
            return merged, True
        await transport.change(tx, now_us, name, merged)
        return show(await transport.find(tx, now_us, name)), True

    trigger, is_there = await parts.store.run(change)
    if is_there:
        return await _operation(parts, name, "update", trigger)
    if not request.allow_missing:
        raise not_found(str(name))
    return await _create(parts, name, request.trigger, validate_only=request.validate_only)


def _merged(request: Any, shown: Any) -> Any:
    """Return a trigger as it is to be; raises `GrpcError` for what can't be changed."""
    given = request.trigger
    paths = list(request.update_mask.paths)
    if not paths or paths == ["*"]:
        there = {field.name for field, _ in given.ListFields()}
        wanted = _MUTABLE if paths else [field for field in _MUTABLE if field in there]
        # What was read is sent back whole: the same is no change.
        changed = [field for field in _FIXED if field in there and getattr(given, field) != getattr(shown, field)]
        paths = [*changed, *wanted]
    merged = type(given)()
    merged.CopyFrom(shown)
    if paths:
        merge(merged, given, type(request.update_mask)(paths=paths), _MUTABLE)
    _refuse_function(merged, shown.destination.cloud_function)
    return merged


def _refuse_function(trigger: Any, known: str) -> None:
    """Refuse a destination that only deploying a function makes (trigger.proto, Destination.cloud_function)."""
    if trigger.destination.WhichOneof("descriptor") == FUNCTION and trigger.destination.cloud_function != known:
        raise invalid(
            "trigger.destination.cloud_function",
            "cloud_function is read-only: triggers of functions are made by deploying them; use cloud_run.",
        )


async def delete_trigger(parts: Parts, _call: Call, request: Any) -> Any:
    """Delete a trigger with its subscription, and its topic if that was made for it."""
    name = read_name(request.name)

    async def drop(tx: Tx, now_us: int) -> Any:
        try:
            stored = await transport.find(tx, now_us, name)
        except RecordNotFoundError:
            if not request.allow_missing:
                raise not_found(str(name)) from None
            return shape("Trigger")(name=str(name))
        shown = show(stored)
        _check_etag(request.etag, shown)
        if not request.validate_only:
            await transport.disconnect(tx, now_us, name)
        return shown

    return await _operation(parts, name, "delete", await parts.store.run(drop))


def _check_etag(given: str, shown: Any) -> None:
    """Raise the error for a trigger that was changed meanwhile (AIP-154)."""
    if given and given != shown.etag:
        raise GrpcError(Code.ABORTED, f"The etag {given!r} does not match the current etag of {shown.name}.")


async def _operation(parts: Parts, name: TriggerName, verb: str, trigger: Any) -> Any:
    """Return an operation that is over."""
    metadata = shape("OperationMetadata")(target=str(name), verb=verb, api_version="v1")
    for field in (metadata.create_time, metadata.end_time):
        field.seconds, rest_us = divmod(parts.clock.now(), SECOND_US)
        field.nanos = rest_us * 1_000
    number = operations.placed_name(parts, name.project, name.region)
    return await operations.finish(parts, number, metadata, response=trigger)
