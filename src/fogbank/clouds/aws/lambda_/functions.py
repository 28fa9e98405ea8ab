"""AWS Lambda operations on functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_ import configuration
from fogbank.clouds.aws.lambda_.configuration import Settings, code_fields, read_settings, revision_id, show
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function, unsupported
from fogbank.clouds.aws.lambda_.names import FunctionName, read_unqualified
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError, RevisionMismatchError
from fogbank.engines.functions.model import FunctionConfig

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Function

PAGE_MAX: Final = 50


class Code(Input):
    """The code of a new function."""

    ZipFile: bytes | None = None


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
    if request.Publish:
        raise unsupported("published versions")
    if request.PackageType == "Image":
        raise unsupported("the package type Image")
    if request.Runtime is None or request.Handler is None:
        what = "Runtime" if request.Runtime is None else "Handler"
        raise invalid(f"{what} is mandatory for functions created with deployment packages.")
    fields, labels = read_settings(request)
    if request.Architectures:
        labels["architecture"] = request.Architectures[0]
    code = code_fields(request.Code.ZipFile)
    config = FunctionConfig(contract=configuration.CONTRACT, **fields, **code, labels=labels, tags=request.Tags or {})
    assert request.Code.ZipFile is not None
    try:
        function = await lambda_.store.run(
            functions.create, name.key, lambda_.ids.sequence(), config, request.Code.ZipFile
        )
    except FunctionExistsError:
        raise FunctionExistsError(name.name) from None
    return show(function)


class GetFunction(Input):
    """Input of GetFunction."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunction)
async def get_function(lambda_: Lambda, call: Call, request: GetFunction) -> Reply:
    """Return a function, with where its code can be downloaded."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName, request.Qualifier))
    location = f"{call.origin}/_fogbank/code/{function.config.code.hex()}.zip"
    reply: dict[str, Any] = {
        "Configuration": show(function),
        "Code": {"RepositoryType": "S3", "Location": location},
    }
    if function.config.tags:
        reply["Tags"] = function.config.tags
    return reply


class GetFunctionConfiguration(Input):
    """Input of GetFunctionConfiguration."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunctionConfiguration)
async def get_function_configuration(lambda_: Lambda, call: Call, request: GetFunctionConfiguration) -> Reply:
    """Return a function's configuration."""
    return show(await find(lambda_, read_unqualified(call, request.FunctionName, request.Qualifier)))


class ListFunctions(Input):
    """Input of ListFunctions."""

    FunctionVersion: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListFunctions)
async def list_functions(lambda_: Lambda, call: Call, request: ListFunctions) -> Reply:
    """List the functions of the caller's account and region."""
    after = read_marker(request.Marker)
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    found = await lambda_.store.read(functions.list_functions, call.scope, after, limit + 1)
    reply: dict[str, Any] = {"Functions": [show(function) for function in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].name)
    return reply


class ListVersionsByFunction(Input):
    """Input of ListVersionsByFunction."""

    FunctionName: str
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListVersionsByFunction)
async def list_versions_by_function(lambda_: Lambda, call: Call, request: ListVersionsByFunction) -> Reply:
    """List a function's versions: $LATEST is the only one there is."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    shown = show(function)
    shown["FunctionArn"] += ":$LATEST"
    return {"Versions": [shown]}


class UpdateFunctionCode(Input):
    """Input of UpdateFunctionCode."""

    FunctionName: str
    ZipFile: bytes | None = None
    Architectures: list[str] | None = None
    DryRun: bool = False
    Publish: bool = False
    RevisionId: str | None = None


@operation(UpdateFunctionCode)
async def update_function_code(lambda_: Lambda, call: Call, request: UpdateFunctionCode) -> Reply:
    """Replace a function's code; running invocations finish on the old one."""
    name = read_unqualified(call, request.FunctionName)
    if request.Publish:
        raise unsupported("published versions")
    fields = code_fields(request.ZipFile)
    labels = {"architecture": request.Architectures[0]} if request.Architectures else {}

    def change(function: Function) -> FunctionConfig:
        _check_revision(function, request.RevisionId)
        return configuration.apply(function.config, fields, labels)

    if request.DryRun:
        function = await find(lambda_, name)
        return show(function._replace(config=change(function)))
    return show(await _update(lambda_, name, change, request.ZipFile))


class UpdateFunctionConfiguration(Settings, kw_only=True):
    """Input of UpdateFunctionConfiguration."""

    FunctionName: str
    RevisionId: str | None = None


@operation(UpdateFunctionConfiguration)
async def update_function_configuration(lambda_: Lambda, call: Call, request: UpdateFunctionConfiguration) -> Reply:
    """Change a function's settings; running invocations finish under the old ones."""
    name = read_unqualified(call, request.FunctionName)
    fields, labels = read_settings(request)

    def change(function: Function) -> FunctionConfig:
        _check_revision(function, request.RevisionId)
        return configuration.apply(function.config, fields, labels)

    return show(await _update(lambda_, name, change))


class DeleteFunction(Input):
    """Input of DeleteFunction."""

    FunctionName: str
    Qualifier: str | None = None


@operation(DeleteFunction)
async def delete_function(lambda_: Lambda, call: Call, request: DeleteFunction) -> Reply:
    """Delete a function and let its instances go."""
    name = read_unqualified(call, request.FunctionName, request.Qualifier)
    if name.qualifier is not None:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    function = await find(lambda_, name)
    await lambda_.store.run(functions.delete, name.key)
    lambda_.invoker.forget(function.id)
    return None


class GetFunctionCodeSigningConfig(Input):
    """Input of GetFunctionCodeSigningConfig."""

    FunctionName: str


@operation(GetFunctionCodeSigningConfig)
async def get_function_code_signing_config(lambda_: Lambda, call: Call, request: GetFunctionCodeSigningConfig) -> Reply:
    """Say that the function has no code signing configuration: there are none."""
    function = await find(lambda_, read_unqualified(call, request.FunctionName))
    return {"FunctionName": function.name}


async def find(lambda_: Lambda, name: FunctionName) -> Function:
    """Return a function, or raise the error that names its ARN."""
    try:
        return await lambda_.store.read(functions.find, name.key)
    except FunctionNotFoundError:
        raise no_such_function(name.arn if name.qualifier is None else f"{name.arn}:{name.qualifier}") from None


def read_marker(marker: str | None) -> str:
    """Return where a list goes on."""
    if marker is None:
        return ""
    try:
        return read_token(marker, str)
    except InvalidTokenError:
        raise invalid("Invalid Marker.") from None


async def _update(lambda_: Lambda, name: FunctionName, change: Any, code: bytes | None = None) -> Function:
    try:
        return await lambda_.store.run(functions.update, name.key, lambda_.ids.sequence(), change, code)
    except FunctionNotFoundError:
        raise no_such_function(name.arn) from None


def _check_revision(function: Function, expected: str | None) -> None:
    if expected is not None and expected != revision_id(function.revision):
        raise RevisionMismatchError


OPERATIONS: Final = (
    create_function,
    delete_function,
    get_function,
    get_function_code_signing_config,
    get_function_configuration,
    list_functions,
    list_versions_by_function,
    update_function_code,
    update_function_configuration,
)
