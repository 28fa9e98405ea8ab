"""Google Cloud's clients of a test's own project, over gRPC."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from fogbank.testing.sdks import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.accounts import Account
    from fogbank.testing.process import RunningServer
    from fogbank.testing.server import ThreadedServer

LOCATION: Final = "us-central1"
_EMULATORS: Final = ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST")


class GoogleClients:
    """Clients, each made anew; `close` closes all of them. `parent` is the project's location, as requests name it."""

    def __init__(self, server: ThreadedServer | RunningServer, account: Account) -> None:
        self.project = account.project
        self.parent = f"projects/{account.project}/locations/{LOCATION}"
        self._host = server.url.removeprefix("http://")
        self._stack = ExitStack()

    def topic(self, name: str) -> str:
        """Return the full name of a Pub/Sub topic."""
        return f"projects/{self.project}/topics/{name}"

    def subscription(self, name: str) -> str:
        """Return the full name of a Pub/Sub subscription."""
        return f"projects/{self.project}/subscriptions/{name}"

    def publisher(self, **settings: Any) -> Any:
        """Return a `google.cloud.pubsub_v1.PublisherClient`."""
        with self._emulated():
            made = load("google.cloud.pubsub_v1", "google-cloud-pubsub").PublisherClient(**settings)
        self._stack.callback(made.transport.close)
        self._stack.callback(made.stop)
        return made

    def subscriber(self, **settings: Any) -> Any:
        """Return a `google.cloud.pubsub_v1.SubscriberClient`."""
        with self._emulated():
            made = load("google.cloud.pubsub_v1", "google-cloud-pubsub").SubscriberClient(**settings)
        self._stack.callback(made.close)
        return made

    def firestore(self, database: str | None = None) -> Any:
        """Return a `google.cloud.firestore.Client`."""
        with self._emulated():
            made = load("google.cloud.firestore", "google-cloud-firestore").Client(self.project, database=database)
            # Its channel is made when it is first looked at, by the variables of that moment.
            _ = made._firestore_api  # noqa: SLF001 - there is no public name that makes it
        self._stack.callback(made.close)
        return made

    def scheduler(self) -> Any:
        """Return a `google.cloud.scheduler_v1.CloudSchedulerClient`."""
        return self.client(load("google.cloud.scheduler_v1", "google-cloud-scheduler").CloudSchedulerClient)

    def tasks(self) -> Any:
        """Return a `google.cloud.tasks_v2.CloudTasksClient`."""
        return self.client(load("google.cloud.tasks_v2", "google-cloud-tasks").CloudTasksClient)

    def functions(self) -> Any:
        """Return a `google.cloud.functions_v2.FunctionServiceClient`."""
        return self.client(load("google.cloud.functions_v2", "google-cloud-functions").FunctionServiceClient)

    def eventarc(self) -> Any:
        """Return a `google.cloud.eventarc_v1.EventarcClient`."""
        return self.client(load("google.cloud.eventarc_v1", "google-cloud-eventarc").EventarcClient)

    def client(self, kind: Any) -> Any:
        """Return a client of any kind that Google's generator made: of its class."""
        channel = load("grpc", "grpcio").insecure_channel(self._host)
        self._stack.callback(channel.close)
        return kind(transport=kind.get_transport_class("grpc")(channel=channel))

    def close(self) -> None:
        """Close all clients."""
        self._stack.close()

    @contextmanager
    def _emulated(self) -> Iterator[None]:
        """Let a client that is being made see the variables of emulators, which is all that some of them heed."""
        before = {name: os.environ.get(name) for name in _EMULATORS}
        os.environ.update(dict.fromkeys(_EMULATORS, self._host))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
