"""google.cloud.functions.v2.FunctionService."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp import operations
from fogbank.clouds.gcp.functions import sources, v2_configuration
from fogbank.clouds.gcp.functions.builds import build
from fogbank.clouds.gcp.functions.event_triggers import read_second
from fogbank.clouds.gcp.functions.runtimes import RUNTIMES
from fogbank.clouds.gcp.functions.service import (
    FunctionName,
    check_id,
    create,
    delete,
    find,
    list_page,
    name_of,
    read_name,
    read_parent,
    set_time,
    update,
)
from fogbank.clouds.gcp.functions.v2_configuration import GENERATION, configuration, recall, show
from fogbank.clouds.gcp.masks import mask_fields
from fogbank.clouds.gcp.refusals import already_exists, invalid, unsupported
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.wire.grpc.service import Service
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.functions.sources import Source
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.functions.model import Function, FunctionConfig
    from fogbank.wire.grpc.service import Call

NAME: Final = "google.cloud.functions.v2.FunctionService"
_PACKAGE: Final = "google.cloud.functions.v2"
_KINDS: Final = {"create": 1, "update": 2, "delete": 3}
_REVISION: Final = re.compile(r"-(\d{5})-[a-z]{3}$")
_GA: Final = 4
_SECOND: Final = re.compile(r"""\s*environment\s*[=:]\s*(["']?)GEN_2\1\s*""")


def functions_service(parts: Parts) -> Service:
    """Return the service."""
    methods = {
        "CreateFunction": create_function,
        "UpdateFunction": update_function,
        "DeleteFunction": delete_function,
        "GetFunction": get_function,
        "ListFunctions": list_functions,
        "GenerateUploadUrl": generate_upload_url,
        "GenerateDownloadUrl": generate_download_url,
        "ListRuntimes": list_runtimes,
    }
    return Service(NAME, parts, methods)


async def create_function(parts: Parts, call: Call, request: Any) -> Any:
    """Create a function; it is there when the operation is returned, which is over."""
    project, region = read_parent(request.parent)
    short = request.function_id or request.function.name.rpartition("/")[2]
    name = FunctionName(project, region, short)
    check_id(name)
    if request.function.name not in ("", str(name)):
        raise invalid("function.name", f"function.name {request.function.name!r} doesn't agree with {str(name)!r}.")
    message = request.function
    v2_configuration.drop_output(message)
    v2_configuration.check(message, name)
    source = await _source(parts, message)
    if source is None:
        raise invalid("build_config.source", "build_config.source is required.")
    await _refuse_existing(parts, name)
    try:
        source = await build(source, message.build_config.runtime, v2_configuration.main_of(message))
    except GrpcError as error:
        return await _operation(parts, name, "create", message, error=error)
    config = configuration(message, source, None, _next_revision(name, "", _letters(parts)))
    function = await create(parts, name, config, source, read_second(message))
    return await _operation(parts, name, "create", show(parts, function, call.origin))


async def update_function(parts: Parts, call: Call, request: Any) -> Any:
    """Change what the mask names, or everything without one; running requests finish as they began."""
    name = read_name(request.function.name)
    function = await find(parts, name, GENERATION)
    v2_configuration.drop_output(request.function)
    message, changes_source = _merged(parts, function.config, request)
    v2_configuration.check(message, name)
    source = await _source(parts, message) if changes_source else None
    if source is not None:
        try:
            source = await build(source, message.build_config.runtime, v2_configuration.main_of(message))
        except GrpcError as error:
            return await _operation(parts, name, "update", message, error=error)
    letters = _letters(parts)

    def change(current: Function) -> FunctionConfig:
        # Somebody else may have changed it meanwhile.
        merged, _ = _merged(parts, current.config, request)
        v2_configuration.check(merged, name)
        revision = _next_revision(name, current.config.labels["revision"], letters)
        return configuration(merged, source, current.config, revision)

    changed = await update(parts, name, change, source, read_second(message))
    return await _operation(parts, name, "update", show(parts, changed, call.origin))


async def delete_function(parts: Parts, call: Call, request: Any) -> Any:
    """Delete a function."""
    name = read_name(request.name)
    function = await delete(parts, name, GENERATION)
    return await _operation(parts, name, "delete", show(parts, function, call.origin))


async def get_function(parts: Parts, call: Call, request: Any) -> Any:
    """Return a function."""
    if request.revision:
        raise unsupported("revision in GetFunction")
    return show(parts, await find(parts, read_name(request.name), GENERATION), call.origin)


async def list_functions(parts: Parts, call: Call, request: Any) -> Any:
    """List the functions of a project in a region, or in all of them."""
    project, region = read_parent(request.parent, any_region=True)
    if request.order_by:
        raise unsupported("order_by in ListFunctions")
    # What gcloud asks for, and what all functions of this API are.
    if request.filter and not _SECOND.fullmatch(request.filter):
        raise unsupported(f"filter {request.filter!r} in ListFunctions")
    found, token = await list_page(parts, project, region, GENERATION, request.page_size, request.page_token)
    response = parts.types.message(f"{_PACKAGE}.ListFunctionsResponse")(next_page_token=token)
    response.functions.extend(show(parts, function, call.origin) for function in found)
    return response


async def generate_upload_url(parts: Parts, call: Call, request: Any) -> Any:
    """Return a URL to which an archive can be uploaded with PUT, and the source that it then is."""
    project, region = read_parent(request.parent)
    if request.kms_key_name:
        raise unsupported("kms_key_name in GenerateUploadUrl")
    place = await sources.offer_upload(parts, project, region)
    response = parts.types.message(f"{_PACKAGE}.GenerateUploadUrlResponse")(upload_url=call.origin + place.path)
    response.storage_source.bucket = place.bucket
    response.storage_source.object = place.name
    return response


async def generate_download_url(parts: Parts, call: Call, request: Any) -> Any:
    """Return a URL from which a function's archive can be downloaded."""
    function = await find(parts, read_name(request.name), GENERATION)
    response = parts.types.message(f"{_PACKAGE}.GenerateDownloadUrlResponse")
    return response(download_url=download_url(function, call.origin))


async def list_runtimes(parts: Parts, _call: Call, request: Any) -> Any:
    """List the runtimes that functions can have here."""
    read_parent(request.parent)
    if request.filter:
        raise unsupported("filter in ListRuntimes")
    response = parts.types.message(f"{_PACKAGE}.ListRuntimesResponse")()
    for name, title, (year, month, day) in RUNTIMES:
        runtime = response.runtimes.add(name=name, display_name=title, stage=_GA, environment=v2_configuration.GEN_2)
        runtime.deprecation_date.year = year
        runtime.deprecation_date.month = month
        runtime.deprecation_date.day = day
    return response


def download_url(function: Function, origin: str) -> str:
    """Return where a function's archive is; raises `GrpcError` if it is a folder."""
    if function.config.folder:
        raise GrpcError(
            Code.FAILED_PRECONDITION,
            f"The source of {name_of(function)} is the local folder {function.config.folder}.",
        )
    return f"{origin}/_fogbank/code/{function.config.code.hex()}.zip"


def _merged(parts: Parts, config: FunctionConfig, request: Any) -> tuple[Any, bool]:
    """Return a function as it is to be, and whether its source is another."""
    given = parts.types.message(f"{_PACKAGE}.Function")()
    given.CopyFrom(request.function)
    paths = list(request.update_mask.paths)
    if not paths or paths == ["*"]:
        has_source = given.build_config.HasField("source")
        if not has_source:
            given.build_config.source.CopyFrom(recall(parts, config).build_config.source)
        return given, has_source
    message = recall(parts, config)
    mask_fields(message, given, paths)
    changes = any(path == "build_config" or path.startswith("build_config.source") for path in paths)
    if changes and not message.build_config.HasField("source"):
        message.build_config.source.CopyFrom(recall(parts, config).build_config.source)
        changes = False
    return message, changes


async def _source(parts: Parts, message: Any) -> Source | None:
    """Return the source that a function names, None if it names none."""
    if not message.build_config.source.HasField("storage_source"):
        return None
    storage = message.build_config.source.storage_source
    if storage.source_upload_url:
        place = sources.place_of(storage.source_upload_url)
        return await sources.fetch(parts, place.bucket, place.name)
    for field in ("bucket", "object"):
        if not getattr(storage, field):
            raise invalid(f"build_config.source.storage_source.{field}", f"storage_source.{field} is required.")
    return await sources.fetch(parts, storage.bucket, storage.object)


async def _refuse_existing(parts: Parts, name: FunctionName) -> None:
    """Refuse a name that is taken before looking at the source, as the engine does after it."""
    try:
        await parts.store.read(functions.find, name.key)
    except FunctionNotFoundError:
        return
    raise already_exists(str(name))


def _next_revision(name: FunctionName, before: str, letters: str) -> str:
    """Return the name of a function's next revision: `name-00002-abc`."""
    match = _REVISION.search(before)
    count = int(match[1]) + 1 if match else 1
    return f"{name.id}-{count:05d}-{letters}"


def _letters(parts: Parts) -> str:
    return "".join(chr(ord("a") + byte % 26) for byte in parts.ids.bytes(3))


async def _operation(
    parts: Parts, name: FunctionName, verb: str, message: Any, *, error: GrpcError | None = None
) -> Any:
    """Return an operation that is over."""
    now_us = parts.clock.now()
    metadata = parts.types.message(f"{_PACKAGE}.OperationMetadata")(
        target=str(name), verb=verb, api_version="v2", operation_type=_KINDS[verb]
    )
    set_time(metadata.create_time, now_us)
    set_time(metadata.end_time, now_us)
    metadata.request_resource.CopyFrom(parts.types.pack(message))
    response = parts.types.message("google.protobuf.Empty")() if verb == "delete" else message
    return await operations.finish(
        parts, operations.placed_name(parts, name.project, name.region), metadata, response=response, error=error
    )
