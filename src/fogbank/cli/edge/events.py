"""The events of CloudFront's four triggers.

Amazon CloudFront Developer Guide, "Lambda@Edge event structure": its examples, with the request that was asked for.
"""

from __future__ import annotations

from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

VIEWER_REQUEST: Final = "viewer-request"
ORIGIN_REQUEST: Final = "origin-request"
ORIGIN_RESPONSE: Final = "origin-response"
VIEWER_RESPONSE: Final = "viewer-response"
TRIGGERS: Final = (VIEWER_REQUEST, ORIGIN_REQUEST, ORIGIN_RESPONSE, VIEWER_RESPONSE)
DOMAIN: Final = "d111111abcdef8.cloudfront.net"
DISTRIBUTION: Final = "EDFDVBD6EXAMPLE"
REQUEST_ID: Final = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ=="
# What of a request's body a function sees; more is cut off ("Restrictions on Lambda@Edge").
BODY_BYTES_MAX: Final = {VIEWER_REQUEST: 40 * 1_024, ORIGIN_REQUEST: 1_048_576}
_CLIENT: Final = "203.0.113.178"
_VIA: Final = f"2.0 {DISTRIBUTION.lower()}.cloudfront.net (CloudFront)"
_AGENT: Final = ("User-Agent", "Amazon CloudFront")


class Viewer(NamedTuple):
    """What a viewer asks for, and what the origin answers; headers are names and values."""

    url: str
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    status: int = 200
    answered: Sequence[tuple[str, str]] = ()


def event_of(trigger: str, viewer: Viewer) -> dict[str, Any]:
    """Return the event of a trigger."""
    config = {
        "distributionDomainName": DOMAIN,
        "distributionId": DISTRIBUTION,
        "eventType": trigger,
        "requestId": REQUEST_ID,
    }
    record: dict[str, Any] = {"config": config, "request": _request(trigger, viewer)}
    if trigger in (ORIGIN_RESPONSE, VIEWER_RESPONSE):
        record["response"] = {
            "headers": headers_of([("Server", "ExampleCustomOriginServer"), *viewer.answered]),
            "status": str(viewer.status),
            "statusDescription": phrase_of(viewer.status),
        }
    return {"Records": [{"cf": record}]}


def headers_of(pairs: Sequence[tuple[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Return headers as CloudFront writes them; values of one name stay together."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append({"key": name, "value": value})
    return found


def phrase_of(status: int) -> str:
    """Return what a status is called."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _request(trigger: str, viewer: Viewer) -> dict[str, Any]:
    parts = urlsplit(viewer.url)
    at_origin = trigger in (ORIGIN_REQUEST, ORIGIN_RESPONSE)
    host = parts.netloc or DOMAIN
    usual = [("Host", host), ("User-Agent", "curl/7.66.0"), ("Accept", "*/*")]
    if at_origin:
        usual = [("X-Forwarded-For", _CLIENT), _AGENT, ("Via", _VIA), ("Host", host)]
    said = {name.lower() for name, _ in viewer.headers}
    pairs = [pair for pair in usual if pair[0].lower() not in said]
    request: dict[str, Any] = {
        "clientIp": _CLIENT,
        "headers": headers_of([*pairs, *viewer.headers]),
        "method": viewer.method,
        "querystring": parts.query,
        "uri": parts.path or "/",
    }
    if at_origin:
        request["origin"] = _origin(host.partition(":")[0])
    limit = BODY_BYTES_MAX.get(trigger)
    if viewer.body and limit is not None:
        request["body"] = {
            "action": "read-only",
            "data": b64encode(viewer.body[:limit]).decode(),
            "encoding": "base64",
            "inputTruncated": len(viewer.body) > limit,
        }
    return request


def _origin(host: str) -> dict[str, Any]:
    return {
        "custom": {
            "customHeaders": {},
            "domainName": host,
            "keepaliveTimeout": 5,
            "path": "",
            "port": 443,
            "protocol": "https",
            "readTimeout": 30,
            "sslProtocols": ["TLSv1", "TLSv1.1", "TLSv1.2"],
        }
    }
