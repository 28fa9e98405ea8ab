"""Which storage account a binding's connection is: the name of an app setting that has a connection string.

"Azure Functions, Connections": the setting itself, or the one whose name begins with `AzureWebJobs`; without a name
`AzureWebJobsStorage`. Instead of a string, settings `NAME__accountName` or `NAME__queueServiceUri` name the account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fogbank.clouds.azure.hosts import QUEUE_HOSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "Storage"
PREFIX: Final = "AzureWebJobs"
DEVELOPMENT: Final = "devstoreaccount1"
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost", "0.0.0.0"})  # noqa: S104 - compared with


class ConnectionNameError(Exception):
    """A connection doesn't lead to an account of this server; the message says why."""


def account_of(connection: str, settings: Mapping[str, str]) -> str:
    """Return the account of a connection; raises `ConnectionNameError`."""
    name = connection or DEFAULT
    for setting in (PREFIX + name, name):
        if settings.get(setting):
            return _account_of_string(setting, settings[setting])
        if settings.get(f"{setting}__accountName"):
            return settings[f"{setting}__accountName"]
        if settings.get(f"{setting}__queueServiceUri"):
            return _account_of_endpoint(setting, settings[f"{setting}__queueServiceUri"], "")
    told = PREFIX + DEFAULT if name == DEFAULT else name
    msg = f"Storage account connection string '{told}' does not exist. Make sure that it is a defined App Setting."
    raise ConnectionNameError(msg)


def _account_of_string(setting: str, text: str) -> str:
    fields = dict(part.partition("=")[::2] for part in text.split(";") if part)
    values = {name.strip().lower(): value for name, value in fields.items()}
    if values.get("usedevelopmentstorage", "").lower() == "true":
        return DEVELOPMENT
    account, endpoint = values.get("accountname", ""), values.get("queueendpoint", "")
    if endpoint:
        return _account_of_endpoint(setting, endpoint, account)
    if not account:
        msg = f"The connection string '{setting}' names no storage account."
        raise ConnectionNameError(msg)
    return account


def _account_of_endpoint(setting: str, endpoint: str, account: str) -> str:
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower()
    for suffix in QUEUE_HOSTS:
        if host.endswith(suffix):
            return account or host.removesuffix(suffix)
    if host not in _LOCAL:
        msg = f"The connection '{setting}' leads to {host or endpoint!r}, which is not this server."
        raise ConnectionNameError(msg)
    return account or parts.path.strip("/").partition("/")[0]
