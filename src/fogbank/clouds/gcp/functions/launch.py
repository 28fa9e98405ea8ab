"""How a function is started under functions-framework's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.functions.runtimes import language_of
from fogbank.clouds.gcp.functions.service import name_of
from fogbank.runtimes.model import Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.functions.model import Function

# Google Cloud, "Configure environment variables", the runtime's own; PORT is where a container would listen.
_DEFAULTS: Final = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": "UTC",
    "PORT": "8080",
}
_OF_LANGUAGES: Final = {"python": {"PYTHONUNBUFFERED": "1"}, "nodejs": {"NODE_ENV": "production"}}


def launch(function: Function) -> Launch:
    """Return how a function is started."""
    config = function.config
    name = name_of(function)
    revision = config.labels["revision"]
    environment = {
        **_DEFAULTS,
        **_OF_LANGUAGES[language_of(config.runtime)],
        **config.environment,
        "FUNCTION_TARGET": config.handler,
        "FUNCTION_SIGNATURE_TYPE": config.labels.get("signature", "http"),
        "GOOGLE_CLOUD_PROJECT": name.project,
        "K_SERVICE": name.id,
        "K_REVISION": revision,
        "K_CONFIGURATION": name.id,
    }
    if config.labels["source"]:
        environment["FUNCTION_SOURCE"] = config.labels["source"]

    async def grant() -> Mapping[str, str]:
        return {}

    return Launch(
        key=(function.id, function.revision),
        contract=config.contract,
        runtime=config.runtime,
        handler=config.handler,
        code=config.code,
        environment=environment,
        grant=grant,
        memory_mib=config.memory_mib,
        timeout_seconds=config.timeout_seconds,
        name=function.name,
        version=revision,
        identity=str(name),
        log=(function.scope, f"{config.log_group}/{revision}"),
        folder=config.folder,
        concurrency=config.concurrency,
        instances_max=config.instances_max,
        instances_min=config.instances_min,
    )
