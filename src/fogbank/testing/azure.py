"""Azure's clients of a test's own subscription, storage account and Cosmos DB account.

The accounts are made, by Azure Resource Manager, when a client of them is first asked for.
"""

from __future__ import annotations

import json
import urllib.request
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from fogbank.kernel.clock import SECOND_US, Clock
from fogbank.testing.sdks import load

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from fogbank.testing.accounts import Account
    from fogbank.testing.process import RunningServer
    from fogbank.testing.server import ThreadedServer

GROUP: Final = "tests"
LOCATION: Final = "westeurope"
_TOKEN: Final = "fogbank"  # noqa: S105 - nobody verifies it
_TOKEN_SECONDS: Final = 3_600
_STORAGE: Final = ("Microsoft.Storage/storageAccounts", "2024-01-01")
_COSMOS: Final = ("Microsoft.DocumentDB/databaseAccounts", "2024-11-15")


class Token(NamedTuple):
    """As `azure.core.credentials.AccessToken`; `expires_on` is in seconds since the epoch."""

    token: str
    expires_on: int


class Credential:
    """A credential as Azure's clients want it; its token is one that nobody verifies."""

    def get_token(self, *_scopes: str, **_settings: Any) -> Token:
        """Return a token that is good for an hour."""
        return Token(_TOKEN, Clock.wall() // SECOND_US + _TOKEN_SECONDS)


class _AtHost:
    """A transport of `azure.core` that names another host than the one that it connects to."""

    def __init__(self, transport: Any, address: SplitResult) -> None:
        self._transport = transport
        self._host = address.netloc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def __enter__(self) -> Self:
        self._transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def send(self, request: Any, **settings: Any) -> Any:
        request.headers["Host"] = self._host
        return self._transport.send(request, **settings)


class AzureClients:
    """Clients, each made anew; `close` closes all of them."""

    def __init__(self, server: ThreadedServer | RunningServer, account: Account) -> None:
        self.subscription = account.subscription
        self.group = GROUP
        self.name = account.name
        self.credential = Credential()
        self._url = server.url
        self._stack = ExitStack()

    @cached_property
    def storage_connection(self) -> str:
        """The connection string of the test's storage account, which is made if it isn't there."""
        key = self._make(_STORAGE, {"sku": {"name": "Standard_LRS"}, "kind": "StorageV2"})["keys"][0]["value"]
        place = f"{self._url}/{self.name}"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.name};AccountKey={key};"
            f"QueueEndpoint={place};TableEndpoint={place};"
        )

    @cached_property
    def cosmos_key(self) -> str:
        """The primary key of the test's Cosmos DB account, which is made if it isn't there."""
        locations = [{"locationName": LOCATION, "failoverPriority": 0}]
        properties = {"databaseAccountOfferType": "Standard", "locations": locations}
        key: str = self._make(_COSMOS, {"properties": properties})["primaryMasterKey"]
        return key

    @property
    def cosmos_endpoint(self) -> str:
        """Where the test's Cosmos DB account is found."""
        return f"http://{self.name}.documents.localhost:{self._url.rpartition(':')[2]}/"

    def queues(self) -> Any:
        """Return an `azure.storage.queue.QueueServiceClient`."""
        kind = load("azure.storage.queue", "azure-storage-queue").QueueServiceClient
        return self._kept(kind.from_connection_string(self.storage_connection, retry_total=0))

    def tables(self) -> Any:
        """Return an `azure.data.tables.TableServiceClient`."""
        kind = load("azure.data.tables", "azure-data-tables").TableServiceClient
        return self._kept(kind.from_connection_string(self.storage_connection, retry_total=0))

    def cosmos(self) -> Any:
        """Return an `azure.cosmos.CosmosClient`."""
        settings = {
            # Names below localhost aren't resolved everywhere; where the account is found stands in the header.
            "transport": _AtHost(
                load("azure.core.pipeline.transport", "azure-core").RequestsTransport(), urlsplit(self.cosmos_endpoint)
            ),
            "enable_endpoint_discovery": False,
        }
        kind = load("azure.cosmos", "azure-cosmos").CosmosClient
        made = self._stack.enter_context(kind(self._url, self.cosmos_key, retry_total=0, **settings))
        # It looks at its endpoints in the background, and complains if it is closed meanwhile.
        endpoints = made.client_connection._global_endpoint_manager  # noqa: SLF001 - there is no public way to wait
        self._stack.callback(lambda: endpoints._refresh_thread and endpoints._refresh_thread.join())  # noqa: SLF001
        return made

    def management(self, kind: Any, **settings: Any) -> Any:
        """Return a management client: of its class, such as `azure.mgmt.web.WebSiteManagementClient`."""
        policies = load("azure.core.pipeline.policies", "azure-core")
        # Azure's own policy sends no tokens over plain HTTP.
        authentication = policies.HeadersPolicy({"Authorization": f"Bearer {_TOKEN}"})
        return self._kept(
            kind(
                self.credential, self.subscription, base_url=self._url, polling_interval=0,
                authentication_policy=authentication, retry_policy=policies.RetryPolicy.no_retries(), **settings,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Close all clients."""
        self._stack.close()

    def _kept(self, client: Any) -> Any:
        self._stack.callback(client.close)
        return client

    def _make(self, kind: tuple[str, str], body: dict[str, Any]) -> Any:
        """Make an account; returns its keys."""
        path = f"/subscriptions/{self.subscription}/resourceGroups/{GROUP}/providers/{kind[0]}/{self.name}"
        self._arm("PUT", f"{path}?api-version={kind[1]}", {"location": LOCATION, **body})
        return self._arm("POST", f"{path}/listKeys?api-version={kind[1]}", {})

    def _arm(self, method: str, target: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self._url}{target}", json.dumps(body).encode(), headers, method=method)  # noqa: S310 - our own server's
        with urllib.request.urlopen(asked) as answer:  # noqa: S310 - our own server's
            text = answer.read()
        return json.loads(text) if text else None
