"""The ports where clients look for emulators."""

from __future__ import annotations

import socket

import pytest
from azure.storage.queue import QueueServiceClient

from fogbank import app
from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY
from fogbank.settings import Settings, SettingsError
from fogbank.testing.server import ThreadedServer


def test_an_alias_of_the_main_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(app, "ALIAS_PORTS", {port: "Azure Queue Storage"})
        settings = Settings(port=0, memory=True, alias_ports=True)
        with pytest.raises(SettingsError, match=f"port {port} \\(Azure Queue Storage\\) can't be listened on"):
            ThreadedServer(settings).__enter__()
    with ThreadedServer(settings) as server:
        assert server.app.aliases == {port: "Azure Queue Storage"}
        key = {"account_name": DEVELOPMENT, "account_key": DEVELOPMENT_KEY}
        with QueueServiceClient(f"http://127.0.0.1:{port}/{DEVELOPMENT}", key, retry_total=0) as service:
            service.create_queue("aliased")
            assert [each.name for each in service.list_queues()] == ["aliased"]


def test_the_port_that_development_storage_has() -> None:
    assert list(app.ALIAS_PORTS) == [8_081, 8_902, 10_001, 10_002]
    with QueueServiceClient.from_connection_string("UseDevelopmentStorage=true") as service:
        assert service.url == f"http://127.0.0.1:10001/{DEVELOPMENT}/"
