"""Which of Azure's services a request is for, where neither ARM's paths nor an app's host name say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.wire.http import Request

QUEUE_HOSTS: Final = (".queue.core.windows.net", ".queue.core.localhost", ".queue.localhost")
EVENT_GRID_HOSTS: Final = (".eventgrid.azure.net", ".eventgrid.localhost")
COSMOS_HOSTS: Final = (".documents.azure.com", ".documents.localhost")
EVENT_GRID_PATH: Final = "/eventgrid/"
LOGIN_HOSTS: Final = frozenset(
    {"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"}
)
# Where managed identities are asked for: App Service's endpoint is whatever IDENTITY_ENDPOINT says, the other is that
# of virtual machines.
APP_SERVICE_PATH: Final = "/msi/token"
MACHINE_PATH: Final = "/metadata/identity/oauth2/token"
INSTANCE_PATH: Final = "/common/discovery/instance"
_TENANT: Final = r"/(?P<tenant>[\w-]+(?:\.[\w-]+)*)"
TOKEN: Final = re.compile(_TENANT + r"/oauth2(?P<v2>/v2\.0)?/token")
CONFIGURATION: Final = re.compile(_TENANT + r"(?:/v2\.0)?/\.well-known/openid-configuration")
KEYS: Final = re.compile(_TENANT + r"/discovery(?:/v2\.0)?/keys")
_OF_IDENTITY: Final = ("/token", "/openid-configuration", "/keys")
_DEVELOPMENT: Final = "/devstoreaccount1"
_SHARED_KEY: Final = (b"SharedKey ", b"SharedKeyLite ")


def is_cosmos(request: Request, host: str) -> bool:
    """Whether a request is for Cosmos DB: by its host, or by its path and the kind of its signature."""
    if host.endswith(COSMOS_HOSTS):
        return True
    path = request.raw_path
    if path != "/" and not path.startswith(("/dbs", "/offers")):
        return False
    headers = request.headers
    return b"x-ms-version" in headers and (
        path != "/" or headers.get(b"authorization", b"").lower().startswith(b"type")
    )


def is_storage(request: Request, host: str) -> bool:
    """Whether a request is for Azure Storage: by its host, its path, the version or the kind of its signature."""
    headers = request.headers
    if host.endswith(QUEUE_HOSTS) or request.raw_path.startswith(_DEVELOPMENT):
        return True
    authorization = headers.get(b"authorization", b"")
    if b"x-ms-version" in headers:
        # Cosmos DB has such a header, too; its signatures look otherwise.
        return not authorization.lower().startswith(b"type")
    return authorization.startswith(_SHARED_KEY)


def is_event_grid(request: Request, host: str) -> bool:
    """Whether a request is for a topic, domain or namespace of Event Grid, by its host or its path."""
    return host.endswith(EVENT_GRID_HOSTS) or request.raw_path.startswith(EVENT_GRID_PATH)


def is_identity(request: Request, host: str) -> bool:
    """Whether a request is for Microsoft Entra or a managed identity: by its host or its path."""
    path = request.raw_path
    if host in LOGIN_HOSTS or path in (APP_SERVICE_PATH, MACHINE_PATH, INSTANCE_PATH):
        return True
    return path.endswith(_OF_IDENTITY) and any(pattern.fullmatch(path) for pattern in (TOKEN, CONFIGURATION, KEYS))
