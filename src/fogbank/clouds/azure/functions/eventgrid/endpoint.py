"""Event Grid triggers: the endpoint /runtime/webhooks/eventgrid that Event Grid's webhooks call.

"Azure Event Grid trigger for Azure Functions", "Create an event subscription": the query names the function, and has
the system key eventgrid_extension. A function runs once for each event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from fogbank.clouds.azure.errors import json_response
from fogbank.clouds.azure.functions.bindings import is_event_grid
from fogbank.clouds.azure.functions.routes.routing import given_key, is_one_of
from fogbank.runtimes.model import Ended, Invocation
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.functions.apps import App, Entry
    from fogbank.clouds.azure.parts import Parts
    from fogbank.runtimes.model import Outcome
    from fogbank.wire.http import Request

PATH: Final = ["runtime", "webhooks", "eventgrid"]
BODY_BYTES_MAX: Final = 1_572_864


async def handle(parts: Parts, app: App, request: Request) -> Response:
    """Answer a request to the endpoint; raises `BusyError`, `FunctionNotFoundError`."""
    keys = [app.keys.master, *app.keys.system.values()]
    if not is_one_of(given_key(request), keys):
        return Response(401, [])
    query = {key.lower(): value for key, value in parse_qsl(request.raw_query)}
    name = query.get("functionname", "")
    entry = app.entry(name)
    if entry is None or not is_event_grid(entry) or not entry.active:
        return Response(404, [(b"Content-Type", b"text/plain")], f"cannot find function: '{name}'".encode())
    if request.method == "OPTIONS":
        origin = request.header(b"webhook-request-origin")
        return Response(200, [(b"WebHook-Allowed-Origin", origin.encode("latin-1")), (b"WebHook-Allowed-Rate", b"*")])
    if request.method != "POST":
        return Response(405, [])
    try:
        events = msgspec.json.decode(await request.read(BODY_BYTES_MAX))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Response(400, [])
    events = events if isinstance(events, list) else [events]
    if not events or not all(isinstance(event, dict) for event in events):
        return Response(400, [])
    kind = request.header(b"aeg-event-type").lower()
    if kind == "subscriptionvalidation":
        data = events[0].get("data")
        code = data.get("validationCode") if isinstance(data, dict) else None
        return json_response(200, {"validationResponse": code})
    if kind == "unsubscribe":
        return Response(202, [])
    outcomes = await asyncio.gather(*[_run(parts, app, entry, event) for event in events])
    return Response(202 if all(outcome.ended is Ended.OK for outcome in outcomes) else 500, [])


def context_of(entry: Entry, event: dict[str, Any]) -> dict[str, Any]:
    """Return the context of an invocation for an event."""
    fired = event.get("eventTime", event.get("time", ""))
    return {"function": entry.name, "reason": f"EventGrid trigger fired at {fired}"}


async def _run(parts: Parts, app: App, entry: Entry, event: dict[str, Any]) -> Outcome:
    invocation = Invocation(parts.ids.uuid(), msgspec.json.encode(event), context_of(entry, event))
    return await parts.invoker.run(app.function, invocation, source="trigger")
