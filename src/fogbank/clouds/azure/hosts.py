"""Which of Azure's services a request is for, where neither ARM's paths nor an app's host name say it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fogbank.wire.http import Request

QUEUE_HOSTS: Final = (".queue.core.windows.net", ".queue.core.localhost", ".queue.localhost")
TABLE_HOSTS: Final = (".table.core.windows.net", ".table.core.localhost", ".table.localhost")
# Tables of Cosmos DB: clients for tables tell them from those of Azure Storage by ".table.cosmos." in the name.
COSMOS_TABLE_HOSTS: Final = (".table.cosmos.azure.com", ".table.cosmosdb.azure.com", ".table.cosmos.localhost")
EVENT_GRID_HOSTS: Final = (".eventgrid.azure.net", ".eventgrid.localhost")
GREMLIN_HOSTS: Final = (".gremlin.cosmos.azure.com", ".gremlin.cosmosdb.azure.com", ".gremlin.localhost")
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
# Where emulators of tables listen; clients name the port.
_TABLE_PORT: Final = b":10002"
_COSMOS_TABLE_PORT: Final = b":8902"
# The account of Cosmos DB's emulator: for tables at a port of its own, or as a segment of the path.
COSMOS_EMULATOR: Final = "localhost"
_COSMOS_TABLE_PATH: Final = re.compile(rf"/{COSMOS_EMULATOR}(?:/|$)")
# A path of tables, behind the account: the list of them, a batch, an entity or a query.
_TABLE_PATH: Final = re.compile(r"/[a-z0-9-]{3,34}/(?:\$batch/?|Tables(?:\(.*\))?/?|[A-Za-z][A-Za-z0-9]*\(.*\))$")
# What both queues and tables are asked for in the same words.
_SHARED: Final = re.compile("&comp=(?:acl|properties|stats)&", re.IGNORECASE)
_GREMLIN_PATHS: Final = ("/gremlin", "/gremlin/")
_DEVELOPMENT: Final = "/devstoreaccount1"
_STORAGE_HOSTS: Final = (*QUEUE_HOSTS, *TABLE_HOSTS, *COSMOS_TABLE_HOSTS)
_SHARED_KEY: Final = (b"SharedKey ", b"SharedKeyLite ")


def is_cosmos(request: Request, host: str) -> bool:
    """Whether a request is for Cosmos DB: by its host, or by its path and the kind of its signature."""
    if host.endswith(COSMOS_HOSTS):
        return True
    path = request.raw_path
    if path != "/" and not path.startswith(("/dbs", "/offers")):
        return False
    headers = request.headers
    if host.endswith(_STORAGE_HOSTS) or headers.get(b"host", b"").endswith(_COSMOS_TABLE_PORT):
        # Queues and tables may have such names.
        return False
    return b"x-ms-version" in headers and (
        path != "/" or headers.get(b"authorization", b"").lower().startswith(b"type")
    )


def is_cosmos_table(request: Request, host: str) -> bool:
    """Whether a request for tables is for those of Cosmos DB: by its host, its port or the account in its path."""
    if host.endswith(COSMOS_TABLE_HOSTS) or request.headers.get(b"host", b"").endswith(_COSMOS_TABLE_PORT):
        return True
    return not host.endswith(_STORAGE_HOSTS) and _COSMOS_TABLE_PATH.match(request.raw_path) is not None


def is_gremlin(request: Request, host: str) -> bool:
    """Whether a request is for a graph of Cosmos DB: by its host, or as a handshake by its path."""
    return (request.upgrade and request.raw_path in _GREMLIN_PATHS) or host.endswith(GREMLIN_HOSTS)


def is_storage(request: Request, host: str) -> bool:
    """Whether a request is for Azure Storage, or for tables of Cosmos DB, which are asked for in the same words.

    It is told by its host, its path, the version or the kind of its signature.
    """
    headers = request.headers
    if host.endswith(_STORAGE_HOSTS) or request.raw_path.startswith(_DEVELOPMENT):
        return True
    authorization = headers.get(b"authorization", b"")
    if b"x-ms-version" in headers:
        # Cosmos DB has such a header, too; its signatures look otherwise.
        return not authorization.lower().startswith(b"type")
    return authorization.startswith(_SHARED_KEY)


def is_table(request: Request, host: str) -> bool | None:
    """Whether a request for Azure Storage is for tables; None if only its signature can tell.

    Where the account is the path's first segment, queues and tables look alike: it is told by the port, by headers that
    only OData has, by the path, by what a shared access signature is for.
    """
    if host.endswith(TABLE_HOSTS) or is_cosmos_table(request, host):
        return True
    if host.endswith(QUEUE_HOSTS):
        return False
    headers = request.headers
    if (
        headers.get(b"host", b"").endswith(_TABLE_PORT)
        or b"dataserviceversion" in headers
        or b"maxdataserviceversion" in headers
        or b"json" in headers.get(b"accept", b"")
        or _TABLE_PATH.match(request.path)
    ):
        return True
    query = f"&{request.raw_query}&"
    if "&tn=" in query or "&ss=t&" in query:
        return True
    return None if _SHARED.search(query) and b"authorization" in headers else False


def is_event_grid(request: Request, host: str) -> bool:
    """Whether a request is for a topic, domain or namespace of Event Grid, by its host or its path."""
    return host.endswith(EVENT_GRID_HOSTS) or request.raw_path.startswith(EVENT_GRID_PATH)


def is_identity(request: Request, host: str) -> bool:
    """Whether a request is for Microsoft Entra or a managed identity: by its host or its path."""
    path = request.raw_path
    if host in LOGIN_HOSTS or path in (APP_SERVICE_PATH, MACHINE_PATH, INSTANCE_PATH):
        return True
    return path.endswith(_OF_IDENTITY) and any(pattern.fullmatch(path) for pattern in (TOKEN, CONFIGURATION, KEYS))
