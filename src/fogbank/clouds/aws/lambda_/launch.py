"""How a function is started under Lambda's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.lambda_.configuration import CONTRACT, DEFAULT_DISK_MIB, log_group, snapshotted
from fogbank.clouds.aws.lambda_.names import LATEST, qualified_arn
from fogbank.runtimes.model import Launch
from fogbank.runtimes.pool import INSTANCE_SECONDS_MAX

if TYPE_CHECKING:
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.engines.functions.model import Function

# AWS Lambda Developer Guide, "Defined runtime environment variables". A function may replace PATH and the like.
_DEFAULTS: Final = {
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    # What boto3 would otherwise try to reach before it takes the credentials below.
    "AWS_EC2_METADATA_DISABLED": "true",
}


# An instance's credentials outlive it.
CREDENTIALS_SECONDS: Final = INSTANCE_SECONDS_MAX + 3_600


def launch(function: Function, endpoint: str, sessions: Sessions) -> Launch:
    """Return how a function is started; `endpoint` is where its own SDKs find Fogbank.

    Each instance gets credentials of its own for the function's role.
    """
    config = function.config
    _realm, account, region = function.scope.split("/")
    environment = {
        **_DEFAULTS,
        "AWS_ENDPOINT_URL": endpoint,
        **config.environment,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }

    async def grant() -> dict[str, str]:
        # Whatever account the role's ARN names: a role is of the account of the functions that have it.
        role = config.principal.rpartition("/")[2]
        session = await sessions.for_role(account, role, function.name, CREDENTIALS_SECONDS)
        return {
            "AWS_ACCESS_KEY_ID": session.access_key,
            "AWS_SECRET_ACCESS_KEY": session.secret,
            "AWS_SESSION_TOKEN": session.token,
        }

    return Launch(
        key=(function.id, function.revision),
        contract=CONTRACT,
        runtime=config.runtime,
        handler=config.handler,
        code=config.code,
        environment=environment,
        grant=grant,
        memory_mib=config.memory_mib,
        timeout_seconds=config.timeout_seconds,
        name=function.name,
        version=function.version or LATEST,
        identity=qualified_arn(function.scope, function.name, function.version),
        log=(function.scope, log_group(function)),
        folder=config.folder,
        layers=tuple(layer.code for layer in config.layers),
        instances_max=config.concurrency_max,
        instances_min=function.instances_min,
        queued=False,
        ephemeral_mib=int(config.labels.get("disk_mib", DEFAULT_DISK_MIB)),
        snapshot=bool(function.version) and snapshotted(config),
    )
