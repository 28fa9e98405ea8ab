"""The properties of a site: which are kept, which are read only, and how a site is shown.

Azure REST API reference, "Web Apps - Create Or Update". A property that is kept and not acted on is listed here by
name, with the values that it may have where others would change how an app behaves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.errors import bad_request, unsupported
from fogbank.clouds.azure.functions.apps import RUNNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.functions.apps import App

ANY: Final = object()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Kept as facts; a tuple lists the only values that have no other consequences.
PROPERTIES: Final[dict[str, Any]] = {
    "clientAffinityEnabled": ANY,
    "clientAffinityProxyEnabled": ANY,
    "clientCertEnabled": (False, None),
    "clientCertMode": ("Required", "Optional", None),
    "containerSize": ANY,
    "customDomainVerificationId": ANY,
    "dailyMemoryTimeQuota": ANY,
    "enabled": (True, None),
    "hostNamesDisabled": (False, None),
    "httpsOnly": ANY,
    "hyperV": (False, None),
    "isXenon": (False, None),
    "keyVaultReferenceIdentity": ANY,
    "publicNetworkAccess": ANY,
    "redundancyMode": ANY,
    "reserved": ANY,
    "scmSiteAlsoStopped": (False, None),
    "serverFarmId": ANY,
    "sshEnabled": ANY,
    "storageAccountRequired": (False, None),
}
SITE_CONFIG: Final[dict[str, Any]] = {
    "alwaysOn": ANY,
    "detailedErrorLoggingEnabled": ANY,
    "ftpsState": ANY,
    "functionAppScaleLimit": ANY,
    "functionsRuntimeScaleMonitoringEnabled": (False, None),
    "http20Enabled": ANY,
    "httpLoggingEnabled": ANY,
    "linuxFxVersion": ANY,
    "minTlsCipherSuite": ANY,
    "minTlsVersion": ANY,
    "minimumElasticInstanceCount": ANY,
    "numberOfWorkers": ANY,
    "preWarmedInstanceCount": ANY,
    "pythonVersion": ANY,
    "remoteDebuggingEnabled": (False, None),
    "requestTracingEnabled": ANY,
    "scmMinTlsVersion": ANY,
    "use32BitWorkerProcess": ANY,
    "vnetRouteAllEnabled": (False, None),
    "webSocketsEnabled": (False, None),
}
# What a client sends back that has read it.
READ_ONLY: Final = frozenset({
    "availabilityState", "defaultHostName", "enabledHostNames", "hostNameSslStates", "hostNames",
    "inProgressOperationId", "isDefaultContainer", "lastModifiedTimeUtc", "maxNumberOfWorkers", "name",
    "outboundIpAddresses", "possibleOutboundIpAddresses", "provisioningState", "repositorySiteName", "resourceGroup",
    "siteProperties", "sku", "slotSwapStatus", "state", "suspendedTill", "targetSwapSlot", "trafficManagerHostNames",
    "usageState",
})  # fmt: skip


def read_properties(properties: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, str] | None]:
    """Return a site's own facts, those of its configuration, and its app settings if there are any."""
    facts: dict[str, Any] = {}
    config: dict[str, Any] = {}
    settings = None
    for name, value in properties.items():
        if name == "siteConfig":
            config, settings = read_site_config(value)
        elif name not in READ_ONLY:
            facts[name] = _fact(f"properties.{name}", value, PROPERTIES.get(name))
    return facts, config, settings


def read_site_config(given: Any) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return the facts of a site's configuration, and its app settings if there are any."""
    if given is None:
        return {}, None
    if not isinstance(given, dict):
        raise bad_request("The property siteConfig must be an object.")
    config, settings = {}, None
    for name, value in given.items():
        if name == "appSettings":
            settings = None if value is None else _settings(value)
        else:
            config[name] = _fact(f"siteConfig.{name}", value, SITE_CONFIG.get(name))
    version = config.get("linuxFxVersion")
    if version and not str(version).lower().startswith(("python|", "node|")):
        raise unsupported(f"the linuxFxVersion {version}")
    return config, settings


def _fact(path: str, value: Any, allowed: Any) -> Any:
    if allowed is ANY and not isinstance(value, dict | list):
        return value
    if allowed is None and value is None:
        return None
    if allowed is None or allowed is ANY:
        raise unsupported(f"the property {path}")
    if value not in allowed:
        raise unsupported(f"the value {value!r} of the property {path}")
    return value


def _settings(pairs: Any) -> dict[str, str]:
    try:
        listed = msgspec.convert(pairs, list[_Pair])
    except msgspec.ValidationError as error:
        raise bad_request(f"The property siteConfig.appSettings can't be read: {error}") from None
    return {pair.name: pair.value or "" for pair in listed}


class _Pair(msgspec.Struct):
    name: str
    value: str | None = None


def show_site(app: App, call: ArmCall) -> dict[str, Any]:
    """Return an app as a resource."""
    labels = app.function.config.labels
    shown = call._replace(group=labels["group"], path=("sites", app.name))
    host, scm = host_names(app.name, call)
    modified = _EPOCH + timedelta(microseconds=app.function.modified_us)
    properties = {
        "name": app.name,
        "state": labels["state"],
        "hostNames": [host],
        "repositorySiteName": app.name,
        "usageState": "Normal",
        "enabled": True,
        "enabledHostNames": [host, scm],
        "availabilityState": "Normal" if labels["state"] == RUNNING else "Limited",
        "hostNameSslStates": [
            {"name": name, "sslState": "Disabled", "hostType": kind}
            for name, kind in ((host, "Standard"), (scm, "Repository"))
        ],
        "lastModifiedTimeUtc": modified.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "siteConfig": msgspec.json.decode(labels["site_config"]),
        "defaultHostName": host,
        "resourceGroup": labels["group"],
        **msgspec.json.decode(labels["properties"]),
    }
    return {
        "id": shown.resource,
        "name": app.name,
        "type": "Microsoft.Web/sites",
        "kind": labels["kind"],
        "location": labels["location"],
        "tags": app.function.config.tags,
        "properties": properties,
    }


def host_names(name: str, call: ArmCall) -> tuple[str, str]:
    """Return the host names of an app and of its deployment service, with the port that the client used."""
    _, colon, port = call.host.rpartition(":")
    suffix = f"azurewebsites.localhost{colon}{port}" if colon and port.isdecimal() else "azurewebsites.localhost"
    return f"{name.lower()}.{suffix}", f"{name.lower()}.scm.{suffix}"
