"""AWS Lambda's operations on function URLs ("Creating and managing Lambda function URLs")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import modified
from fogbank.clouds.aws.lambda_.errors import not_found
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, read_marker
from fogbank.clouds.aws.lambda_.names import FunctionName, qualified_arn, read_name, read_unqualified
from fogbank.clouds.aws.lambda_.urls.hosts import write_url
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import versions
from fogbank.engines.functions.entrances import urls
from fogbank.engines.functions.entrances.urls import Cors as EngineCors
from fogbank.engines.functions.entrances.urls import UrlConfig
from fogbank.engines.functions.errors import FunctionNotFoundError, UrlExistsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.entrances.urls import FunctionUrl
    from fogbank.engines.functions.model import Function

SIGNED: Final = "AWS_IAM"
OPEN: Final = "NONE"
BUFFERED: Final = "BUFFERED"
STREAMED: Final = "RESPONSE_STREAM"
_CORS: Final = {
    "AllowCredentials": "credentials",
    "AllowHeaders": "headers",
    "AllowMethods": "methods",
    "AllowOrigins": "origins",
    "ExposeHeaders": "exposed",
    "MaxAge": "max_age_seconds",
}


class Cors(Input):
    """Which pages of other origins may call the URL."""

    AllowCredentials: bool | None = None
    AllowHeaders: list[str] | None = None
    AllowMethods: list[str] | None = None
    AllowOrigins: list[str] | None = None
    ExposeHeaders: list[str] | None = None
    MaxAge: int | None = None


class CreateFunctionUrlConfig(Input):
    """Input of CreateFunctionUrlConfig."""

    FunctionName: str
    AuthType: str
    Cors: Cors | None = None
    InvokeMode: str | None = None
    Qualifier: str | None = None


@operation(CreateFunctionUrlConfig)
async def create_function_url_config(lambda_: Lambda, call: Call, request: CreateFunctionUrlConfig) -> Reply:
    """Give a function or an alias a URL."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await _find(lambda_, name)
    cors = None if request.Cors is None else _read_cors(request.Cors)
    config = UrlConfig(request.AuthType == SIGNED, cors, request.InvokeMode == STREAMED)
    try:
        url = await lambda_.store.run(urls.create, lambda_.ids.hex(16), function, name.target, config)
    except UrlExistsError:
        raise UrlExistsError(name.qualified_arn) from None
    return _show(call, url)


class GetFunctionUrlConfig(Input):
    """Input of GetFunctionUrlConfig."""

    FunctionName: str
    Qualifier: str | None = None


@operation(GetFunctionUrlConfig)
async def get_function_url_config(lambda_: Lambda, call: Call, request: GetFunctionUrlConfig) -> Reply:
    """Return the URL of a function or an alias."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await _find(lambda_, name)
    return _show(call, await lambda_.store.read(urls.find, function.root, name.target))


class UpdateFunctionUrlConfig(Input):
    """Input of UpdateFunctionUrlConfig."""

    FunctionName: str
    AuthType: str | None = None
    Cors: Cors | None = None
    InvokeMode: str | None = None
    Qualifier: str | None = None


@operation(UpdateFunctionUrlConfig)
async def update_function_url_config(lambda_: Lambda, call: Call, request: UpdateFunctionUrlConfig) -> Reply:
    """Change who may call a URL; what isn't given stays."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    changes: dict[str, Any] = {}
    if request.InvokeMode is not None:
        changes["streamed"] = request.InvokeMode == STREAMED
    if request.AuthType is not None:
        changes["signed"] = request.AuthType == SIGNED
    if request.Cors is not None:
        changes["cors"] = _read_cors(request.Cors)
    function = await _find(lambda_, name)
    url = await lambda_.store.run(
        urls.update, function.root, name.target, lambda config: msgspec.structs.replace(config, **changes)
    )
    return _show(call, url)


class DeleteFunctionUrlConfig(Input):
    """Input of DeleteFunctionUrlConfig."""

    FunctionName: str
    Qualifier: str | None = None


@operation(DeleteFunctionUrlConfig)
async def delete_function_url_config(lambda_: Lambda, call: Call, request: DeleteFunctionUrlConfig) -> Reply:
    """Take a URL away; a later one of the same function is another."""
    name = read_name(call, request.FunctionName, request.Qualifier)
    function = await _find(lambda_, name)
    await lambda_.store.run(urls.delete, function.root, name.target)
    return None


class ListFunctionUrlConfigs(Input):
    """Input of ListFunctionUrlConfigs."""

    FunctionName: str
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListFunctionUrlConfigs)
async def list_function_url_configs(lambda_: Lambda, call: Call, request: ListFunctionUrlConfigs) -> Reply:
    """List the URLs of a function and its aliases."""
    function = await _find(lambda_, read_unqualified(call, request.FunctionName))
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    after = read_marker(request.Marker, str, None)
    found = await lambda_.store.read(urls.list_urls, function.id, after, limit + 1)
    reply: dict[str, Any] = {"FunctionUrlConfigs": [_show(call, url) for url in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].qualifier)
    return reply


async def _find(lambda_: Lambda, name: FunctionName) -> Function:
    try:
        return await lambda_.store.read(versions.find, name.key, name.target)
    except FunctionNotFoundError:
        raise not_found("Function does not exist") from None


def _read_cors(cors: Cors) -> EngineCors | None:
    """Return what was said; nothing at all takes back what was said before."""
    said = {field: value for member, field in _CORS.items() if (value := getattr(cors, member)) is not None}
    return EngineCors(**said) if said else None


def _show(call: Call, url: FunctionUrl) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionUrl": write_url(call.origin, url.id, url.scope.rpartition("/")[2]),
        "FunctionArn": qualified_arn(url.scope, url.name, url.qualifier),
        "AuthType": SIGNED if url.config.signed else OPEN,
        "CreationTime": modified(url.created_us),
        "LastModifiedTime": modified(url.modified_us),
        "InvokeMode": STREAMED if url.config.streamed else BUFFERED,
    }
    cors = url.config.cors
    if cors is not None:
        said = {member: getattr(cors, field) for member, field in _CORS.items()}
        shown["Cors"] = {member: value for member, value in said.items() if value is not None}
    return shown


OPERATIONS: Final = (
    create_function_url_config,
    delete_function_url_config,
    get_function_url_config,
    list_function_url_configs,
    update_function_url_config,
)
