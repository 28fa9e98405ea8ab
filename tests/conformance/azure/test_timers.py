"""Timer triggers on a clock that is moved."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.kernel.clock import Clock
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.azure.conftest import GROUP, Azure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON_US = 1_795_348_800_000_000
APP = """
    import json, logging
    import azure.functions as func
    app = func.FunctionApp()

    def note(kind, timer):
        logging.info("NOTE %s", json.dumps([kind, timer.past_due, timer.schedule_status, timer.schedule]))

    @app.timer_trigger(schedule="%EVERY%", arg_name="timer")
    def cron(timer: func.TimerRequest) -> None:
        note("cron", timer)

    @app.timer_trigger(schedule="00:00:20", arg_name="timer", use_monitor=False)
    async def span(timer: func.TimerRequest) -> None:
        note("span", timer)

    @app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True)
    def early(timer: func.TimerRequest) -> None:
        note("early", timer)

    @app.timer_trigger(schedule="never", arg_name="timer")
    def never(timer: func.TimerRequest) -> None:
        pass
"""
SETTINGS = {"EVERY": "0 */5 * * * *"}


def notes(azure: Azure, app: str, kind: str) -> list[list[Any]]:
    found = (re.search(r"NOTE (.*)", line) for line in azure.logs(app))
    read = [json.loads(match[1]) for match in found if match]
    return [note for note in read if note[0] == kind]


@pytest.fixture
def app(timed_azure: Azure) -> str:
    return timed_azure.deploy(timed_azure.create(settings=SETTINGS), function_app=APP)


def test_a_timer_fires_once_each_time_it_is_due(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    timed_azure.server.advance(299)
    assert notes(timed_azure, app, "cron") == []
    timed_azure.server.advance(1)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)
    timed_azure.server.advance(1_500)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 6)
    eventually(lambda: len(notes(timed_azure, app, "span")) == 90)
    kind, past_due, status, schedule = notes(timed_azure, app, "cron")[-1]
    assert (kind, past_due, schedule) == ("cron", False, {"AdjustForDST": True})
    assert sorted(status) == ["Last", "LastUpdated", "Next"]
    assert notes(timed_azure, app, "span")[-1][2] == {}


def test_on_startup(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    eventually(lambda: len(notes(timed_azure, app, "early")) == 1)
    timed_azure.call("restart", GROUP, app)
    eventually(lambda: len(notes(timed_azure, app, "early")) == 2)


def test_a_schedule_that_is_none(timed_azure: Azure, app: str) -> None:
    function = timed_azure.call("get_function", GROUP, app, "never")
    assert function.config["error"] == (
        "The schedule expression 'never' was not recognized as a valid cron expression or timespan string."
    )
    assert timed_azure.call("get_function", GROUP, app, "cron").config["bindings"][0]["schedule"] == "0 */5 * * * *"


def test_settings_change_a_schedule(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    settings = {"EVERY": "0 0 * * * *", "AzureWebJobs.span.Disabled": "1"}
    timed_azure.call("update_application_settings", GROUP, app, {"properties": settings})
    timed_azure.call("sync_function_triggers", GROUP, app)
    timed_azure.server.advance(3_599)
    timed_azure.server.advance(2)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)
    assert notes(timed_azure, app, "span") == []


def test_a_stopped_app_fires_nothing(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    timed_azure.call("stop", GROUP, app)
    timed_azure.server.advance(3_600)
    assert notes(timed_azure, app, "cron") == []
    timed_azure.call("start", GROUP, app)
    timed_azure.call("sync_function_triggers", GROUP, app)
    timed_azure.server.advance(300)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)
    timed_azure.call("delete", GROUP, app)
    timed_azure.server.advance(3_600)


def test_a_timer_is_run_by_hand(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    key = timed_azure.master_key(app)
    run = timed_azure.request(app, "POST", "/admin/functions/cron", b'{"input": "now"}', x_functions_key=key)
    assert (run.status, run.body) == (202, b"")
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)
    assert any("programmatically called via the host APIs" in line for line in timed_azure.logs(app))
    for target, body, status in (
        ("/admin/functions/cron", b"[]", 400),
        ("/admin/functions/never", b"{}", 400),
        ("/admin/functions/nothing", b"{}", 404),
    ):
        assert timed_azure.request(app, "POST", target, body, x_functions_key=key).status == status
    assert timed_azure.request(app, "POST", "/admin/functions/cron", b"{}").status == 401


def test_what_was_missed_while_nothing_ran(tmp_path: Path, eventually: Callable[..., Any]) -> None:
    """A monitored schedule is made up for once, with IsPastDue; one that isn't goes on with its next occurrence."""
    settings = Settings(port=0, data=tmp_path)
    with ThreadedServer(settings, frozen_at_us=NOON_US) as server:
        azure = Azure(server)
        app = azure.deploy(azure.create(settings=SETTINGS), function_app=APP)
        eventually(lambda: len(notes(azure, app, "early")) == 1)
        azure.client.close()
    with ThreadedServer(settings, frozen_at_us=NOON_US + 3_610_000_000) as server:
        azure.server = server
        eventually(lambda: len(notes(azure, app, "cron")) == 1)
        eventually(lambda: len(notes(azure, app, "early")) == 2)
        assert notes(azure, app, "cron")[0][1] is True
        assert notes(azure, app, "span") == []
        server.advance(300)
        eventually(lambda: len(notes(azure, app, "cron")) == 2)
        assert notes(azure, app, "cron")[1][1] is False
        eventually(lambda: len(notes(azure, app, "span")) == 15)


def test_the_clock_of_a_place(timed_azure: Azure, eventually: Callable[..., Any]) -> None:
    """Noon in New York is 17:00 UTC in November."""
    app = timed_azure.create(settings={"EVERY": "0 0 12 * * *", "WEBSITE_TIME_ZONE": "America/New_York"})
    timed_azure.deploy(app, function_app=APP)
    assert Clock(frozen_at_us=NOON_US).now() % 86_400_000_000 == 12 * 3_600_000_000
    timed_azure.server.advance(5 * 3_600 - 1)
    assert notes(timed_azure, app, "cron") == []
    timed_azure.server.advance(1)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)


def test_a_reset_takes_apps_and_timers_with_it(timed_azure: Azure, app: str, eventually: Callable[..., Any]) -> None:
    timed_azure.server.reset()
    assert timed_azure.get(app, "/").status == 404
    timed_azure.server.advance(600)
    timed_azure.deploy(timed_azure.create(settings=SETTINGS), function_app=APP)
    timed_azure.server.advance(300)
    eventually(lambda: len(notes(timed_azure, app, "cron")) == 1)
