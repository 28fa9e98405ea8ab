"""Which account a binding's connection is: the name of an app setting that has a connection string.

"Azure Functions, Connections": the setting itself, or the one whose name begins with `AzureWebJobs`; instead of a
string the setting `NAME__accountEndpoint` names the account (https://learn.microsoft.com/azure/azure-functions/
functions-reference#configure-an-identity-based-connection).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fogbank.clouds.azure.cosmos.calls import EMULATOR
from fogbank.clouds.azure.functions.storage.connections import PREFIX, ConnectionNameError
from fogbank.clouds.azure.hosts import COSMOS_HOSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "CosmosDB"
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost", "0.0.0.0"})  # noqa: S104 - compared with


def account_of(connection: str, settings: Mapping[str, str]) -> str:
    """Return the account of a connection; raises `ConnectionNameError`."""
    name = connection or DEFAULT
    for setting in (PREFIX + name, name):
        endpoint = _endpoint_of(settings.get(setting, "")) or settings.get(f"{setting}__accountEndpoint", "")
        account = _account_at(endpoint) if endpoint else None
        if account is not None:
            return account
        if settings.get(setting) or endpoint:
            msg = f"The connection '{setting}' is no connection string of an account of this server."
            raise ConnectionNameError(msg)
    msg = (
        f"Cosmos DB connection configuration '{name}' does not exist. Make sure that it is a defined App Setting."
    )  # fmt: skip
    raise ConnectionNameError(msg)


def _endpoint_of(text: str) -> str:
    fields = dict(part.partition("=")[::2] for part in text.split(";") if part)
    return next((value for name, value in fields.items() if name.strip().lower() == "accountendpoint"), "")


def _account_at(endpoint: str) -> str | None:
    """Return the account that is reached at an address, None if it is none of this server's."""
    host = (urlsplit(endpoint).hostname or "").lower()
    for suffix in COSMOS_HOSTS:
        if host.endswith(suffix):
            return host.removesuffix(suffix)
    return EMULATOR if host in _LOCAL else None
