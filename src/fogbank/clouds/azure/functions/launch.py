"""How instances of a function app are started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.functions.apps import CONTRACT, settings_of
from fogbank.runtimes.model import Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.functions.model import Function

# How many invocations an instance runs at a time; as many of the worker's threads run plain functions.
CONCURRENCY: Final = 8
INSTANCES_MAX: Final = 100
LOG_GROUP_PREFIX: Final = "/azure/functions/"
_DEFAULTS: Final = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "AZURE_FUNCTIONS_ENVIRONMENT": "Production",
    "FUNCTIONS_EXTENSION_VERSION": "~4",
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "WEBSITE_SKU": "Dynamic",
}


def launch(function: Function) -> Launch:
    """Return how an app's instances are started ("App settings reference for Azure Functions")."""
    config = function.config
    labels = config.labels
    name = labels["name"]
    environment = {
        **_DEFAULTS,
        **settings_of(config),
        "WEBSITE_SITE_NAME": name,
        "WEBSITE_RESOURCE_GROUP": labels["group"],
        "WEBSITE_OWNER_NAME": f"{function.scope.split('/')[1]}+{labels['group']}-{labels['location']}",
        "WEBSITE_HOSTNAME": f"{name.lower()}.azurewebsites.net",
        "REGION_NAME": labels["location"],
    }

    async def grant() -> Mapping[str, str]:
        return {}

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
        name=name,
        version="",
        identity=f"{function.scope}/{name}",
        log=(function.scope, LOG_GROUP_PREFIX + function.name),
        folder=labels.get("folder", ""),
        concurrency=CONCURRENCY,
        instances_max=INSTANCES_MAX,
    )
