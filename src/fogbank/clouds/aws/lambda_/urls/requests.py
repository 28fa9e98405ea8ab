"""A request to a function URL as the function's event.

AWS Lambda Developer Guide, "Invoking Lambda function URLs": the payload format is that of API Gateway's version 2.0;
what a function URL has none of (routes, stages, path parameters) has fixed values or is left out.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from fogbank.kernel.clock import MILLISECOND_US, SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.identities import Subject
    from fogbank.clouds.aws.lambda_.urls.hosts import UrlHost
    from fogbank.wire.http import Request

ANYONE: Final = "anonymous"
_ROUTE: Final = "$default"
_TEXTS: Final = ("application/json", "application/javascript", "application/xml")
_COOKIE: Final = b"cookie"


class Caller(NamedTuple):
    """Who signed a request."""

    account: str
    access_key: str
    subject: Subject


def event_of(
    request: Request, body: bytes, host: UrlHost, request_id: str, trace_id: str, now_us: int, caller: Caller | None
) -> bytes:
    """Return the event of a request; `caller` is who signed it, if anybody had to."""
    headers = _headers(request, trace_id)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": _ROUTE,
        "rawPath": request.raw_path,
        "rawQueryString": request.raw_query,
    }
    cookies = request.header(_COOKIE)
    if cookies:
        event["cookies"] = [each.strip() for each in cookies.split(";") if each.strip()]
    event["headers"] = headers
    query = _query(request.raw_query)
    if query:
        event["queryStringParameters"] = query
    event["requestContext"] = _context(request, headers, host, request_id, now_us, caller)
    if body:
        text = _as_text(body, headers.get("content-type", ""))
        event["body"] = b64encode(body).decode() if text is None else text
        event["isBase64Encoded"] = text is None
    else:
        event["isBase64Encoded"] = False
    return msgspec.json.encode(event)


def _headers(request: Request, trace_id: str) -> dict[str, str]:
    """Return the headers with those that AWS's front adds, without cookies, which have a place of their own."""
    headers = {
        name.decode("latin-1"): value.decode("utf-8", "replace")
        for name, value in request.headers.items()
        if name != _COOKIE
    }
    _name, _, port = headers.get("host", "").partition(":")
    headers["x-amzn-trace-id"] = headers.get("x-amzn-trace-id", trace_id)
    headers["x-forwarded-for"] = request.client
    headers["x-forwarded-port"] = port or ("443" if request.scheme == "https" else "80")
    headers["x-forwarded-proto"] = request.scheme
    return headers


def _query(raw: str) -> dict[str, str]:
    """Return the query's parameters; values of one that is repeated are joined by commas."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in found.items()}


def _context(
    request: Request,
    headers: dict[str, str],
    host: UrlHost,
    request_id: str,
    now_us: int,
    caller: Caller | None,
) -> dict[str, Any]:
    moment = datetime.fromtimestamp(now_us // SECOND_US, UTC)
    context: dict[str, Any] = {
        "accountId": ANYONE if caller is None else caller.account,
        "apiId": host.number,
    }
    if caller is not None:
        context["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key,
                "accountId": caller.account,
                "callerId": caller.subject.user_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.subject.arn,
                "userId": caller.subject.user_id,
            }
        }
    return context | {
        "domainName": headers.get("host", "").partition(":")[0],
        "domainPrefix": host.number,
        "http": {
            "method": request.method,
            "path": request.raw_path,
            "protocol": f"HTTP/{request.version}",
            "sourceIp": request.client,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": _ROUTE,
        "stage": _ROUTE,
        "time": f"{moment:%d/%b/%Y:%H:%M:%S +0000}",
        "timeEpoch": now_us // MILLISECOND_US,
    }


def _as_text(body: bytes, content_type: str) -> str | None:
    """Return a body that is text; None for any other, which goes in Base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("text/") and kind not in _TEXTS and not kind.endswith(("+json", "+xml")):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
