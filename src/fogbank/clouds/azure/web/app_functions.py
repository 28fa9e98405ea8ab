"""The functions of an app, and its keys, as resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.errors import AzureError, bad_request, json_response
from fogbank.clouds.azure.functions import admin, apps
from fogbank.clouds.azure.functions.indexing import NotIndexedError
from fogbank.clouds.azure.functions.keys import (
    FUNCTION,
    HOST,
    MASTER,
    SYSTEM,
    KeyNotFoundError,
    KeyUndeletableError,
    keys_of,
)
from fogbank.clouds.azure.web.properties import host_names
from fogbank.clouds.azure.web.sites import find_app, not_found
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.runtimes.runner import BusyError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.functions.apps import App, Entry
    from fogbank.clouds.azure.web.sites import Web

# As the path names the kinds of a host's keys; the master key is one that can't be added to.
_HOST_KINDS: Final = {"functionkeys": HOST, "systemkeys": SYSTEM, "masterkey": HOST}


async def list_functions(web: Web, call: ArmCall) -> Response:
    """List the functions of an app; those in error, too."""
    app = await _indexed(web, call)
    assert app.indexed is not None
    return json_response(200, {"value": [_show(app, entry, call) for entry in app.indexed.functions]})


async def get_function(web: Web, call: ArmCall) -> Response:
    """Show a function."""
    app = await _indexed(web, call)
    return json_response(200, _show(app, _entry(app, call), call))


async def list_function_keys(web: Web, call: ArmCall) -> Response:
    """Return a function's keys by their names."""
    app = await _indexed(web, call)
    return json_response(200, keys_of(app.keys, FUNCTION, _entry(app, call).name))


async def list_function_secrets(web: Web, call: ArmCall) -> Response:
    """Return a function's default key, and the URL with it."""
    app = await _indexed(web, call)
    entry = _entry(app, call)
    key = keys_of(app.keys, FUNCTION, entry.name).get("default", "")
    url = _describe(app, entry, call)["invoke_url_template"]
    return json_response(200, {"key": key, "trigger_url": url and f"{url}?code={key}"})


async def put_function_key(web: Web, call: ArmCall) -> Response:
    """Set a function's key, or add it; one without a value gets a new one."""
    app = await _indexed(web, call)
    return await _put_key(web, app, call, FUNCTION, call.path[5], _entry(app, call).name)


async def delete_function_key(web: Web, call: ArmCall) -> Response:
    """Delete a function's key."""
    app = await _indexed(web, call)
    return await _delete_key(web, app, call, FUNCTION, call.path[5], _entry(app, call).name)


async def list_host_keys(web: Web, call: ArmCall) -> Response:
    """Return all keys that aren't a function's own."""
    app = await find_app(web, call)
    keys = {"masterKey": app.keys.master, "functionKeys": app.keys.host, "systemKeys": app.keys.system}
    return json_response(200, keys)


async def put_host_key(web: Web, call: ArmCall) -> Response:
    """Set a key of the host, or add it."""
    kind, name = _host_key(call)
    return await _put_key(web, await find_app(web, call), call, kind, name)


async def delete_host_key(web: Web, call: ArmCall) -> Response:
    """Delete a key of the host."""
    kind, name = _host_key(call)
    return await _delete_key(web, await find_app(web, call), call, kind, name)


async def sync_triggers(web: Web, call: ArmCall) -> Response:
    """See to it that the functions are known and their timers set."""
    await _indexed(web, call)
    return Response(204, [])


async def _indexed(web: Web, call: ArmCall) -> App:
    app = await find_app(web, call)
    try:
        return await web.indexer.current(app.function)
    except FunctionNotFoundError:
        raise not_found(call) from None
    except NotIndexedError as error:
        raise AzureError(
            400, "BadRequest", f"Encountered an error (ServiceUnavailable) from host runtime: {error}"
        ) from None
    except BusyError:
        raise AzureError(429, "TooManyRequests", "As many functions run as may.") from None


def _entry(app: App, call: ArmCall) -> Entry:
    entry = app.entry(call.path[3])
    if entry is None:
        message = f"Function ({call.path[3]}) does not exist." if call.path[3] else "No function is named."
        raise AzureError(404, "NotFound", message)
    return entry


def _describe(app: App, entry: Entry, call: ArmCall) -> dict[str, Any]:
    host, _ = host_names(app.name, call)
    return admin.describe(app, entry, f"{call.scheme}://{host}")


def _show(app: App, entry: Entry, call: ArmCall) -> dict[str, Any]:
    properties = _describe(app, entry, call)
    if entry.error:
        properties["config"] = {**properties["config"], "error": entry.error}
    return {
        "id": f"{call.resource}/functions/{entry.name}",
        "name": f"{app.name}/{entry.name}",
        "type": "Microsoft.Web/sites/functions",
        "location": app.function.config.labels["location"],
        "properties": properties,
    }


def _host_key(call: ArmCall) -> tuple[str, str]:
    kind = _HOST_KINDS.get(call.path[4].lower())
    if kind is None:
        raise bad_request(f"'{call.path[4]}' is no type of key; it must be functionKeys, systemKeys or masterKey.")
    return kind, MASTER if call.path[4].lower() == "masterkey" else call.path[5]


async def _put_key(web: Web, app: App, call: ArmCall, kind: str, name: str, function: str = "") -> Response:
    body = call.body if isinstance(call.body, dict) else {}
    given = body.get("properties", body)
    value = given.get("value") if isinstance(given, dict) else None
    if value is None:
        value = apps.new_key(web.parts.ids)
    if not isinstance(value, str) or not value:
        raise bad_request("The value of a key must be a string.")
    known = name in keys_of(app.keys, kind, function) or name == MASTER
    await admin.set_key(web.parts, app, kind, name, value, function)
    where = f"functions/{function}/keys" if function else f"host/default/{call.path[4]}"
    shown = {
        "id": f"{call.resource}/{where}/{name}",
        "name": name,
        "value": value,
        "type": f"Microsoft.Web/sites/{'functions/keys' if function else 'host/' + call.path[4]}",
        "properties": {"name": name, "value": value},
    }
    return json_response(200 if known else 201, shown)


async def _delete_key(web: Web, app: App, call: ArmCall, kind: str, name: str, function: str = "") -> Response:
    try:
        await admin.delete_key(web.parts, app, kind, name, function)
    except KeyNotFoundError:
        raise AzureError(404, "NotFound", f"The key '{name}' does not exist.") from None
    except KeyUndeletableError:
        raise bad_request("Cannot delete system key.") from None
    return Response(204, [])
