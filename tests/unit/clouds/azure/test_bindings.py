"""What is wrong with functions: names, triggers, routes, schedules; and who may call them."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.clouds.azure.functions import apps
from fogbank.clouds.azure.functions.apps import App, AppIndex, Entry, HostConfig, Keys, encode_label, read_app
from fogbank.clouds.azure.functions.bindings import check_entries
from fogbank.clouds.azure.functions.routes.routing import Router, may_call
from fogbank.engines.functions.model import Function
from fogbank.wire.http import Request

KEYS = Keys("master", {"default": "host"}, {"s": "system"}, {"f": {"default": "own"}, "g": {"default": "other"}})


def app_with(entries: list[Entry], prefix: str = "api") -> App:
    labels = {"name": "App", "keys": encode_label(KEYS), "host": encode_label(HostConfig(prefix)), "state": "Running"}
    config = apps.new_config(labels, {}, {})
    return read_app(Function("azure/s/g", "app", 1, 2, config, 0, 0))._replace(indexed=AppIndex(2, entries))


def http(**more: Any) -> dict[str, Any]:
    return {"type": "httpTrigger", "direction": "in", "name": "req", **more}


def check(*described: dict[str, Any], **settings: str) -> list[Entry]:
    return check_entries(list(described), app_with([]), settings)


def test_what_is_fine() -> None:
    output = {"type": "http", "direction": "out", "name": "$return"}
    timer = {"type": "timerTrigger", "direction": "in", "name": "t", "schedule": "%WHEN%"}
    entries = check(
        {"name": "f", "bindings": [http(route="%R%/x", methods=["get"]), output]},
        {"name": "g", "bindings": [http(route="a/x", methods=["post"])]},
        {"name": "t", "bindings": [timer]},
        R="a",
        WHEN="*/5 * * * *",
    )
    assert [entry.error for entry in entries] == ["", "", ""]
    assert entries[0].trigger["route"] == "a/x"
    assert entries[2].trigger["schedule"] == "*/5 * * * *"


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ({"name": "1f", "bindings": [http()]}, "'1f' is not a valid function name."),
        ({"name": "host", "bindings": [http()]}, "'host' is not a valid function name."),
        ({"name": "f", "bindings": []}, "No trigger binding specified."),
        ({"name": "f", "bindings": [http(), http()]}, "Multiple trigger bindings specified."),
        ({"name": "f", "bindings": [1]}, "must be objects"),
        ({"name": "f", "bindings": [http()], "retry": {}}, "does not support retry policies of functions with"),
        ({"name": "f", "bindings": [http(authLevel="user")]}, "Fogbank does not support the authLevel user."),
        ({"name": "f", "bindings": [http(webHookType="github")]}, "webHookType"),
        ({"name": "f", "bindings": [http(route="admin/x")]}, "conflicts with one or more built in routes"),
        ({"name": "f", "bindings": [http(route="{x:nothing}")]}, "could not be resolved to a type"),
        ({"name": "f", "bindings": [http(route="%X%")]}, "'%X%' does not resolve to a value."),
        ({"name": "f", "bindings": [http(route="Taken")]}, "the route defined by function 'first'"),
        ({"name": "f", "bindings": [{"type": "timerTrigger", "schedule": "soon"}]}, "was not recognized"),
        ({"name": "f", "bindings": [{"type": "timerTrigger", "schedule": "0 0 0 30 2 *"}]}, "never comes round"),
        ({"name": "f", "bindings": [{"type": "timerTrigger", "schedule": 5}]}, ""),
        (
            {"name": "f", "bindings": [http(), {"type": "blob", "direction": "out", "name": "q"}]},
            "Fogbank does not support the binding type blob.",
        ),
        *(
            ({"name": "f", "bindings": [{"type": kind}]}, f"Fogbank does not support the trigger type {kind}.")
            for kind in ("blobTrigger", "eventHubTrigger", "serviceBusTrigger")
        ),
        ({"name": "f", "bindings": [http()], "error": "no module"}, "no module"),
    ],
)
def test_what_is_wrong(description: dict[str, Any], error: str) -> None:
    first = {"name": "first", "bindings": [http(route="taken")]}
    good, bad = check(first, description)
    assert good.error == ""
    assert error in bad.error
    assert bad.active == (not bad.error)


WHERE = {"databaseName": "d", "containerName": "c", "connection": "C"}


@pytest.mark.parametrize(
    ("binding", "error"),
    [
        ({}, ""),
        ({"preferredLocations": "West Europe", "feedPollDelay": 100, "leaseAcquireInterval": 1}, ""),
        ({"containerName": None}, "containerName of cosmosDBTrigger must be a text"),
        ({"containerName": "{x}"}, "binding expressions in containerName"),
        ({"leaseContainerPrefix": "{x}"}, "binding expressions in leaseContainerPrefix"),
        ({"collectionName": "c"}, "the property collectionName of cosmosDBTrigger"),
        ({"maxItemsPerInvocation": 1_001}, "at most 1000"),
        ({"feedPollDelay": "soon"}, "feedpolldelay"),
        ({"startFromTime": "yesterday"}, "ISO 8601"),
        ({"changeFeedMode": "Everything"}, "must be LatestVersion or AllVersionsAndDeletes"),
        ({"changeFeedMode": "AllVersionsAndDeletes", "startFromBeginning": True}, "can't be used"),
        ({"connection": "OTHER"}, "'OTHER' does not exist"),
        ({"connection": "ELSEWHERE"}, "is no connection string of an account of this server"),
        ({"leaseConnection": "NONE"}, "'NONE' does not exist"),
    ],
)
def test_what_a_cosmos_trigger_may_say(binding: dict[str, Any], error: str) -> None:
    trigger = {"type": "cosmosDBTrigger", "direction": "in", "name": "items", **WHERE, **binding}
    here, elsewhere = "AccountEndpoint=http://127.0.0.1:4566/;AccountKey=x;", "AccountEndpoint=https://x.com/"
    (entry,) = check({"name": "f", "bindings": [trigger]}, C=here, ELSEWHERE=elsewhere)
    assert error in entry.error
    assert bool(error) == bool(entry.error)


@pytest.mark.parametrize(
    ("binding", "error"),
    [
        ({"id": "{id}", "partitionKey": "a"}, ""),
        ({"id": "1", "sqlQuery": "SELECT * FROM c"}, "Both the id and the sqlQuery"),
        ({"createIfNotExists": True}, "the property createIfNotExists of cosmosDB bindings"),
        ({"direction": "inout"}, "Fogbank does not support"),
        ({"connection": None}, "'CosmosDB' does not exist"),
    ],
)
def test_what_a_cosmos_input_may_say(binding: dict[str, Any], error: str) -> None:
    given = {"type": "cosmosDB", "direction": "in", "name": "items", **WHERE, **binding}
    (entry,) = check({"name": "f", "bindings": [http(), given]}, C__accountEndpoint="https://shop.documents.azure.com/")
    assert error in entry.error
    assert bool(error) == bool(entry.error)


def test_the_zone_of_a_timer() -> None:
    timer = {"name": "t", "bindings": [{"type": "timerTrigger", "schedule": "0 0 * * * *"}]}
    assert check(timer, WEBSITE_TIME_ZONE="Europe/Berlin")[0].error == ""
    for zone in ("Eastern Standard Time", "../etc/passwd", "Nowhere/Else"):
        assert "is not in the IANA time zone database" in check(timer, WEBSITE_TIME_ZONE=zone)[0].error


@pytest.mark.parametrize(
    ("settings", "disabled"),
    [
        ({}, False),
        ({"AzureWebJobs.f.Disabled": "true"}, True),
        ({"AzureWebJobs.f.Disabled": "1"}, True),
        ({"AzureWebJobs_f_Disabled": "True"}, True),
        ({"AzureWebJobs.f.Disabled": "false"}, False),
    ],
)
def test_disabled(settings: dict[str, str], disabled: bool) -> None:
    assert check({"name": "f", "bindings": [http()]}, **settings)[0].disabled is disabled


def test_disabled_by_function_json() -> None:
    assert check({"name": "f", "bindings": [http()], "disabled": True})[0].disabled
    assert check({"name": "f", "bindings": [http()], "disabled": "OFF"}, OFF="1")[0].disabled
    assert not check({"name": "f", "bindings": [http()], "disabled": "OFF"})[0].disabled


def test_routes_by_precedence_method_and_prefix() -> None:
    entries = check(
        {"name": "all", "bindings": [http(route="{*rest}")]},
        {"name": "one", "bindings": [http(route="items/{id:int}", methods=["get"])]},
        {"name": "named", "bindings": [http(route="items/{name}", methods=["get"])]},
        {"name": "put", "bindings": [http(route="items/{id}", methods=["put"])]},
    )
    router = Router(app_with(entries))

    def found(method: str, path: str) -> tuple[str, dict[str, str]] | None:
        routed = router.find(method, path)
        return None if routed is None else (routed.entry.name, routed.parameters)

    assert found("GET", "/api/items/5") == ("one", {"id": "5"})
    assert found("GET", "/api/items/a%2Fb%20c") == ("named", {"name": "a/b c"})
    assert found("PUT", "/API/Items/5/") == ("put", {"id": "5"})
    assert found("DELETE", "/api/items/5") == ("all", {"rest": "items/5"})
    assert found("GET", "/api") == ("all", {})
    assert found("GET", "/items/5") is None
    assert Router(app_with(entries, "")).find("GET", "/items/5") is not None


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("anonymous", {"", "x", "own", "other", "host", "master", "system"}),
        ("function", {"own", "host", "master"}),
        (None, {"own", "host", "master"}),
        ("ADMIN", {"master"}),
    ],
)
def test_which_keys_open_what(level: str | None, keys: set[str]) -> None:
    entry = Entry("f", {"bindings": [http(authLevel=level)]})
    for key in ("", "x", "own", "other", "host", "master", "system"):
        by_header = Request("GET", b"/", {b"x-functions-key": key.encode()} if key else {})
        by_query = Request("GET", b"/?code=" + key.encode(), {})
        for request in (by_header, by_query):
            assert may_call(request, entry, KEYS) is (key in keys), key
