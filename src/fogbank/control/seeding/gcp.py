"""Seeds of Google Cloud, by the REST side of its APIs. What is there stays as it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from fogbank.control.seeding.asking import Answer, ask

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.control.seeding.model import GcpDocument, GcpSubscription, GcpTopic
    from fogbank.wire.http import Handler


async def topic(handle: Handler, seed: GcpTopic, _folder: Path) -> None:
    """Make a topic."""
    path = f"/v1/projects/{seed.project}/topics/{seed.name}"
    _made(await _ask(handle, "PUT", path, {"labels": seed.labels}))


async def subscription(handle: Handler, seed: GcpSubscription, _folder: Path) -> None:
    """Make a subscription."""
    body: dict[str, Any] = {
        "topic": f"projects/{seed.project}/topics/{seed.topic}",
        "ackDeadlineSeconds": seed.ack_deadline_seconds,
        "enableMessageOrdering": seed.ordered,
        "labels": seed.labels,
    }
    if seed.filter:
        body["filter"] = seed.filter
    if seed.push_endpoint:
        body["pushConfig"] = {"pushEndpoint": seed.push_endpoint}
    _made(await _ask(handle, "PUT", f"/v1/projects/{seed.project}/subscriptions/{seed.name}", body))


async def document(handle: Handler, seed: GcpDocument, _folder: Path) -> None:
    """Make a document."""
    root = f"/v1/projects/{seed.project}/databases/{quote(seed.database, safe='()')}/documents"
    path = f"{root}/{quote(seed.path.strip('/'))}?currentDocument.exists=false"
    fields = {name: _value(value) for name, value in seed.fields.items()}
    _made(await _ask(handle, "PATCH", path, {"fields": fields}))


async def _ask(handle: Handler, method: str, path: str, body: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer owner"}
    return await ask(handle, method, path, headers, msgspec.json.encode(body))


def _made(answer: Answer) -> None:
    if answer.status != 409:
        answer.check()


def _value(value: Any) -> dict[str, Any]:
    """Return a value of TOML's as Firestore's REST side writes it."""
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"integerValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, datetime):
        return {"timestampValue": value.isoformat() + ("" if value.tzinfo else "Z")}
    if isinstance(value, date):
        return {"timestampValue": f"{value.isoformat()}T00:00:00Z"}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"mapValue": {"fields": {name: _value(each) for name, each in value.items()}}}
    return {"stringValue": str(value)}
