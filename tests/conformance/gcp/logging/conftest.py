"""Google's own client of Cloud Logging, over gRPC and over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import logging as google_logging
from google.cloud import logging_v2
from google.cloud.logging_v2 import _gapic
from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

# Clients add "of the last day" to filters that say nothing of time; servers of tests have a clock of their own.
ANY_TIME = 'timestamp>="2000-01-01"'


class Logs:
    """Clients of a server: `client` over one of the two transports, `api` and `config` over gRPC."""

    def __init__(self, url: str, project: str, transport: str) -> None:
        self.project = project
        self.url = url
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        self.api = LoggingServiceV2Client(
            transport=LoggingServiceV2Client.get_transport_class("grpc")(channel=self.channel)
        )
        self.config = ConfigServiceV2Client(
            transport=ConfigServiceV2Client.get_transport_class("grpc")(channel=self.channel)
        )
        # The client's entry about itself, which it writes once.
        logging_v2._instrumentation_emitted = True
        self.client: Any = google_logging.Client(
            project=project,
            credentials=AnonymousCredentials(),
            _use_grpc=False,
            client_options={"api_endpoint": url},
        )
        if transport == "grpc":
            self.client._use_grpc = True
            self.client._logging_api = _gapic._LoggingAPI(self.api, self.client)

    def name(self, log_id: str = "my-logger") -> str:
        return f"projects/{self.project}/logs/{log_id}"

    def logger(self, log_id: str) -> Any:
        """Return a log; its entries' resource is said, since finding it out means asking the machine."""
        return self.client.logger(log_id, resource=logging_v2.Resource("global", {}))

    def write(self, *entries: dict[str, Any], log_id: str = "my-logger", **request: Any) -> Any:
        settings = {"log_name": self.name(log_id), "resource": {"type": "global"}, **request}
        return self.api.write_log_entries(request={"entries": list(entries), **settings})

    def found(self, text: str = "", **request: Any) -> list[Any]:
        asked = {"resource_names": [f"projects/{self.project}"], "filter": text, **request}
        return list(self.api.list_log_entries(request=asked))

    def texts(self, text: str = "", **request: Any) -> list[str]:
        return [entry.text_payload for entry in self.found(text, **request)]


@pytest.fixture(params=["grpc", "http"])
def logs(request: pytest.FixtureRequest, server: ThreadedServer, project: str) -> Iterator[Logs]:
    """Clients over each transport."""
    made = Logs(server.url, project, request.param)
    yield made
    made.channel.close()


@pytest.fixture
def grpc_logs(server: ThreadedServer, project: str) -> Iterator[Logs]:
    """Clients over gRPC."""
    made = Logs(server.url, project, "grpc")
    yield made
    made.channel.close()


@pytest.fixture
def timed_logs(timed_server: ThreadedServer, project: str) -> Iterator[Logs]:
    """Clients over gRPC of a server whose clock the test moves."""
    made = Logs(timed_server.url, project, "grpc")
    yield made
    made.channel.close()
