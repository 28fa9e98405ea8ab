"""A function's configuration: from Lambda's members to the engine's, and back."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.names import LATEST, qualified_arn
from fogbank.clouds.aws.lambda_.queued.targets import DEAD_LETTERS, check_target
from fogbank.runtimes.code import UNPACKED_BYTES_MAX, InvalidArchiveError, check_archive
from fogbank.runtimes.lambda_runtime_api.runtimes import RUNTIMES
from fogbank.storage.blobs import digest_of
from fogbank.wire.aws.errors import AwsError
from fogbank.wire.aws.values import write_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.functions.model import Function, FunctionConfig

ENVIRONMENT_BYTES_MAX: Final = 4_096
TIMEOUT_SECONDS_MAX: Final = 900
ZIP_BYTES_MAX: Final = 52_428_800
CONTRACT: Final = "lambda"
# The bucket that stands for this machine's folders; the key is a path.
FOLDERS: Final = "hot-reload"
DEFAULT_ARCHITECTURE: Final = "x86_64"
DEFAULT_DISK_MIB: Final = "512"
# What programs are told whose language has no client here, but AWS's library for it speaks the Runtime API.
COMPILED: Final = (
    "; a program that is published for Linux as a single file named bootstrap, with the vendor's Runtime API client in"
    " it (Amazon.Lambda.RuntimeSupport, aws-lambda-go), runs as provided.al2023"
)
NO_SNAPSHOTS: Final = "None"
SNAPSHOTTED: Final = ("python3.12", "python3.13", "python3.14")
# AWS Lambda Developer Guide, "Defined runtime environment variables", the reserved ones.
RESERVED: Final = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip


class Code(Input):
    """Where a function's code is: in the request, or in a local folder that is named as an object in S3."""

    S3Bucket: str | None = None
    S3Key: str | None = None
    ZipFile: bytes | None = None


class Environment(Input):
    """Environment variables."""

    Variables: dict[str, str] | None = None


class EphemeralStorage(Input):
    """The size of the folder for temporary files, in MB."""

    Size: int


class TracingConfig(Input):
    """Whether invocations are traced."""

    Mode: str | None = None


class LoggingConfig(Input):
    """Where the function's output goes."""

    LogFormat: str | None = None
    LogGroup: str | None = None


class DeadLetterConfig(Input):
    """Where events go that were given up."""

    TargetArn: str | None = None


class SnapStart(Input):
    """Whether initialised instances are snapshotted."""

    ApplyOn: str | None = None


class VpcConfig(Input):
    """The network that the function is in; only none at all is supported."""

    SubnetIds: list[str] | None = None
    SecurityGroupIds: list[str] | None = None


class Settings(Input):
    """What CreateFunction and UpdateFunctionConfiguration have in common."""

    DeadLetterConfig: DeadLetterConfig | None = None
    Description: str | None = None
    Environment: Environment | None = None
    EphemeralStorage: EphemeralStorage | None = None
    Handler: str | None = None
    Layers: list[str] | None = None
    LoggingConfig: LoggingConfig | None = None
    MemorySize: int | None = None
    Role: str | None = None
    Runtime: str | None = None
    SnapStart: SnapStart | None = None
    Timeout: int | None = None
    TracingConfig: TracingConfig | None = None
    VpcConfig: VpcConfig | None = None


def read_settings(settings: Settings) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the engine's fields and the labels that are set; what isn't given is left out."""
    fields: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for member, field in _FIELDS.items():
        value = getattr(settings, member)
        if value is not None:
            fields[field] = value
    if settings.Runtime is not None:
        _check_runtime(settings.Runtime)
    if settings.Timeout is not None and settings.Timeout > TIMEOUT_SECONDS_MAX:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{settings.Timeout}' at 'timeout' failed to satisfy constraint:"
            f" Member must have value less than or equal to {TIMEOUT_SECONDS_MAX}",
        )
    if settings.Environment is not None:
        fields["environment"] = _check_environment(settings.Environment.Variables or {})
    if settings.DeadLetterConfig is not None:
        fields["dead_letters"] = settings.DeadLetterConfig.TargetArn or ""
        if fields["dead_letters"]:
            check_target(fields["dead_letters"], DEAD_LETTERS)
    if settings.EphemeralStorage is not None:
        labels["disk_mib"] = str(settings.EphemeralStorage.Size)
    if settings.TracingConfig is not None and settings.TracingConfig.Mode is not None:
        if settings.TracingConfig.Mode == "Active":
            raise unsupported("the tracing mode Active")
        labels["tracing"] = settings.TracingConfig.Mode
    if settings.LoggingConfig is not None:
        if settings.LoggingConfig.LogFormat not in (None, "Text"):
            raise unsupported(f"the log format {settings.LoggingConfig.LogFormat}")
        if settings.LoggingConfig.LogGroup is not None:
            fields["log_group"] = settings.LoggingConfig.LogGroup
    if settings.SnapStart is not None:
        labels["snap_start"] = settings.SnapStart.ApplyOn or NO_SNAPSHOTS
    vpc = settings.VpcConfig
    if vpc is not None and (vpc.SubnetIds or vpc.SecurityGroupIds):
        raise unsupported("VpcConfig")
    return fields, labels


_FIELDS: Final = {
    "Description": "description",
    "Handler": "handler",
    "MemorySize": "memory_mib",
    "Role": "principal",
    "Runtime": "runtime",
    "Timeout": "timeout_seconds",
}


def check_zip(zip_file: bytes | None) -> tuple[bytes, int]:
    """Check an uploaded archive; returns its digest, and how large it is when unpacked."""
    if zip_file is None:
        raise invalid("Please provide a source for function code.")
    if not zip_file:
        raise invalid("Uploaded file must be a non-empty zip")
    if len(zip_file) > ZIP_BYTES_MAX:
        raise invalid(f"Request must be smaller than {ZIP_BYTES_MAX} bytes for the code.")
    try:
        unpacked_bytes = check_archive(zip_file)
    except InvalidArchiveError as error:
        if "Unzipped size" in str(error):
            raise invalid(str(error)) from None
        raise invalid("Could not unzip uploaded file. Please check your file, then try to upload again.") from None
    return digest_of(zip_file), unpacked_bytes


def code_fields(source: Code) -> tuple[dict[str, Any], bytes]:
    """Check where code is to come from; returns the engine's fields of it, and the archive if there is one."""
    if source.S3Bucket is not None:
        if source.ZipFile is not None:
            raise invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
        return _folder_fields(source.S3Bucket, source.S3Key or ""), b""
    digest, unpacked_bytes = check_zip(source.ZipFile)
    archive = source.ZipFile or b""
    return {"code": digest, "code_bytes": len(archive), "unpacked_bytes": unpacked_bytes, "folder": ""}, archive


def _folder_fields(bucket: str, key: str) -> dict[str, Any]:
    """Return the fields of code that stays where it is: a local folder, as LocalStack's hot reloading names it."""
    if bucket != FOLDERS:
        raise unsupported(
            f"code in the S3 bucket {bucket}; send the code as ZipFile, or name a local folder by the bucket {FOLDERS}"
            " and the folder's absolute path as the key"
        )
    if not Path(key).is_absolute() or not Path(key).is_dir():
        raise invalid(f"Error occurred while GetObject. The key {key} of {FOLDERS} is not the path of a local folder.")
    folder = str(Path(key))
    return {"code": digest_of(folder.encode()), "code_bytes": 0, "unpacked_bytes": 0, "folder": folder}


def snapshotted(config: FunctionConfig) -> bool:
    """Whether published versions start from a snapshot."""
    return config.labels.get("snap_start", NO_SNAPSHOTS) != NO_SNAPSHOTS


def check_config(config: FunctionConfig) -> FunctionConfig:
    """Refuse code that is too large together with its layers, and snapshots where there can be none.

    AWS Lambda Developer Guide, "Improving startup performance with Lambda SnapStart": Python from 3.12 on, Java and
    .NET, with 512 MB of ephemeral storage.
    """
    if snapshotted(config):
        if config.runtime not in SNAPSHOTTED:
            raise invalid(f"{config.runtime} is not supported for SnapStart enabled functions.")
        if int(config.labels.get("disk_mib", DEFAULT_DISK_MIB)) > int(DEFAULT_DISK_MIB):
            raise invalid("SnapStart is not supported for functions with more than 512 MB of ephemeral storage.")
    total = config.unpacked_bytes + sum(layer.unpacked_bytes for layer in config.layers)
    if total > UNPACKED_BYTES_MAX:
        raise invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {UNPACKED_BYTES_MAX} bytes. The"
            f" actual size is {total} bytes."
        )
    return config


def show(function: Function, qualifier: str | None = None) -> dict[str, Any]:
    """Return a function, or a version of it, as FunctionConfiguration; its ARN has the qualifier given."""
    config = function.config
    labels = config.labels
    arn = qualified_arn(function.scope, function.name, qualifier or "")
    shown: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": arn,
        "Runtime": config.runtime,
        "Role": config.principal,
        "Handler": config.handler,
        "CodeSize": config.code_bytes,
        "Description": config.description,
        "Timeout": config.timeout_seconds,
        "MemorySize": config.memory_mib,
        "LastModified": modified(function.modified_us),
        "CodeSha256": code_sha256(config),
        "Version": function.version or LATEST,
        "TracingConfig": {"Mode": labels.get("tracing", "PassThrough")},
        "RevisionId": revision_id(function.revision),
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [labels.get("architecture", DEFAULT_ARCHITECTURE)],
        "EphemeralStorage": {"Size": int(labels.get("disk_mib", DEFAULT_DISK_MIB))},
        "SnapStart": {
            "ApplyOn": labels.get("snap_start", NO_SNAPSHOTS),
            "OptimizationStatus": "On" if function.version and snapshotted(config) else "Off",
        },
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": log_group(function)},
    }
    if config.layers:
        shown["Layers"] = [{"Arn": layer.name, "CodeSize": layer.code_bytes} for layer in config.layers]
    if config.dead_letters:
        shown["DeadLetterConfig"] = {"TargetArn": config.dead_letters}
    if config.environment:
        shown["Environment"] = {"Variables": config.environment}
    return shown


def code_sha256(config: FunctionConfig) -> str:
    """Return the hash of a function's code as Lambda shows it."""
    return b64encode(config.code).decode()


def log_group(function: Function) -> str:
    """Return the log group that the function's output goes to."""
    return function.config.log_group or f"/aws/lambda/{function.name}"


def revision_id(revision: int) -> str:
    """Return a revision as the UUID that Lambda would show."""
    h = f"{revision:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def apply(config: FunctionConfig, fields: Mapping[str, Any], labels: Mapping[str, str]) -> FunctionConfig:
    """Return a configuration with fields and labels set."""
    return check_config(msgspec.structs.replace(config, **fields, labels={**config.labels, **labels}))


def _check_runtime(runtime: str) -> None:
    if runtime not in RUNTIMES:
        instead = COMPILED if runtime.startswith(("dotnet", "go1")) else ""
        raise unsupported(f"the runtime {runtime}; it runs {', '.join(RUNTIMES)}{instead}")


def _check_environment(variables: dict[str, str]) -> dict[str, str]:
    reserved = sorted(variables.keys() & RESERVED)
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have"
            " provided contains reserved keys that are currently not supported for modification. Reserved keys used in"
            f" this request: {', '.join(reserved)}"
        )
    text = msgspec.json.encode(variables)
    if len(text) > ENVIRONMENT_BYTES_MAX:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have"
            f" provided exceeded the 4KB limit. String measured: {text.decode()}"
        )
    return variables


def modified(at_us: int) -> str:
    """Return a moment as Lambda writes when something was changed."""
    moment = str(write_timestamp(at_us // 1_000 / 1_000, "iso8601")).removesuffix("Z")
    if "." not in moment:
        moment += ".000"
    return moment + "+0000"
