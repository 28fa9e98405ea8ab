"""Sites: create, change, show, list, delete; start, stop, restart."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from fogbank.clouds.azure.errors import AzureError, bad_request, json_response, unsupported
from fogbank.clouds.azure.functions import apps, changes
from fogbank.clouds.azure.functions.apps import Keys, encode_label, read_app
from fogbank.clouds.azure.web.properties import read_properties, show_site
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionExistsError, FunctionNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.functions.apps import App
    from fogbank.clouds.azure.functions.indexing import Indexer
    from fogbank.clouds.azure.parts import Parts

LISTED_MAX: Final = 1_000
KINDS: Final = frozenset({"functionapp", "functionapp,linux"})
_MEMBERS: Final = frozenset({"id", "kind", "location", "name", "properties", "tags", "type", "systemData"})


class Web(NamedTuple):
    """What the operations work with."""

    parts: Parts
    indexer: Indexer


async def find_app(web: Web, call: ArmCall) -> App:
    """Return the app that a request names, or raise the error for one that isn't there."""
    name = apps.key_of(call.subscription, call.group, call.path[1])
    try:
        return read_app(await web.parts.store.read(functions.find, name))
    except FunctionNotFoundError:
        raise not_found(call) from None


def not_found(call: ArmCall) -> AzureError:
    """Return the error for a resource that isn't there."""
    message = (
        f"The Resource 'Microsoft.Web/sites/{call.path[1]}' under resource group '{call.group}' was not found. For more"
        " details please go to https://aka.ms/ARMResourceNotFoundFix"
    )
    return AzureError(404, "ResourceNotFound", message)


async def put_site(web: Web, call: ArmCall) -> Response:
    """Create an app, or replace what is known of it."""
    body = _members(call.body)
    facts, config, settings = read_properties(_object(body, "properties"))
    name = call.path[1]
    if not apps.is_app_name(name):
        raise bad_request(f"The site name '{name}' is invalid: 1 to 60 letters, digits and hyphens.")
    kind = body.get("kind")
    if kind not in KINDS:
        raise unsupported(f"the kind {kind!r}; it must be one of {', '.join(sorted(KINDS))}")
    location = body.get("location")
    if not isinstance(location, str) or not location:
        raise AzureError(400, "LocationRequired", "The location property is required for this definition.")
    labels = {
        "kind": kind,
        "location": location,
        "properties": msgspec.json.encode(facts).decode(),
        "site_config": msgspec.json.encode(config).decode(),
    }
    tags = _tags(body)
    try:
        app = await find_app(web, call)
    except AzureError:
        return await _create(web, call, labels, tags, settings or {})
    known = app.function.config.labels["location"]
    if _plain(known) != _plain(location):
        message = (
            f"The resource '{name}' already exists in location '{known}' in resource group '{call.group}'. A resource"
            f" with the same name cannot be created in location '{location}'. Please select a new resource name."
        )
        raise AzureError(409, "InvalidResourceLocation", message)
    return await _change(web, call, app, labels, tags, settings)


async def patch_site(web: Web, call: ArmCall) -> Response:
    """Change some of what is known of an app."""
    body = _members(call.body)
    app = await find_app(web, call)
    known = app.function.config.labels
    facts, config, settings = read_properties(_object(body, "properties"))
    kind = body.get("kind", known["kind"])
    if kind not in KINDS:
        raise unsupported(f"the kind {kind!r}; it must be one of {', '.join(sorted(KINDS))}")
    labels = {
        "kind": kind,
        "properties": msgspec.json.encode({**msgspec.json.decode(known["properties"]), **facts}).decode(),
        "site_config": msgspec.json.encode({**msgspec.json.decode(known["site_config"]), **config}).decode(),
    }
    return await _change(web, call, app, labels, _tags(body) if "tags" in body else None, settings)


async def get_site(web: Web, call: ArmCall) -> Response:
    """Show an app."""
    return json_response(200, show_site(await find_app(web, call), call))


async def list_sites(web: Web, call: ArmCall) -> Response:
    """List the apps of a resource group, or of the subscription, page by page."""
    after = _read_token(call.query.get("$skiptoken"))
    found = await web.parts.store.read(apps.list_apps, call.subscription, call.group or None, after, LISTED_MAX + 1)
    shown = {"value": [show_site(read_app(function), call) for function in found[:LISTED_MAX]]}
    if len(found) <= LISTED_MAX:
        return json_response(200, shown)
    last = found[LISTED_MAX - 1]
    token = urlsafe_b64encode(msgspec.json.encode((last.scope, last.name))).decode()
    where = f"/resourceGroups/{quote(call.group)}" if call.group else ""
    query = urlencode({"api-version": call.query["api-version"], "$skiptoken": token})
    path = f"/subscriptions/{call.subscription}{where}/providers/Microsoft.Web/sites"
    return json_response(200, {**shown, "nextLink": f"{call.scheme}://{call.host}{path}?{query}"})


def _read_token(token: str | None) -> tuple[str, str]:
    """Return where a list goes on."""
    if token is None:
        return "", ""
    try:
        return msgspec.json.decode(b64decode(token, altchars=b"-_", validate=True), type=tuple[str, str])
    except (ValueError, msgspec.DecodeError):
        raise bad_request("The $skiptoken is invalid.") from None


async def delete_site(web: Web, call: ArmCall) -> Response:
    """Delete an app; one that isn't there is deleted already."""
    try:
        await changes.delete(web.parts, await find_app(web, call))
    except (AzureError, FunctionNotFoundError):
        return Response(204, [])
    return Response(200, [])


async def restart_site(web: Web, call: ArmCall) -> Response:
    """Let new instances take over, which read the code and the settings anew."""
    await update(web, call, await find_app(web, call))
    return Response(200, [])


async def start_site(web: Web, call: ArmCall) -> Response:
    """Let a stopped app run again."""
    app = await find_app(web, call)
    if not app.running:
        await update(web, call, app, labels={"state": apps.RUNNING})
    return Response(200, [])


async def stop_site(web: Web, call: ArmCall) -> Response:
    """Let an app answer nothing and fire nothing."""
    try:
        await changes.stop(web.parts, await find_app(web, call))
    except FunctionNotFoundError:
        raise not_found(call) from None
    return Response(200, [])


async def update(web: Web, call: ArmCall, app: App, **what: Any) -> App:
    """Make a new revision of an app as `changes.change` does, and have it indexed."""
    try:
        function = await changes.change(web.parts, app, **what)
    except changes.ChangeError as error:
        raise bad_request(str(error)) from None
    except FunctionNotFoundError:
        raise not_found(call) from None
    changed = read_app(function)
    if changed.running:
        web.indexer.soon(function)
    return changed


async def _create(
    web: Web, call: ArmCall, labels: dict[str, str], tags: dict[str, str], settings: dict[str, str]
) -> Response:
    ids = web.parts.ids
    keys = Keys(master=apps.new_key(ids), host={"default": apps.new_key(ids)})
    try:
        first = changes.new_labels(settings)
    except changes.ChangeError as error:
        raise bad_request(str(error)) from None
    facts = {"name": call.path[1], "group": call.group, "state": apps.RUNNING, "keys": encode_label(keys)}
    config = apps.new_config({**labels, **first, **facts}, tags, settings)
    config = changes.with_host(config)
    name = apps.key_of(call.subscription, call.group, call.path[1])
    try:
        function = await web.parts.store.run(apps.create, name, ids.sequence(), config)
    except FunctionExistsError:
        raise AzureError(409, "Conflict", f"Website with given name {call.path[1]} already exists.") from None
    web.indexer.soon(function)
    # Its first deployment is likely to follow.
    web.parts.invoker.warm(function)
    return json_response(200, show_site(read_app(function), call))


async def _change(
    web: Web, call: ArmCall, app: App, labels: dict[str, str], tags: dict[str, str] | None,
    settings: dict[str, str] | None,
) -> Response:  # fmt: skip
    changed = await update(web, call, app, settings=settings, labels=labels, tags=tags)
    return json_response(200, show_site(changed, call))


def _members(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    for name in body:
        if name not in _MEMBERS and body[name] is not None:
            raise unsupported(f"the property {name}")
    return body


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise bad_request(f"The property {name} must be an object.")
    return value


def _tags(body: dict[str, Any]) -> dict[str, str]:
    tags = _object(body, "tags")
    if not all(isinstance(value, str) for value in tags.values()):
        raise bad_request("The values of tags must be strings.")
    return tags


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()
