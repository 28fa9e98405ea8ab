"""A function of the second generation: from its message to what the engine keeps, and back.

Fields and defaults are those of google/cloud/functions/v2/functions.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.functions import checks
from fogbank.clouds.gcp.functions.event_triggers import read_second
from fogbank.clouds.gcp.functions.runtimes import check_runtime
from fogbank.clouds.gcp.functions.service import (
    CONTRACT,
    FunctionName,
    keep_facts,
    name_of,
    recall_facts,
    set_time,
    url_of,
)
from fogbank.clouds.gcp.functions.sources import main_of as main_of_source
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported
from fogbank.engines.functions.model import FunctionConfig

if TYPE_CHECKING:
    from fogbank.clouds.gcp.functions.sources import Source
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.functions.model import Function

GENERATION: Final = "2"
GEN_2: Final = 2
ACTIVE: Final = 1
DEFAULT_MEMORY: Final = "256M"
DEFAULT_TIMEOUT_SECONDS: Final = 60
TIMEOUT_SECONDS_MAX: Final = 3_600
DEFAULT_INSTANCES_MAX: Final = 100
ALLOW_ALL: Final = 1
SOURCE_VARIABLE: Final = "GOOGLE_FUNCTION_SOURCE"
# Google Cloud's buildpacks, "Configure Cloud Run functions": what a function takes that doesn't say so itself.
SIGNATURE_VARIABLE: Final = "GOOGLE_FUNCTION_SIGNATURE_TYPE"
SIGNATURES: Final = ("http", "event", "cloudevent")

_SUPPORTED: Final = {
    "name": None,
    "description": None,
    "labels": None,
    "environment": None,
    "event_trigger": {
        "trigger": None,
        "trigger_region": None,
        "event_type": None,
        "pubsub_topic": None,
        "event_filters": None,
        "service_account_email": None,
        "retry_policy": None,
    },
    "build_config": {
        "runtime": None,
        "entry_point": None,
        "source": {"storage_source": {"bucket": None, "object": None, "generation": None, "source_upload_url": None}},
        "environment_variables": None,
        "docker_registry": None,
        "automatic_update_policy": None,
    },
    "service_config": {
        "timeout_seconds": None,
        "available_memory": None,
        "available_cpu": None,
        "environment_variables": None,
        "max_instance_count": None,
        "min_instance_count": None,
        "max_instance_request_concurrency": None,
        "ingress_settings": None,
        "service_account_email": None,
        "all_traffic_on_latest_revision": None,
        "security_level": None,
    },
}


def drop_output(message: Any) -> None:
    """Forget what only the service says, as it does with what is sent of it."""
    for name in ("state", "update_time", "create_time", "state_messages", "url", "satisfies_pzs"):
        message.ClearField(name)
    for name in ("build", "source_provenance"):
        message.build_config.ClearField(name)
    for name in ("service", "uri", "revision"):
        message.service_config.ClearField(name)


def check(message: Any, name: FunctionName) -> None:
    """Check a function as it is to be, and fill in what is left out; raises `GrpcError`."""
    refuse_unsupported(message, _SUPPORTED)
    if message.environment not in (0, GEN_2):
        raise invalid("environment", "The second generation's API makes functions of environment GEN_2 only.")
    message.environment = GEN_2
    message.name = str(name)
    read_second(message)
    build, service = message.build_config, message.service_config
    if not build.runtime:
        raise invalid("build_config.runtime", "Runtime field cannot be empty.")
    check_runtime(build.runtime)
    build.entry_point = build.entry_point or name.id
    checks.check_entry_point("build_config.entry_point", build.entry_point)
    build.docker_registry = build.docker_registry or 2
    checks.check_environment("build_config.environment_variables", build.environment_variables)
    signature_of(message)
    _check_service(service)
    checks.check_labels(message.labels)


def _check_service(service: Any) -> None:
    service.timeout_seconds = service.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
    checks.check_range("service_config.timeout_seconds", service.timeout_seconds, 1, TIMEOUT_SECONDS_MAX)
    service.available_memory = service.available_memory or DEFAULT_MEMORY
    mebibytes = checks.read_memory(service.available_memory)
    service.available_cpu = service.available_cpu or checks.cpu_for(mebibytes)
    cpu = checks.read_cpu(service.available_cpu)
    service.max_instance_request_concurrency = service.max_instance_request_concurrency or 1
    concurrency = service.max_instance_request_concurrency
    checks.check_range("service_config.max_instance_request_concurrency", concurrency, 1, checks.CONCURRENCY_MAX)
    if concurrency > 1 and cpu < 1:
        raise invalid(
            "service_config.max_instance_request_concurrency",
            f"Total cpu < 1 is not supported with concurrency > 1: available_cpu is {service.available_cpu}.",
        )
    service.max_instance_count = service.max_instance_count or DEFAULT_INSTANCES_MAX
    checks.check_range("service_config.max_instance_count", service.max_instance_count, 1, checks.INSTANCES_MAX)
    checks.check_range("service_config.min_instance_count", service.min_instance_count, 0, service.max_instance_count)
    service.ingress_settings = service.ingress_settings or ALLOW_ALL
    service.all_traffic_on_latest_revision = True
    checks.check_environment("service_config.environment_variables", service.environment_variables)


def signature_of(message: Any) -> str:
    """Return what a function without a mark takes; raises `GrpcError`."""
    default = "cloudevent" if message.HasField("event_trigger") else SIGNATURES[0]
    signature = message.build_config.environment_variables.get(SIGNATURE_VARIABLE) or default
    if signature not in SIGNATURES:
        raise invalid(
            "build_config.environment_variables",
            f"Invalid {SIGNATURE_VARIABLE} {signature!r}: it is one of {', '.join(SIGNATURES)}.",
        )
    return str(signature)


def main_of(message: Any) -> str:
    """Return the file that has the function."""
    return main_of_source(message.build_config.runtime, message.build_config.environment_variables)


def configuration(message: Any, source: Source | None, old: FunctionConfig | None, revision: str) -> FunctionConfig:
    """Return what the engine keeps of a checked function; its code is the old one's where no source is given."""
    service = message.service_config
    service.revision = revision
    code, size, folder = (
        (source.digest, len(source.code), source.folder)
        if source is not None
        else (old.code, old.code_bytes, old.folder)
        if old is not None
        else (b"", 0, "")
    )
    return FunctionConfig(
        contract=CONTRACT,
        runtime=message.build_config.runtime,
        handler=message.build_config.entry_point,
        code=code,
        code_bytes=size,
        memory_mib=checks.read_memory(service.available_memory),
        timeout_seconds=service.timeout_seconds,
        environment={**service.environment_variables},
        principal=service.service_account_email,
        description=message.description,
        log_group=f"run.googleapis.com/{message.name.rpartition('/')[2]}",
        labels={
            **keep_facts(GENERATION, message),
            "source": main_of(message),
            "signature": signature_of(message),
            "revision": revision,
        },
        tags={**message.labels},
        folder=folder,
        concurrency=service.max_instance_request_concurrency,
        instances_min=service.min_instance_count,
        instances_max=service.max_instance_count,
    )


def recall(parts: Parts, config: FunctionConfig) -> Any:
    """Return a function's message as it was kept, with the revision and without what only the service says."""
    message = parts.types.message("google.cloud.functions.v2.Function").FromString(recall_facts(config))
    message.service_config.ClearField("revision")
    return message


def show(parts: Parts, function: Function, origin: str) -> Any:
    """Return a function as the API tells of it."""
    message = parts.types.message("google.cloud.functions.v2.Function").FromString(recall_facts(function.config))
    name = name_of(function)
    message.state = ACTIVE
    message.url = message.service_config.uri = url_of(origin, name)
    message.service_config.service = f"projects/{name.project}/locations/{name.region}/services/{name.id}"
    if not message.service_config.service_account_email:
        message.service_config.service_account_email = f"{name.project}@appspot.gserviceaccount.com"
    build = f"projects/{name.project}/locations/{name.region}/builds/{function.revision:x}"
    message.build_config.build = build
    message.build_config.source_provenance.resolved_storage_source.CopyFrom(message.build_config.source.storage_source)
    set_time(message.create_time, function.created_us)
    set_time(message.update_time, function.modified_us)
    return message
