"""google.cloud.functions.v1.CloudFunctionsService: the first generation's API, over the same functions engine.

It knows the functions that were made with it, whose concurrency is 1, as the other API knows its own; names are shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp import operations
from fogbank.clouds.gcp.functions import checks, serving, sources
from fogbank.clouds.gcp.functions.builds import build
from fogbank.clouds.gcp.functions.event_triggers import read_first
from fogbank.clouds.gcp.functions.runtimes import check_runtime
from fogbank.clouds.gcp.functions.service import (
    CONTRACT,
    check_id,
    create,
    delete,
    find,
    keep_facts,
    list_page,
    name_of,
    read_name,
    read_parent,
    recall_facts,
    set_time,
    update,
    url_of,
)
from fogbank.clouds.gcp.functions.v2 import download_url
from fogbank.clouds.gcp.masks import mask_fields
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.engines.functions.model import FunctionConfig
from fogbank.runtimes.model import Ended
from fogbank.wire.grpc.service import Service
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.functions.service import FunctionName
    from fogbank.clouds.gcp.functions.sources import Source
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.functions.model import Function
    from fogbank.wire.grpc.service import Call

NAME: Final = "google.cloud.functions.v1.CloudFunctionsService"
GENERATION: Final = "1"
_PACKAGE: Final = "google.cloud.functions.v1"
_KINDS: Final = {"create": 1, "update": 2, "delete": 3}
_ACTIVE: Final = 1
# Google Cloud, "Cloud Run functions quotas", first generation.
TIMEOUT_SECONDS_MAX: Final = 540
MEMORIES_MIB: Final = (128, 256, 512, 1_024, 2_048, 4_096, 8_192)
CALL_BYTES_MAX: Final = 10_485_760
DEFAULT_MEMORY_MIB: Final = 256
DEFAULT_TIMEOUT_SECONDS: Final = 60
INSTANCES_MAX: Final = 3_000
SECURE_OPTIONAL: Final = 2
_OUTPUT: Final = ("status", "update_time", "version_id", "build_id", "build_name", "source_token")
_SUPPORTED: Final = {
    "name": None,
    "description": None,
    "source_archive_url": None,
    "source_upload_url": None,
    "https_trigger": {"security_level": None},
    "event_trigger": {"event_type": None, "resource": None, "service": None, "failure_policy": None},
    "entry_point": None,
    "runtime": None,
    "timeout": None,
    "available_memory_mb": None,
    "service_account_email": None,
    "labels": None,
    "environment_variables": None,
    "build_environment_variables": None,
    "max_instances": None,
    "min_instances": None,
    "ingress_settings": None,
    "docker_registry": None,
    "automatic_update_policy": None,
}


def functions_service(parts: Parts) -> Service:
    """Return the service."""
    methods = {
        "CreateFunction": create_function,
        "UpdateFunction": update_function,
        "DeleteFunction": delete_function,
        "GetFunction": get_function,
        "ListFunctions": list_functions,
        "CallFunction": call_function,
        "GenerateUploadUrl": generate_upload_url,
        "GenerateDownloadUrl": generate_download_url,
    }
    return Service(NAME, parts, methods)


async def create_function(parts: Parts, call: Call, request: Any) -> Any:
    """Create a function; it is there when the operation is returned, which is over."""
    project, region = read_parent(request.location)
    message = request.function
    name = read_name(message.name)
    if (name.project, name.region) != (project, region):
        raise invalid("function.name", f"function.name {message.name!r} is not in {request.location!r}.")
    check_id(name, first=True)
    _check(message, name)
    source = await _source(parts, message)
    if source is None:
        raise invalid("function.source_code", "One of source_archive_url and source_upload_url is required.")
    try:
        source = await build(source, message.runtime, _main_of(message))
    except GrpcError as error:
        return await _operation(parts, name, "create", request, 1, error=error)
    function = await create(parts, name, _configuration(message, source, None, 1), source, read_first(message))
    return await _operation(parts, name, "create", request, 1, show(parts, function, call.origin))


async def update_function(parts: Parts, call: Call, request: Any) -> Any:
    """Change what the mask names, or everything without one."""
    name = read_name(request.function.name)
    function = await find(parts, name, GENERATION)
    message, changes = _merged(parts, function.config, request)
    _check(message, name)
    source = await _source(parts, message) if changes else None
    version = int(function.config.labels["version"]) + 1
    if source is not None:
        try:
            source = await build(source, message.runtime, _main_of(message))
        except GrpcError as error:
            return await _operation(parts, name, "update", request, version, error=error)

    def change(current: Function) -> FunctionConfig:
        # Somebody else may have changed it meanwhile.
        merged, _ = _merged(parts, current.config, request)
        _check(merged, name)
        return _configuration(merged, source, current.config, int(current.config.labels["version"]) + 1)

    changed = await update(parts, name, change, source, read_first(message))
    version = int(changed.config.labels["version"])
    return await _operation(parts, name, "update", request, version, show(parts, changed, call.origin))


async def delete_function(parts: Parts, _call: Call, request: Any) -> Any:
    """Delete a function."""
    name = read_name(request.name)
    function = await delete(parts, name, GENERATION)
    version = int(function.config.labels["version"])
    empty = parts.types.message("google.protobuf.Empty")()
    return await _operation(parts, name, "delete", request, version, empty)


async def get_function(parts: Parts, call: Call, request: Any) -> Any:
    """Return a function."""
    function = await find(parts, read_name(request.name), GENERATION)
    if request.version_id not in (0, int(function.config.labels["version"])):
        raise unsupported("version_id in GetFunction other than the latest")
    return show(parts, function, call.origin)


async def list_functions(parts: Parts, call: Call, request: Any) -> Any:
    """List the functions of a project in a region, or in all of them."""
    project, region = read_parent(request.parent, any_region=True)
    found, token = await list_page(parts, project, region, GENERATION, request.page_size, request.page_token)
    response = parts.types.message(f"{_PACKAGE}.ListFunctionsResponse")(next_page_token=token)
    response.functions.extend(show(parts, function, call.origin) for function in found)
    return response


async def call_function(parts: Parts, _call: Call, request: Any) -> Any:
    """Call a function with a text; its answer, or what went wrong, is a successful answer here."""
    function = await find(parts, read_name(request.name), GENERATION)
    body = request.data.encode()
    if len(body) > CALL_BYTES_MAX:
        raise invalid("data", f"data is larger than {CALL_BYTES_MAX} bytes.")
    headers = [
        ("host", "cloudfunctions.localhost"),
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
    ]
    execution = parts.ids.hex(6)
    headers.append((serving.EXECUTION, execution))
    outcome = await serving.call(parts, function, "POST", "/", "", headers, body)
    if outcome is None:
        raise GrpcError(Code.RESOURCE_EXHAUSTED, "Rate exceeded.")
    response = parts.types.message(f"{_PACKAGE}.CallFunctionResponse")(execution_id=execution)
    answer = serving.respond(outcome)
    assert isinstance(answer.body, bytes)
    text = answer.body.decode(errors="replace")
    if outcome.ended is Ended.OK and answer.status < 400:
        response.result = text
    else:
        response.error = f"Error: function terminated with status {answer.status}. Details:\n{text}"
    return response


async def generate_upload_url(parts: Parts, call: Call, request: Any) -> Any:
    """Return a URL to which an archive can be uploaded with PUT."""
    project, region = read_parent(request.parent)
    if request.kms_key_name:
        raise unsupported("kms_key_name in GenerateUploadUrl")
    place = await sources.offer_upload(parts, project, region)
    return parts.types.message(f"{_PACKAGE}.GenerateUploadUrlResponse")(upload_url=call.origin + place.path)


async def generate_download_url(parts: Parts, call: Call, request: Any) -> Any:
    """Return a URL from which a function's archive can be downloaded."""
    function = await find(parts, read_name(request.name), GENERATION)
    url = download_url(function, call.origin)
    return parts.types.message(f"{_PACKAGE}.GenerateDownloadUrlResponse")(download_url=url)


def _merged(parts: Parts, config: FunctionConfig, request: Any) -> tuple[Any, bool]:
    """Return a function as it is to be, and whether its source is another."""
    message = _recall(parts, config)
    given = parts.types.message(f"{_PACKAGE}.CloudFunction")()
    given.CopyFrom(request.function)
    paths = list(request.update_mask.paths)
    if paths and paths != ["*"]:
        mask_fields(message, given, paths)
        return message, any(path.startswith("source") for path in paths)
    changes = given.WhichOneof("source_code") is not None
    kept = message.WhichOneof("source_code")
    if not changes and kept is not None:
        setattr(given, kept, getattr(message, kept))
    return given, changes


def _check(message: Any, name: FunctionName) -> None:
    """Check a function as it is to be, and fill in what is left out; raises `GrpcError`."""
    for field in _OUTPUT:
        message.ClearField(field)
    if read_first(message) is None:
        message.https_trigger.ClearField("url")
        message.https_trigger.security_level = message.https_trigger.security_level or SECURE_OPTIONAL
    refuse_unsupported(message, _SUPPORTED)
    if not message.runtime:
        raise invalid("runtime", "Runtime field cannot be empty.")
    check_runtime(message.runtime)
    message.entry_point = message.entry_point or name.id
    checks.check_entry_point("entry_point", message.entry_point)
    message.available_memory_mb = message.available_memory_mb or DEFAULT_MEMORY_MIB
    if message.available_memory_mb not in MEMORIES_MIB:
        raise invalid("available_memory_mb", f"Invalid memory: {message.available_memory_mb} MB.")
    if not message.HasField("timeout"):
        message.timeout.seconds = DEFAULT_TIMEOUT_SECONDS
    checks.check_range("timeout", message.timeout.seconds, 1, TIMEOUT_SECONDS_MAX)
    checks.check_range("max_instances", message.max_instances, 0, INSTANCES_MAX)
    checks.check_range("min_instances", message.min_instances, 0, message.max_instances or INSTANCES_MAX)
    message.ingress_settings = message.ingress_settings or 1
    checks.check_environment("environment_variables", message.environment_variables)
    checks.check_environment("build_environment_variables", message.build_environment_variables)
    checks.check_labels(message.labels)


def _main_of(message: Any) -> str:
    return sources.main_of(message.runtime, message.build_environment_variables)


async def _source(parts: Parts, message: Any) -> Source | None:
    """Return the source that a function names: an upload, or an archive's URL `gs://bucket/object`."""
    if message.source_upload_url:
        place = sources.place_of(message.source_upload_url)
        return await sources.fetch(parts, place.bucket, place.name)
    if message.source_archive_url:
        bucket, _, name = message.source_archive_url.removeprefix("gs://").partition("/")
        return await sources.fetch(parts, bucket, name)
    return None


def _configuration(message: Any, source: Source | None, old: FunctionConfig | None, version: int) -> FunctionConfig:
    """Return what the engine keeps of a checked function; its code is the old one's where no source is given."""
    assert source is not None or old is not None
    short = message.name.rpartition("/")[2]
    labels = {
        **keep_facts(GENERATION, message),
        "source": _main_of(message),
        "signature": "event" if message.HasField("event_trigger") else "http",
        "version": str(version),
        "revision": str(version),
    }
    return FunctionConfig(
        contract=CONTRACT,
        runtime=message.runtime,
        handler=message.entry_point,
        code=source.digest if source is not None else old.code if old is not None else b"",
        code_bytes=len(source.code) if source is not None else old.code_bytes if old is not None else 0,
        memory_mib=message.available_memory_mb,
        timeout_seconds=message.timeout.seconds,
        environment={**message.environment_variables},
        principal=message.service_account_email,
        description=message.description,
        log_group=f"cloudfunctions.googleapis.com/{short}",
        labels=labels,
        tags={**message.labels},
        folder=source.folder if source is not None else old.folder if old is not None else "",
        instances_min=message.min_instances,
        instances_max=message.max_instances or None,
    )


def _recall(parts: Parts, config: FunctionConfig) -> Any:
    return parts.types.message(f"{_PACKAGE}.CloudFunction").FromString(recall_facts(config))


def show(parts: Parts, function: Function, origin: str) -> Any:
    """Return a function as the API tells of it."""
    message = _recall(parts, function.config)
    name = name_of(function)
    message.status = _ACTIVE
    if not message.HasField("event_trigger"):
        message.https_trigger.url = url_of(origin, name)
    message.version_id = int(function.config.labels["version"])
    if not message.service_account_email:
        message.service_account_email = f"{name.project}@appspot.gserviceaccount.com"
    message.build_id = f"{function.revision:x}"
    message.build_name = f"projects/{name.project}/locations/{name.region}/builds/{function.revision:x}"
    set_time(message.update_time, function.modified_us)
    return message


async def _operation(
    parts: Parts,
    name: FunctionName,
    verb: str,
    request: Any,
    version: int,
    response: Any = None,
    *,
    error: GrpcError | None = None,
) -> Any:
    """Return an operation that is over."""
    metadata = parts.types.message(f"{_PACKAGE}.OperationMetadataV1")(
        target=str(name), type=_KINDS[verb], version_id=version
    )
    metadata.request.CopyFrom(parts.types.pack(request))
    set_time(metadata.update_time, parts.clock.now())
    return await operations.finish(parts, f"operations/{parts.ids.token()}", metadata, response=response, error=error)
