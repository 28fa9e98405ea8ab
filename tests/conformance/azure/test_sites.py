"""Microsoft.Web/sites through Microsoft's management client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.conformance.azure.conftest import GROUP, LOCATION

if TYPE_CHECKING:
    from tests.conformance.azure.conftest import Azure

SITES = f"/resourceGroups/{GROUP}/providers/Microsoft.Web/sites"


def test_a_site_s_life(azure: Azure) -> None:
    name = azure.create(tags={"a": "b"}, settings={"ONE": "1"})
    site = azure.call("get", GROUP, name)
    port = azure.server.url.rpartition(":")[2]
    assert site.id == f"/subscriptions/{azure.subscription}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/{name}"
    assert (site.name, site.kind, site.location, site.tags) == (name, "functionapp,linux", LOCATION, {"a": "b"})
    assert (site.state, site.default_host_name) == ("Running", f"{name}.azurewebsites.localhost:{port}")
    assert site.reserved is True
    assert [each.name for each in azure.call("list")] == [name]
    assert [each.name for each in azure.call("list_by_resource_group", GROUP.upper())] == [name]
    assert list(azure.call("list_by_resource_group", "other")) == []
    changed = azure.call("update", GROUP, name, {"tags": {"c": "d"}, "properties": {"httpsOnly": False}})
    assert (changed.tags, changed.https_only) == ({"c": "d"}, False)
    assert azure.call("list_application_settings", GROUP, name).properties == {"ONE": "1"}
    azure.call("delete", GROUP, name)
    with pytest.raises(ResourceNotFoundError, match=f"The Resource 'Microsoft.Web/sites/{name}' under resource group"):
        azure.call("get", GROUP, name)
    assert azure.arm("DELETE", f"{SITES}/{name}").status == 204


def test_a_client_may_send_back_what_it_read(azure: Azure) -> None:
    name = azure.create(settings={"ONE": "1"})
    site = azure.call("get", GROUP, name)
    site.tags = {"x": "y"}
    assert azure.call("begin_create_or_update", GROUP, name, site).result().tags == {"x": "y"}
    assert azure.call("list_application_settings", GROUP, name).properties == {"ONE": "1"}


def test_app_settings_are_replaced(azure: Azure) -> None:
    name = azure.create(settings={"ONE": "1"})
    updated = azure.call("update_application_settings", GROUP, name, {"properties": {"TWO": "2"}})
    assert updated.properties == {"TWO": "2"}
    assert azure.call("list_application_settings", GROUP, name).properties == {"TWO": "2"}


def test_a_name_belongs_to_one_app_of_all_subscriptions(azure: Azure, server: Any) -> None:
    from tests.conformance.azure.conftest import Azure

    name = azure.create()
    other = Azure(server)
    with pytest.raises(HttpResponseError, match=f"Website with given name {name.upper()} already exists") as caught:
        other.create(name.upper())
    assert (caught.value.status_code, caught.value.error.code) == (409, "Conflict")
    azure.call("delete", GROUP, name)
    other.create(name)
    other.client.close()


def test_a_stopped_app(azure: Azure) -> None:
    name = azure.create()
    assert azure.get(name, "/").status == 200
    azure.call("stop", GROUP, name)
    assert azure.call("get", GROUP, name).state == "Stopped"
    stopped = azure.get(name, "/")
    assert stopped.status == 403
    assert b"This web app is stopped" in stopped.body
    azure.call("start", GROUP, name)
    azure.call("restart", GROUP, name)
    assert azure.call("get", GROUP, name).state == "Running"
    assert azure.get(name, "/").status == 200


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"kind": "app"}, "BadRequest", "Fogbank does not support the kind 'app'"),
        ({"location": None}, "LocationRequired", "The location property is required for this definition."),
        ({"identity": {"type": "SystemAssigned"}}, "BadRequest", "Fogbank does not support the property identity."),
        ({"properties": {"cors": {}}}, "BadRequest", "Fogbank does not support the property properties.cors."),
        (
            {"properties": {"siteConfig": {"cors": {"allowedOrigins": ["*"]}}}},
            "BadRequest",
            "Fogbank does not support the property siteConfig.cors.",
        ),
        (
            {"properties": {"siteConfig": {"linuxFxVersion": "Java|17"}}},
            "BadRequest",
            "Fogbank does not support the linuxFxVersion Java|17.",
        ),
        (
            {"properties": {"siteConfig": {"appSettings": [{"name": "FUNCTIONS_WORKER_RUNTIME", "value": "java"}]}}},
            "BadRequest",
            "Fogbank does not support the FUNCTIONS_WORKER_RUNTIME java.",
        ),
        (
            {
                "properties": {
                    "siteConfig": {"appSettings": [{"name": "WEBSITE_RUN_FROM_PACKAGE", "value": "http://x"}]}
                }
            },
            "BadRequest",
            "WEBSITE_RUN_FROM_PACKAGE must be 0, 1, or the absolute path of a folder, not 'http://x'.",
        ),
        ({"properties": {"siteConfig": {"appSettings": [1]}}}, "BadRequest", "siteConfig.appSettings can't be read"),
        ({"properties": []}, "BadRequest", None),
        ({"tags": {"a": 1}}, "BadRequest", "The values of tags must be strings."),
    ],
)
def test_refused_sites(azure: Azure, change: dict[str, Any], code: str, message: str | None) -> None:
    body = {"location": LOCATION, "kind": "functionapp", **change}
    answer = azure.arm("PUT", f"{SITES}/{azure.prefix}", body)
    if change == {"properties": []}:
        assert answer.status == 200  # an empty value is none
        return
    assert (answer.status, answer.json()["error"]["code"]) == (400, code)
    assert message is not None
    assert message in answer.json()["error"]["message"]
    assert azure.arm("GET", f"{SITES}/{azure.prefix}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "code"),
    [
        ("GET", f"{SITES}/x", "", 400, "MissingApiVersionParameter"),
        ("GET", f"{SITES}/x", "?api-version=new", 400, "InvalidApiVersionParameter"),
        ("GET", f"{SITES}/x", "?API-Version=2030-01-01-preview", 404, "ResourceNotFound"),
        ("GET", f"{SITES}/x/slots", None, 400, "BadRequest"),
        ("GET", "/resourceGroups/g/providers/Microsoft.Compute/virtualMachines", None, 400, "BadRequest"),
        ("PUT", "/resourcegroups/g", None, 400, "BadRequest"),
        ("PUT", f"{SITES}/-x", None, 400, "InvalidRequestContent"),
    ],
)
def test_refused_requests(azure: Azure, method: str, path: str, query: str | None, status: int, code: str) -> None:
    answer = azure.arm(method, path, None, "?api-version=2025-05-01" if query is None else query)
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["x-ms-request-id"]


def test_what_is_not_supported_is_named(azure: Azure) -> None:
    answer = azure.arm("GET", f"{SITES}/x/slots")
    assert answer.json()["error"]["message"] == (
        "Fogbank does not support the operation GET Microsoft.Web/sites/x/slots."
    )


def test_a_body_that_is_no_json(azure: Azure) -> None:
    answer = azure.arm("PUT", f"{SITES}/{azure.prefix}", b"{")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_a_subscription_that_is_none(azure: Azure) -> None:
    azure.subscription = "mine"
    answer = azure.arm("GET", "/providers/Microsoft.Web/sites")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "InvalidSubscriptionId")


def test_an_app_stays_where_it_is(azure: Azure) -> None:
    name = azure.create()
    answer = azure.arm("PUT", f"{SITES}/{name}", {"location": "eastus", "kind": "functionapp"})
    assert (answer.status, answer.json()["error"]["code"]) == (409, "InvalidResourceLocation")
    assert azure.arm("PUT", f"{SITES}/{name}", {"location": "West Europe", "kind": "functionapp"}).status == 200


def test_lists_in_pages(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fogbank.clouds.azure.web.sites.LISTED_MAX", 2)
    names = [azure.create(f"{azure.prefix}-{number}") for number in range(5)]
    other = azure.create_in("Group-10", f"{azure.prefix}-5")
    assert [each.name for each in azure.call("list_by_resource_group", GROUP)] == names
    assert [each.name for each in azure.call("list_by_resource_group", "Group-10")] == [other]
    assert sorted(each.name for each in azure.call("list")) == [*names, other]
    answer = azure.arm("GET", SITES, None, "?api-version=2025-05-01&$skiptoken=x")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")
