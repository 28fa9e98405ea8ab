"""The host's own endpoints below /admin: status, functions, keys, and running a function that no request sets off.

"Manually run a non HTTP-triggered function"; the wiki of Azure/azure-functions-host, "Key management API".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.errors import json_response
from fogbank.clouds.azure.functions import apps
from fogbank.clouds.azure.functions.bindings import COSMOS, HTTP, QUEUE, is_event_grid, kind_of, plan_of, route_of
from fogbank.clouds.azure.functions.keys import (
    FUNCTION,
    HOST,
    MASTER,
    SYSTEM,
    KeyNotFoundError,
    KeyUndeletableError,
    keys_of,
    with_key,
    without_key,
)
from fogbank.clouds.azure.functions.routes.routing import given_key, is_one_of
from fogbank.clouds.azure.functions.storage.queue_triggers import metadata_of
from fogbank.clouds.azure.functions.timers import invocation
from fogbank.clouds.azure.queues.messages import LIVES_SECONDS, new_message
from fogbank.engines.functions import scheduled
from fogbank.engines.functions.scheduled import ScheduledInvocation
from fogbank.engines.messaging.model import Handle, Received
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.functions.apps import App, Entry
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

HOST_VERSION: Final = "4.1037.0.0"
BODY_BYTES_MAX: Final = 1_048_576
_BY_REQUEST: Final = "This function was programmatically called via the host APIs."
_HOST_KINDS: Final = {"keys": HOST, "functionkeys": HOST, "systemkeys": SYSTEM}


async def handle(parts: Parts, app: App, request: Request, path: list[str]) -> Response:
    """Answer a request; `path` are the segments that follow /admin."""
    lowered = [segment.lower() for segment in path]
    if lowered == ["host", "ping"]:
        return Response(200, [])
    if not is_one_of(given_key(request), [app.keys.master]):
        return Response(401, [])
    if lowered == ["host", "status"]:
        if request.method != "GET":
            return Response(405, [])
        return json_response(200, _status(app, await _stopped(parts, app)))
    if lowered[:1] == ["host"] and len(path) in (2, 3) and lowered[1] in _HOST_KINDS:
        return await _keys(parts, app, request, path[2:], _HOST_KINDS[lowered[1]])
    if lowered == ["functions"]:
        entries = app.indexed.functions if app.indexed is not None else []
        return json_response(200, [describe(app, entry, request.origin) for entry in entries])
    if lowered[:1] == ["functions"] and len(path) > 1:
        entry = app.entry(path[1])
        if entry is None:
            return Response(404, [])
        if len(path) == 2:
            return await _function(parts, app, entry, request)
        if lowered[2:] == ["status"]:
            error = entry.error or (await _stopped(parts, app)).get(entry.name, "")
            return json_response(200, {"errors": [error]} if error else {})
        if lowered[2] == "keys" and len(path) <= 4:
            return await _keys(parts, app, request, path[3:], FUNCTION, entry.name)
    return Response(404, [])


def describe(app: App, entry: Entry, origin: str) -> dict[str, Any]:
    """Return a function as the host describes it."""
    template = None
    if kind_of(entry.trigger) == HTTP:
        template = "/".join(part for part in (origin, app.host.route_prefix, route_of(entry)) if part)
    return {
        "name": entry.name,
        "script_href": f"{origin}/admin/vfs/site/wwwroot/{entry.config.get('scriptFile', '')}",
        "href": f"{origin}/admin/functions/{entry.name}",
        "invoke_url_template": template,
        "language": entry.config.get("language", "python"),
        "config": {"name": entry.name, **entry.config},
        "files": None,
        "test_data": "",
        "isDisabled": entry.disabled,
        "isDirect": True,
        "isProxy": False,
    }


def errors_of(app: App) -> list[str]:
    """Return what is wrong with an app, as the host reports it."""
    if app.indexed is None:
        return []
    failed = [
        f"The '{entry.name}' function is in error: {entry.error}" for entry in app.indexed.functions if entry.error
    ]
    return [app.indexed.error, *failed] if app.indexed.error else failed


async def _stopped(parts: Parts, app: App) -> dict[str, str]:
    """Return why triggers wait that would run, by their functions' names."""
    entries = app.indexed.functions if app.indexed is not None else []
    if not any(kind_of(entry.trigger) == COSMOS for entry in entries):
        return {}
    from fogbank.clouds.azure.functions.cosmos.feed import problems  # noqa: PLC0415 - loaded on first use

    return await parts.store.read(problems, app.function)


def _status(app: App, stopped: dict[str, str]) -> dict[str, Any]:
    errors = [*errors_of(app), *stopped.values()]
    failed = app.indexed is not None and bool(app.indexed.error)
    status: dict[str, Any] = {
        "id": app.name.lower(),
        "state": "Error" if failed else "Running",
        "version": HOST_VERSION,
    }
    return {**status, "errors": errors} if errors else status


async def _function(parts: Parts, app: App, entry: Entry, request: Request) -> Response:
    if request.method == "GET":
        return json_response(200, describe(app, entry, request.origin))
    if request.method != "POST":
        return Response(405, [])
    try:
        given = msgspec.json.decode(await request.read(BODY_BYTES_MAX) or b"{}")
    except msgspec.DecodeError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("input", ""), str):
        return json_response(400, {"message": 'The body must be a JSON object with a string "input".'})
    if kind_of(entry.trigger) == HTTP:
        return json_response(400, {"message": f"{entry.name} is called by its own URL."})
    if kind_of(entry.trigger) == QUEUE and entry.active:
        return await _run_with_message(parts, app, entry, given.get("input", ""))
    if is_event_grid(entry) and entry.active:
        return await _run_with_json(parts, app, entry, given.get("input", ""), dict)
    if kind_of(entry.trigger) == COSMOS and entry.active:
        return await _run_with_json(parts, app, entry, given.get("input", ""), list)
    plan = plan_of(entry, app, apps.settings_of(app.function.config), parts.clock.now())
    if plan is None:
        return json_response(400, {"message": entry.error or f"The function {entry.name} is disabled."})
    now_us = parts.clock.now()
    queued = invocation(plan, now_us, plan.next_us(now_us), now_us)
    context = {**queued.context, "reason": _BY_REQUEST}
    queued = msgspec.structs.replace(queued, context=context, always=True)
    await parts.store.run(scheduled.enqueue, parts.ids.sequence(), queued)
    return Response(202, [])


async def _run_with_message(parts: Parts, app: App, entry: Entry, text: str) -> Response:
    """Run a function as if a message of that text had come."""
    now_us = parts.clock.now()
    sequence = parts.ids.sequence()
    message = new_message(parts.ids, sequence, text.encode(), now_us, LIVES_SECONDS)
    metadata = metadata_of(Received(message, Handle(0, sequence, 0), now_us, now_us, 1, 0), now_us)
    context = {"function": entry.name, "reason": _BY_REQUEST, "text": "1", "metadata": metadata}
    owner = app.function
    lane = f"azure.functions.admin/{owner.id}/{entry.name}"
    queued = ScheduledInvocation(owner.scope, owner.name, lane, text.encode(), context, now_us, always=True)
    await parts.store.run(scheduled.enqueue, parts.ids.sequence(), queued)
    return Response(202, [])


async def _run_with_json(
    parts: Parts, app: App, entry: Entry, text: str, kind: type[dict[str, Any] | list[Any]]
) -> Response:
    """Run a function as if an event had come, or changed items, which are given as JSON."""
    try:
        event = msgspec.json.decode(text)
    except msgspec.DecodeError:
        event = None
    if not isinstance(event, kind):
        what = "an event" if kind is dict else "a list of items"
        return json_response(400, {"message": f"The input must be {what} as JSON."})
    owner = app.function
    lane = f"azure.functions.admin/{owner.id}/{entry.name}"
    context = {"function": entry.name, "reason": _BY_REQUEST}
    now_us = parts.clock.now()
    queued = ScheduledInvocation(owner.scope, owner.name, lane, text.encode(), context, now_us, always=True)
    await parts.store.run(scheduled.enqueue, parts.ids.sequence(), queued)
    return Response(202, [])


async def _keys(parts: Parts, app: App, request: Request, path: list[str], kind: str, function: str = "") -> Response:
    """List keys, or show, set or delete the one that `path` names."""
    keys = keys_of(app.keys, kind, function)
    if not path:
        if request.method != "GET":
            return Response(405, [])
        return json_response(200, {"keys": [_key(*each) for each in keys.items()], "links": []})
    name = path[0].lower()
    if kind == HOST and name == MASTER:
        keys = {MASTER: app.keys.master}
    if request.method == "GET":
        return json_response(200, _key(name, keys[name])) if name in keys else Response(404, [])
    if request.method == "DELETE":
        return await _delete_key(parts, app, kind, name, function)
    if request.method not in ("POST", "PUT"):
        return Response(405, [])
    value = apps.new_key(parts.ids)
    if request.method == "PUT":
        try:
            given = msgspec.json.decode(await request.read(BODY_BYTES_MAX), type=_KeyBody)
        except msgspec.DecodeError:
            return Response(400, [])
        value = given.value
    await set_key(parts, app, kind, name, value, function)
    return json_response(200 if name in keys else 201, _key(name, value))


class _KeyBody(msgspec.Struct):
    value: str
    name: str = ""


async def set_key(parts: Parts, app: App, kind: str, name: str, value: str, function: str = "") -> None:
    """Set a key, or add it."""
    owner = (app.function.scope, app.function.name)
    await parts.store.run(apps.change_keys, owner, lambda keys: with_key(keys, kind, name, value, function))


async def delete_key(parts: Parts, app: App, kind: str, name: str, function: str = "") -> None:
    """Delete a key; raises `KeyNotFoundError`, `KeyUndeletableError`."""
    owner = (app.function.scope, app.function.name)
    await parts.store.run(apps.change_keys, owner, lambda keys: without_key(keys, kind, name, function))


async def _delete_key(parts: Parts, app: App, kind: str, name: str, function: str) -> Response:
    try:
        await delete_key(parts, app, kind, name, function)
    except KeyNotFoundError:
        return Response(404, [])
    except KeyUndeletableError:
        return json_response(400, {"message": "Cannot delete system key."})
    return Response(204, [])


def _key(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
