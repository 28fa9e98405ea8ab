"""The configuration of a site: app settings, the `web` configuration, publishing credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fogbank.clouds.azure.errors import AzureError, bad_request, json_response
from fogbank.clouds.azure.web.properties import host_names, read_site_config
from fogbank.clouds.azure.web.sites import find_app, update

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.web.sites import Web
    from fogbank.wire.http import Response


async def put_app_settings(web: Web, call: ArmCall) -> Response:
    """Replace all app settings; the app restarts."""
    app = await find_app(web, call)
    given = _properties(call)
    if not all(isinstance(value, str | None) for value in given.values()):
        raise bad_request("The values of app settings must be strings.")
    settings = {name: value or "" for name, value in given.items()}
    return _show(
        app, call, "appsettings", (await update(web, call, app, settings=settings)).function.config.environment
    )


async def list_app_settings(web: Web, call: ArmCall) -> Response:
    """Show all app settings."""
    app = await find_app(web, call)
    return _show(app, call, "appsettings", app.function.config.environment)


async def get_web_config(web: Web, call: ArmCall) -> Response:
    """Show the configuration."""
    app = await find_app(web, call)
    return _show(app, call, "web", msgspec.json.decode(app.function.config.labels["site_config"]))


async def patch_web_config(web: Web, call: ArmCall) -> Response:
    """Change some of the configuration."""
    app = await find_app(web, call)
    config, settings = read_site_config(_properties(call))
    merged = {**msgspec.json.decode(app.function.config.labels["site_config"]), **config}
    labels = {"site_config": msgspec.json.encode(merged).decode()}
    await update(web, call, app, labels=labels, settings=settings)
    return _show(app, call, "web", merged)


async def list_publishing_credentials(web: Web, call: ArmCall) -> Response:
    """Show what to deploy with: any credentials will do."""
    app = await find_app(web, call)
    _, scm = host_names(app.name, call)
    user = f"${app.name.lower()}"
    properties = {
        "publishingUserName": user,
        "publishingPassword": "fogbank",
        "scmUri": f"{call.scheme}://{user}:fogbank@{scm}",
    }
    return _show(app, call, "publishingcredentials", properties)


def _properties(call: ArmCall) -> dict[str, Any]:
    body = call.body
    if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must be an object with properties.")
    properties: dict[str, Any] = body["properties"]
    return properties


def _show(app: App, call: ArmCall, name: str, properties: dict[str, Any]) -> Response:
    shown = {
        "id": f"{call.resource}/config/{name}",
        "name": name,
        "type": "Microsoft.Web/sites/config",
        "location": app.function.config.labels["location"],
        "tags": app.function.config.tags,
        "properties": properties,
    }
    return json_response(200, shown)
