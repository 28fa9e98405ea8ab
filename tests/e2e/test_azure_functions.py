"""Function apps through crashes, and on several servers that share a database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP, Azure
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from pathlib import Path

APP = """
    import logging
    import azure.functions as func
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route(route="{name}")
    def greet(req: func.HttpRequest) -> str:
        return "hello " + req.route_params["name"]

    @app.timer_trigger(schedule="*/30 * * * * *", arg_name="timer")
    def tick(timer: func.TimerRequest) -> None:
        logging.info("TICK")
"""


def on(server: Any, azure: Azure | None = None) -> Azure:
    """Return the client of a server; of one that takes another's place with that one's subscription."""
    made = Azure(server)
    if azure is not None:
        made.subscription = azure.subscription
        azure.client.close()
    return made


def test_an_app_survives_a_crash(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path / "data"))
    with ServerProcess(*flags) as server:
        azure = on(SimpleNamespace(url=server.url))
        name = azure.deploy(function_app=APP)
        key = azure.master_key(name)
        assert azure.get(name, "/api/ann", x_functions_key=key).body == b"hello ann"
        server.kill()
    with ServerProcess(*flags) as server:
        azure = on(SimpleNamespace(url=server.url), azure)
        assert azure.get(name, "/api/ann", x_functions_key=key).body == b"hello ann"
        assert azure.get(name, "/api/ann").status == 401
        azure.client.close()


def test_two_servers_share_an_app(postgres_url: str) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as first, ThreadedServer(settings) as second:
        first.reset()
        azure = on(first)
        name = azure.deploy(function_app=APP)
        key = azure.master_key(name)
        azure.server = second
        assert azure.get(name, "/api/ann", x_functions_key=key).body == b"hello ann"
        azure.deploy(name, function_app=APP.replace("hello", "moin"))
        azure.server = first
        assert azure.get(name, "/api/ann", x_functions_key=key).body == b"moin ann"
        azure.call("stop", GROUP, name)
        azure.server = second
        assert azure.get(name, "/api/ann", x_functions_key=key).status == 403
        azure.client.close()


def test_one_of_two_servers_fires_a_timer(postgres_url: str) -> None:
    """Each due time counts once, whichever server finds it first."""
    settings = Settings(port=0, database=postgres_url)
    start_us = 1_795_348_800_000_000
    with (
        ThreadedServer(settings, frozen_at_us=start_us) as first,
        ThreadedServer(settings, frozen_at_us=start_us) as second,
    ):
        first.reset()
        azure = on(first)
        name = azure.deploy(function_app=APP)
        for _ in range(4):
            first.advance(30)
            second.advance(30)

        def ticks() -> int:
            return sum(line.endswith("TICK") for line in azure.logs(name))

        wait_until(lambda: ticks() >= 4)
        first.advance(1)
        assert ticks() == 4
        azure.client.close()


def test_an_app_without_a_sandbox() -> None:
    with ThreadedServer(Settings(port=0, memory=True, sandbox="process")) as server:
        azure = on(server)
        assert server.app.runner.tier.name == "A"
        name = azure.deploy(function_app=APP)
        assert azure.get(name, "/api/ann", x_functions_key=azure.master_key(name)).body == b"hello ann"
        azure.client.close()
