"""AWS Lambda's aliases ("Create an alias for a Lambda function", "Implement Lambda canary deployments")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import revision_id
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function, not_found
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, find, lock, read_marker, renew_instances
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, read_unqualified
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import aliases, facts, versions
from fogbank.engines.functions.errors import (
    AliasExistsError,
    AliasNotFoundError,
    FunctionNotFoundError,
    RevisionMismatchError,
)
from fogbank.engines.functions.model import AliasConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Alias
    from fogbank.storage import Tx

ADDITIONAL_MAX: Final = 1


class RoutingConfig(Input):
    """Which other version gets what share of the invocations."""

    AdditionalVersionWeights: dict[str, float] | None = None


class CreateAlias(Input):
    """Input of CreateAlias."""

    FunctionName: str
    Name: str
    FunctionVersion: str
    Description: str | None = None
    RoutingConfig: RoutingConfig | None = None


@operation(CreateAlias)
async def create_alias(lambda_: Lambda, call: Call, request: CreateAlias) -> Reply:
    """Give a version a name."""
    name = read_unqualified(call, request.FunctionName)
    weights = (request.RoutingConfig.AdditionalVersionWeights if request.RoutingConfig else None) or {}
    config = AliasConfig(request.FunctionVersion, weights, request.Description or "")
    _check(config)
    try:
        alias = await lambda_.store.run(_create, name, request.Name, lambda_.ids.sequence(), config)
    except AliasExistsError:
        raise AliasExistsError(f"{name.arn}:{request.Name}") from None
    return _show(name, alias)


class GetAlias(Input):
    """Input of GetAlias."""

    FunctionName: str
    Name: str


@operation(GetAlias)
async def get_alias(lambda_: Lambda, call: Call, request: GetAlias) -> Reply:
    """Return an alias."""
    name = read_unqualified(call, request.FunctionName)
    function = await find(lambda_, name)
    try:
        return _show(name, await lambda_.store.read(aliases.find, function.id, request.Name))
    except AliasNotFoundError:
        raise AliasNotFoundError(f"{name.arn}:{request.Name}") from None


class ListAliases(Input):
    """Input of ListAliases."""

    FunctionName: str
    FunctionVersion: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListAliases)
async def list_aliases(lambda_: Lambda, call: Call, request: ListAliases) -> Reply:
    """List a function's aliases, all or those that a version has a share in."""
    name = read_unqualified(call, request.FunctionName)
    function = await find(lambda_, name)
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    wanted = request.FunctionVersion
    found: list[Alias] = []
    after = read_marker(request.Marker, str, "")
    while len(found) <= limit:
        page = await lambda_.store.read(aliases.list_aliases, function.id, after, PAGE_MAX)
        found += [
            each for each in page if wanted is None or wanted == each.config.version or wanted in each.config.weights
        ]
        if len(page) < PAGE_MAX:
            break
        after = page[-1].name
    reply: dict[str, Any] = {"Aliases": [_show(name, alias) for alias in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].name)
    return reply


class UpdateAlias(Input):
    """Input of UpdateAlias."""

    FunctionName: str
    Name: str
    FunctionVersion: str | None = None
    Description: str | None = None
    RoutingConfig: RoutingConfig | None = None
    RevisionId: str | None = None


@operation(UpdateAlias)
async def update_alias(lambda_: Lambda, call: Call, request: UpdateAlias) -> Reply:
    """Change an alias; what isn't given stays."""
    name = read_unqualified(call, request.FunctionName)
    changes: dict[str, Any] = {}
    if request.FunctionVersion is not None:
        changes["version"] = request.FunctionVersion
    if request.Description is not None:
        changes["description"] = request.Description
    if request.RoutingConfig is not None:
        changes["weights"] = request.RoutingConfig.AdditionalVersionWeights or {}

    def change(alias: Alias) -> AliasConfig:
        if request.RevisionId is not None and request.RevisionId != revision_id(alias.revision):
            raise RevisionMismatchError
        config = msgspec.structs.replace(alias.config, **changes)
        _check(config)
        return config

    try:
        alias = await lambda_.store.run(_update, name, request.Name, lambda_.ids.sequence(), change)
    except AliasNotFoundError:
        raise not_found(f"Alias not found: {name.arn}:{request.Name}") from None
    if await lambda_.store.read(facts.find, alias.function, versions.PROVISIONED, alias.name) is not None:
        await renew_instances(lambda_, name)
    return _show(name, alias)


class DeleteAlias(Input):
    """Input of DeleteAlias."""

    FunctionName: str
    Name: str


@operation(DeleteAlias)
async def delete_alias(lambda_: Lambda, call: Call, request: DeleteAlias) -> Reply:
    """Delete an alias; one that isn't there counts as deleted."""
    name = read_unqualified(call, request.FunctionName)
    function = await find(lambda_, name)
    ready = await lambda_.store.read(facts.find, function.id, versions.PROVISIONED, request.Name)
    await lambda_.store.run(aliases.delete, function.id, request.Name)
    if ready is not None:
        await renew_instances(lambda_, name)
    return None


def _check(config: AliasConfig) -> None:
    """Refuse shares that can't be; that the versions exist is checked where the alias is written."""
    if len(config.weights) > ADDITIONAL_MAX:
        raise invalid(f"Number of items in AdditionalVersionWeights cannot be greater than {ADDITIONAL_MAX}")
    if not config.weights:
        return
    if config.version == LATEST:
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if config.version in config.weights:
        version = config.version
        raise invalid(
            f"Invalid function version {version}. Function version {version} is already included in routing"
            " configuration."
        )


async def _check_versions(tx: Tx, now_us: int, name: FunctionName, config: AliasConfig) -> None:
    for version in (config.version, *config.weights):
        try:
            await versions.find(tx, now_us, name.key, version)
        except FunctionNotFoundError:
            raise no_such_function(f"{name.arn}:{version}") from None


async def _create(tx: Tx, now_us: int, name: FunctionName, alias: str, revision: int, config: AliasConfig) -> Alias:
    number = await lock(tx, now_us, name)
    await _check_versions(tx, now_us, name, config)
    return await aliases.create(tx, now_us, number, alias, revision, config)


async def _update(
    tx: Tx, now_us: int, name: FunctionName, alias: str, revision: int, change: Callable[[Alias], AliasConfig]
) -> Alias:
    changed = await aliases.update(tx, now_us, await lock(tx, now_us, name), alias, revision, change)
    await _check_versions(tx, now_us, name, changed.config)
    return changed


def _show(name: FunctionName, alias: Alias) -> dict[str, Any]:
    config = alias.config
    shown: dict[str, Any] = {
        "AliasArn": f"{name.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": config.version,
        "Description": config.description,
        "RevisionId": revision_id(alias.revision),
    }
    if config.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": config.weights}
    return shown


OPERATIONS: Final = (create_alias, delete_alias, get_alias, list_aliases, update_alias)
