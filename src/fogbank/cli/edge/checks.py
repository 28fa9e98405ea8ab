"""Whether CloudFront takes what a Lambda@Edge function answers; what it doesn't take, viewers see as a 502.

Amazon CloudFront Developer Guide, "Restrictions on all edge functions", "Restrictions on Lambda@Edge", "Generate HTTP
responses in request triggers", "Update HTTP responses in origin response triggers", "Quotas on Lambda@Edge".
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, Final

from fogbank.cli.edge.events import ORIGIN_REQUEST, ORIGIN_RESPONSE, VIEWER_REQUEST, VIEWER_RESPONSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Headers = Mapping[str, Any]

_DISALLOWED: Final = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer",
    "upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth",
    "x-amzn-cf-billing", "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
    "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache",
    "x-forwarded-proto", "x-real-ip",
})  # fmt: skip
_DISALLOWED_BEGINNINGS: Final = ("x-amz-cf-", "x-edge-")
_READ_ONLY: Final = {
    VIEWER_REQUEST: frozenset({"content-length", "host", "transfer-encoding", "via"}),
    ORIGIN_REQUEST: frozenset({
        "accept-encoding", "content-length", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "transfer-encoding", "via",
    }),
    ORIGIN_RESPONSE: frozenset({"transfer-encoding", "via"}),
    VIEWER_RESPONSE: frozenset({"content-encoding", "content-length", "transfer-encoding", "warning", "via"}),
}  # fmt: skip
# Of a response with its headers, and of a request's body that the function replaces.
_RESPONSE_BYTES_MAX: Final = {
    VIEWER_REQUEST: 40 * 1_024,
    VIEWER_RESPONSE: 40 * 1_024,
    ORIGIN_REQUEST: 1_048_576,
    ORIGIN_RESPONSE: 1_048_576,
}
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")
_ENCODINGS: Final = ("text", "base64")
_REQUEST: Final = frozenset({"body", "clientIp", "headers", "method", "origin", "querystring", "uri"})
_RESPONSE: Final = frozenset({"body", "bodyEncoding", "headers", "status", "statusDescription"})
_NOT_CHANGED: Final = ("clientIp", "method")
_PORT_MAX: Final = 65_535


def is_response(trigger: str, answer: Any) -> bool:
    """Whether what a function answers is a response, as it always is to events that have one."""
    return trigger in (ORIGIN_RESPONSE, VIEWER_RESPONSE) or (isinstance(answer, dict) and "status" in answer)


def faults(trigger: str, event: Mapping[str, Any], answer: Any) -> list[str]:
    """Return what is wrong with an answer to an event, nothing if CloudFront takes it."""
    if not isinstance(answer, dict):
        return ["The function answered neither a request nor a response: an object has to be returned."]
    record = event["Records"][0]["cf"]
    if is_response(trigger, answer):
        before = record.get("response")
        found = [*_response_faults(trigger, answer, before), *_unknown(answer, _RESPONSE, "response")]
    else:
        before = record["request"]
        found = [*_request_faults(trigger, answer, before), *_unknown(answer, _REQUEST, "request")]
    old = {} if before is None else before["headers"]
    return [*found, *_header_faults(trigger, answer.get("headers", {}), old, generated=before is None)]


def decoded(body: str, encoding: str) -> bytes | None:
    """Return a body's bytes; None if it isn't of its encoding."""
    if encoding == "text":
        return body.encode()
    try:
        return b64decode(body, validate=True)
    except (Base64Error, ValueError):
        return None


def _unknown(answer: Mapping[str, Any], known: frozenset[str], what: str) -> Iterator[str]:
    for name in sorted(answer.keys() - known):
        yield f"A {what} has no field {name}."


def _request_faults(trigger: str, request: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    for name in _NOT_CHANGED:
        if request.get(name, before[name]) != before[name]:
            yield f"{name} is read-only."
    uri = request.get("uri")
    if not isinstance(uri, str) or not uri.startswith("/"):
        yield "uri has to begin with a slash."
    elif "?" in uri or not uri.isprintable() or " " in uri:
        yield "uri may have no query, spaces or control characters."
    query = request.get("querystring", "")
    if not isinstance(query, str) or not query.isprintable() or " " in query or "#" in query:
        yield "querystring has to be a text without spaces, control characters and fragments."
    if "headers" not in request:
        yield "headers are missing."
    if "body" in request:
        yield from _replaced_body_faults(trigger, request["body"])
    origin = request.get("origin", before.get("origin"))
    if trigger == ORIGIN_REQUEST:
        yield from _origin_faults(origin)
    elif origin != before.get("origin"):
        yield "origin can be changed in origin requests only."


def _replaced_body_faults(trigger: str, body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "body has to be an object with action, encoding and data."
        return
    action = body.get("action")
    if action == "read-only":
        return
    if action != "replace":
        yield 'body.action has to be "read-only" or "replace".'
    encoding, data = body.get("encoding", "text"), body.get("data", "")
    yield from _encoded_faults("body.data", "body.encoding", data, encoding, _RESPONSE_BYTES_MAX[trigger])


def _encoded_faults(name: str, by: str, data: Any, encoding: Any, limit: int) -> Iterator[str]:
    if encoding not in _ENCODINGS:
        yield f'{by} has to be "text" or "base64".'
    elif not isinstance(data, str):
        yield f"{name} has to be a text."
    elif (found := decoded(data, encoding)) is None:
        yield f"{name} is not Base64."
    elif len(found) > limit:
        yield f"{name} has {len(found)} bytes; {limit} are allowed."


def _origin_faults(origin: Any) -> Iterator[str]:
    if not isinstance(origin, dict) or len(origin) != 1 or not origin.keys() <= {"custom", "s3"}:
        yield "origin has to be either custom or s3, and only one of them."
        return
    ((kind, facts),) = origin.items()
    if not isinstance(facts, dict) or not isinstance(facts.get("domainName"), str) or not facts["domainName"]:
        yield f"origin.{kind}.domainName is missing."
        return
    path = facts.get("path", "")
    if not isinstance(path, str) or (path and (not path.startswith("/") or path.endswith("/"))):
        yield f"origin.{kind}.path has to begin with a slash, and not to end with one."
    if kind == "s3":
        if facts.get("authMethod") not in ("origin-access-identity", "none"):
            yield 'origin.s3.authMethod has to be "origin-access-identity" or "none".'
        return
    port = facts.get("port")
    if not isinstance(port, int) or not (port in (80, 443) or 1_024 <= port <= _PORT_MAX):
        yield "origin.custom.port has to be 80, 443, or between 1024 and 65535."
    if facts.get("protocol") not in ("http", "https"):
        yield 'origin.custom.protocol has to be "http" or "https".'


def _response_faults(trigger: str, response: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    status = response.get("status")
    if not isinstance(status, str) or not _STATUS.fullmatch(status):
        yield "status has to be a text of three digits."
    elif trigger == VIEWER_RESPONSE and before is not None and status != before["status"]:
        yield "status can't be changed in viewer responses."
    if not isinstance(response.get("statusDescription", ""), str):
        yield "statusDescription has to be a text."
    body = response.get("body")
    if body is None:
        return
    if trigger == VIEWER_RESPONSE:
        yield "body can't be replaced in viewer responses."
        return
    limit = _RESPONSE_BYTES_MAX[trigger] - _header_bytes(response.get("headers"))
    yield from _encoded_faults("body", "bodyEncoding", body, response.get("bodyEncoding", "text"), limit)


def _header_bytes(headers: Any) -> int:
    """Return how long headers are, which count for a response's size."""
    if not isinstance(headers, dict):
        return 0
    return sum(
        len(str(name)) + len(str(each.get("value", ""))) + 4
        for name, values in headers.items()
        if isinstance(values, list)
        for each in values
        if isinstance(each, dict)
    )


def _header_faults(trigger: str, headers: Any, before: Headers, *, generated: bool) -> Iterator[str]:
    if not isinstance(headers, dict):
        yield "headers have to be an object."
        return
    for name, values in headers.items():
        yield from _shape_faults(name, values)
        if name in _DISALLOWED or name.startswith(_DISALLOWED_BEGINNINGS):
            yield f"The header {name} is not allowed."
    # A response that takes the place of the origin's has none of its headers.
    read_only = frozenset({"transfer-encoding", "via"}) if generated else _READ_ONLY[trigger]
    for name in sorted(read_only):
        if _values(headers.get(name)) != _values(before.get(name)):
            yield f"The header {name} is read-only: it can't be added, changed or removed."


def _values(entries: Any) -> list[Any]:
    return [each.get("value") if isinstance(each, dict) else each for each in entries or ()]


def _shape_faults(name: str, values: Any) -> Iterator[str]:
    if name != name.lower() or not _TOKEN.fullmatch(name):
        yield f"headers[{name!r}]: the name has to be in lower case, without spaces."
    if not isinstance(values, list):
        yield f"headers[{name!r}] has to be a list of objects with key and value."
        return
    for each in values:
        if not isinstance(each, dict) or not isinstance(each.get("value"), str):
            yield f"headers[{name!r}]: each has to be an object whose value is a text."
        elif not isinstance(key := each.get("key", name), str) or key.lower() != name.lower():
            yield f"headers[{name!r}]: its key is {key!r}, which is another name."
        elif "\r" in each["value"] or "\n" in each["value"]:
            yield f"headers[{name!r}]: its value has a line break."
