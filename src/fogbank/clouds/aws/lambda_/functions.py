"""AWS Lambda operations on functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_ import configuration
from fogbank.clouds.aws.lambda_.configuration import (
    Code,
    Settings,
    check_config,
    code_fields,
    read_settings,
    show,
)
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function, unsupported
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, check_revision, find, find_version, read_marker
from fogbank.clouds.aws.lambda_.layers.use import find_layers
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, read_name, read_unqualified
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import functions, versions
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError
from fogbank.engines.functions.model import FunctionConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Function, Name
    from fogbank.storage import Tx


class CreateFunction(Settings, kw_only=True):
    """Input of CreateFunction."""

    FunctionName: str
    Code: Code
    Architectures: list[str] | None = None
    PackageType: str | None = None
    Publish: bool = False
    Tags: dict[str, str] | None = None


@operation(CreateFunction)
async def create_function(lambda_: Lambda, call: Call, request: CreateFunction) -> Reply:
    """Create a function from a zip file; it is active at once."""
    name = read_unqualified(call, request.FunctionName)
    if request.PackageType == "Image":
        raise unsupported("the package type Image")
    if request.Runtime is None or request.Handler is None:
        what = "Runtime" if request.Runtime is None else "Handler"
        raise invalid(f"{what} is mandatory for functions created with deployment packages.")
    fields, labels = read_settings(request)
    if request.Architectures:
        labels["architecture"] = request.Architectures[0]
    code, archive = code_fields(request.Code)
    if request.Layers:
        fields["layers"] = await find_layers(lambda_.store, name.region, request.Layers)
    config = FunctionConfig(contract=configuration.CONTRACT, **fields, **code, labels=labels, tags=request.Tags or {})
    check_config(config)
    version = lambda_.ids.sequence() if request.Publish else None
    try:
        function = await lambda_.store.run(_create, name.key, lambda_.ids.sequence(), config, archive, version)
    except FunctionExistsError:
        raise FunctionExistsError(name.name) from None
    lambda_.invoker.warm(function)
    return show(function)


class GetFunction(Input):
    """Input of GetFunction."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunction)
async def get_function(lambda_: Lambda, call: Call, request: GetFunction) -> Reply:
    """Return a function, with where its code can be downloaded."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await find_version(lambda_, name)
    config = function.config
    location = f"file://{config.folder}" if config.folder else f"{call.origin}/_fogbank/code/{config.code.hex()}.zip"
    reply: dict[str, Any] = {
        "Configuration": show(function, name.qualifier),
        "Code": {"RepositoryType": "S3", "Location": location},
    }
    if function.config.tags:
        reply["Tags"] = function.config.tags
    if function.config.concurrency_max is not None:
        reply["Concurrency"] = {"ReservedConcurrentExecutions": function.config.concurrency_max}
    return reply


class GetFunctionConfiguration(Input):
    """Input of GetFunctionConfiguration."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunctionConfiguration)
async def get_function_configuration(lambda_: Lambda, call: Call, request: GetFunctionConfiguration) -> Reply:
    """Return a function's configuration."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    return show(await find_version(lambda_, name), name.qualifier)


class ListFunctions(Input):
    """Input of ListFunctions."""

    FunctionVersion: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListFunctions)
async def list_functions(lambda_: Lambda, call: Call, request: ListFunctions) -> Reply:
    """List the functions of the caller's account and region, with all their versions where those are asked for."""
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    if request.FunctionVersion is not None:
        return await _list_all(lambda_, call, request.Marker, limit)
    after = read_marker(request.Marker, str, "")
    found = await lambda_.store.read(functions.list_functions, call.scope, after, limit + 1)
    reply: dict[str, Any] = {"Functions": [show(function) for function in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].name)
    return reply


async def _list_all(lambda_: Lambda, call: Call, marker: str | None, limit: int) -> Reply:
    """List functions, each as it is and then its versions; a page ends anywhere among them."""
    name, number = read_marker(marker, tuple[str, int], ("", -1))
    shown: list[dict[str, Any]] = []
    places: list[tuple[str, int]] = []
    found = [] if number < 0 else await lambda_.store.read(functions.find_some, call.scope, name)
    found += await lambda_.store.read(functions.list_functions, call.scope, name, limit + 1)
    for function in found:
        after = number if function.name == name else -1
        if after < 0:
            shown.append(show(function, LATEST))
            places.append((function.name, 0))
        for version in await lambda_.store.read(versions.list_versions, function, max(after, 0), limit + 1):
            shown.append(show(version, version.version))
            places.append((function.name, int(version.version)))
        if len(shown) > limit:
            return {"Functions": shown[:limit], "NextMarker": write_token(places[limit - 1])}
    return {"Functions": shown}


class UpdateFunctionCode(Input):
    """Input of UpdateFunctionCode."""

    FunctionName: str
    Architectures: list[str] | None = None
    DryRun: bool = False
    Publish: bool = False
    RevisionId: str | None = None
    S3Bucket: str | None = None
    S3Key: str | None = None
    ZipFile: bytes | None = None


@operation(UpdateFunctionCode)
async def update_function_code(lambda_: Lambda, call: Call, request: UpdateFunctionCode) -> Reply:
    """Replace a function's code; running invocations finish on the old one."""
    name = read_unqualified(call, request.FunctionName)
    fields, archive = code_fields(Code(request.S3Bucket, request.S3Key, request.ZipFile))
    labels = {"architecture": request.Architectures[0]} if request.Architectures else {}

    def change(function: Function) -> FunctionConfig:
        check_revision(function, request.RevisionId)
        return configuration.apply(function.config, fields, labels)

    if request.DryRun:
        function = await find(lambda_, name)
        return show(function._replace(config=change(function)))
    version = lambda_.ids.sequence() if request.Publish else None
    function = await _update(lambda_, name, change, archive, version)
    return show(function, function.version)


class UpdateFunctionConfiguration(Settings, kw_only=True):
    """Input of UpdateFunctionConfiguration."""

    FunctionName: str
    RevisionId: str | None = None


@operation(UpdateFunctionConfiguration)
async def update_function_configuration(lambda_: Lambda, call: Call, request: UpdateFunctionConfiguration) -> Reply:
    """Change a function's settings; running invocations finish under the old ones."""
    name = read_unqualified(call, request.FunctionName)
    fields, labels = read_settings(request)
    if request.Layers is not None:
        fields["layers"] = await find_layers(lambda_.store, name.region, request.Layers)

    def change(function: Function) -> FunctionConfig:
        check_revision(function, request.RevisionId)
        return configuration.apply(function.config, fields, labels)

    return show(await _update(lambda_, name, change))


class DeleteFunction(Input):
    """Input of DeleteFunction."""

    FunctionName: str
    Qualifier: str | None = None


@operation(DeleteFunction)
async def delete_function(lambda_: Lambda, call: Call, request: DeleteFunction) -> Reply:
    """Delete a function, or one version of it, and let its instances go."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    if name.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if name.qualifier is not None and not name.qualifier.isdecimal():
        raise invalid("Deletion of aliases is not currently supported.")
    try:
        if name.qualifier is None:
            gone = await lambda_.store.run(versions.delete_all, name.key)
        else:
            gone = [(await lambda_.store.run(versions.delete, name.key, int(name.qualifier))).id]
    except FunctionNotFoundError:
        raise no_such_function(name.qualified_arn) from None
    for number in gone:
        lambda_.invoker.forget(number)
    return None


class GetFunctionCodeSigningConfig(Input):
    """Input of GetFunctionCodeSigningConfig."""

    FunctionName: str


@operation(GetFunctionCodeSigningConfig)
async def get_function_code_signing_config(lambda_: Lambda, call: Call, request: GetFunctionCodeSigningConfig) -> Reply:
    """Say that the function has no code signing configuration: there are none."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    return {"FunctionName": function.name}


async def _create(
    tx: Tx, now_us: int, name: Name, number: int, config: FunctionConfig, code: bytes, version: int | None
) -> Function:
    """Create a function, and publish it where there is an id for its version."""
    function = await functions.create(tx, now_us, name, number, config, code)
    if version is None:
        return function
    return await versions.publish(tx, now_us, name, version, _as_it_is)


async def _change(
    tx: Tx,
    now_us: int,
    name: Name,
    revision: int,
    change: Callable[[Function], FunctionConfig],
    code: bytes | None,
    version: int | None,
) -> Function:
    """Change a function, and publish it where there is an id for its version."""
    function = await functions.update(tx, now_us, name, revision, change, code)
    if version is None:
        return function
    return await versions.publish(tx, now_us, name, version, _as_it_is)


def _as_it_is(function: Function) -> FunctionConfig:
    return function.config


async def _update(
    lambda_: Lambda,
    name: FunctionName,
    change: Callable[[Function], FunctionConfig],
    code: bytes | None = None,
    version: int | None = None,
) -> Function:
    try:
        return await lambda_.store.run(_change, name.key, lambda_.ids.sequence(), change, code, version)
    except FunctionNotFoundError:
        raise no_such_function(name.arn) from None


OPERATIONS: Final = (
    create_function,
    delete_function,
    get_function,
    get_function_code_signing_config,
    get_function_configuration,
    list_functions,
    update_function_code,
    update_function_configuration,
)
