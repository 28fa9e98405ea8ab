"""How a function's asynchronous invocations are handled.

AWS Lambda Developer Guide, "Configuring error handling settings for Lambda asynchronous invocations".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.errors import invalid, not_found
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, read_marker
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, arn_of, read_name, read_unqualified
from fogbank.clouds.aws.lambda_.queued.targets import DESTINATIONS, check_target
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import facts, versions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.engines.functions.handling import KIND, Handling, decode
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.facts import Fact
    from fogbank.engines.functions.model import Function


class Target(Input):
    """Where outcomes of one kind go; an empty ARN is nowhere."""

    Destination: str | None = None


class DestinationConfig(Input):
    """Where outcomes go."""

    OnSuccess: Target | None = None
    OnFailure: Target | None = None


class _Settings(Input):
    FunctionName: str
    Qualifier: str | None = None
    MaximumRetryAttempts: int | None = None
    MaximumEventAgeInSeconds: int | None = None
    DestinationConfig: DestinationConfig | None = None


class PutFunctionEventInvokeConfig(_Settings):
    """Input of PutFunctionEventInvokeConfig."""


@operation(PutFunctionEventInvokeConfig)
async def put_function_event_invoke_config(lambda_: Lambda, call: Call, request: PutFunctionEventInvokeConfig) -> Reply:
    """Say how asynchronous invocations are handled; what isn't given is forgotten."""
    return await _write(lambda_, call, request, keep=False)


class UpdateFunctionEventInvokeConfig(_Settings):
    """Input of UpdateFunctionEventInvokeConfig."""


@operation(UpdateFunctionEventInvokeConfig)
async def update_function_event_invoke_config(
    lambda_: Lambda, call: Call, request: UpdateFunctionEventInvokeConfig
) -> Reply:
    """Change how asynchronous invocations are handled; what isn't given stays."""
    return await _write(lambda_, call, request, keep=True)


class GetFunctionEventInvokeConfig(Input):
    """Input of GetFunctionEventInvokeConfig."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunctionEventInvokeConfig)
async def get_function_event_invoke_config(lambda_: Lambda, call: Call, request: GetFunctionEventInvokeConfig) -> Reply:
    """Return how asynchronous invocations are handled."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await _find(lambda_, name)
    fact = await lambda_.store.read(facts.find, function.root, KIND, name.target)
    if fact is None:
        raise _none_said(name)
    return _show(function, fact)


class DeleteFunctionEventInvokeConfig(Input):
    """Input of DeleteFunctionEventInvokeConfig."""

    FunctionName: str
    Qualifier: str | None = None


@operation(DeleteFunctionEventInvokeConfig)
async def delete_function_event_invoke_config(
    lambda_: Lambda, call: Call, request: DeleteFunctionEventInvokeConfig
) -> Reply:
    """Handle asynchronous invocations as those of any function."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await _find(lambda_, name)

    def decide(fact: Fact | None) -> bytes | None:
        if fact is None:
            raise _none_said(name)
        return None

    await lambda_.store.run(facts.change, function.root, KIND, name.target, lambda_.ids.sequence(), decide)
    return None


class ListFunctionEventInvokeConfigs(Input):
    """Input of ListFunctionEventInvokeConfigs."""

    FunctionName: str
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListFunctionEventInvokeConfigs)
async def list_function_event_invoke_configs(
    lambda_: Lambda, call: Call, request: ListFunctionEventInvokeConfigs
) -> Reply:
    """List how a function's asynchronous invocations are handled, by versions and aliases."""
    function = await _find(lambda_, read_unqualified(call, request.FunctionName))
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    after = read_marker(request.Marker, str, None)
    found = await lambda_.store.read(facts.list_facts, function.id, KIND, after, limit + 1)
    reply: dict[str, Any] = {"FunctionEventInvokeConfigs": [_show(function, fact) for fact in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].qualifier)
    return reply


async def _write(lambda_: Lambda, call: Call, request: _Settings, *, keep: bool) -> Reply:
    name = read_name(call, request.FunctionName, request.Qualifier)
    changes = _changes(request, name)
    if not changes:
        raise invalid("You must specify at least one of error handling or destination setting.")
    function = await _find(lambda_, name)

    def decide(fact: Fact | None) -> bytes:
        if fact is None and keep:
            raise _none_said(name)
        before = decode(fact.value) if fact is not None and keep else Handling()
        return msgspec.msgpack.encode(msgspec.structs.replace(before, **changes))

    revision = lambda_.ids.sequence()
    fact = await lambda_.store.run(facts.change, function.root, KIND, name.target, revision, decide)
    assert fact is not None
    return _show(function, fact)


def _changes(request: _Settings, name: FunctionName) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.MaximumRetryAttempts is not None:
        changes["retries_max"] = request.MaximumRetryAttempts
    if request.MaximumEventAgeInSeconds is not None:
        changes["age_seconds_max"] = request.MaximumEventAgeInSeconds
    destinations = request.DestinationConfig
    if destinations is not None:
        for field, target in (("on_success", destinations.OnSuccess), ("on_failure", destinations.OnFailure)):
            if target is not None and target.Destination is not None:
                changes[field] = _check(target.Destination, name)
    return changes


def _check(destination: str, name: FunctionName) -> str:
    if not destination:
        return ""
    arn = check_target(destination, DESTINATIONS)
    if f"{arn!s}:".startswith(f"{name.arn}:"):
        raise invalid("You can't specify the function as a destination for itself.")
    return destination


async def _find(lambda_: Lambda, name: FunctionName) -> Function:
    try:
        return await lambda_.store.read(versions.find, name.key, name.target)
    except FunctionNotFoundError:
        raise not_found("The function doesn't exist.") from None


def _none_said(name: FunctionName) -> Exception:
    return not_found(f"The function {name.arn}:{name.qualifier or LATEST} doesn't have an EventInvokeConfig")


def _show(function: Function, fact: Fact) -> dict[str, Any]:
    handling = decode(fact.value)
    shown: dict[str, Any] = {
        "FunctionArn": f"{arn_of(function.scope, function.name)}:{fact.qualifier or LATEST}",
        "LastModified": fact.modified_us / SECOND_US,
        "DestinationConfig": {
            "OnSuccess": {"Destination": handling.on_success} if handling.on_success else {},
            "OnFailure": {"Destination": handling.on_failure} if handling.on_failure else {},
        },
    }
    if handling.retries_max is not None:
        shown["MaximumRetryAttempts"] = handling.retries_max
    if handling.age_seconds_max is not None:
        shown["MaximumEventAgeInSeconds"] = handling.age_seconds_max
    return shown


OPERATIONS: Final = (
    delete_function_event_invoke_config,
    get_function_event_invoke_config,
    list_function_event_invoke_configs,
    put_function_event_invoke_config,
    update_function_event_invoke_config,
)
