"""Requests to functions: their addresses, what a function is told of a request, what the caller of its answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.functions.service import FunctionName
from fogbank.clouds.gcp.locations import REGIONS
from fogbank.connectors.waiting_room import NoRoomError
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.runtimes.model import Ended, Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.http import BodyTooLargeError, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.functions.model import Function
    from fogbank.runtimes.model import Outcome
    from fogbank.wire.http import Request

# Google Cloud, "Cloud Run functions quotas": 32 MB of an uncompressed HTTP request, and of its answer.
REQUEST_BYTES_MAX: Final = 33_554_432
# Google Cloud, "About maximum instances for services": so long, or 3.5 times what a start takes on average.
WAIT_SECONDS: Final = 10.0
# What an execution is called, by the log, too.
EXECUTION: Final = "function-execution-id"
_PLACE: Final = f"({'|'.join(sorted(REGIONS, key=len, reverse=True))})-([a-z0-9.:-]+)"
_PATH: Final = re.compile(rf"/{_PLACE}/([a-zA-Z][a-zA-Z0-9_-]*)(/.*)?")
_HOST: Final = re.compile(rf"{_PLACE}\.cloudfunctions\.(?:localhost|net)(?::[0-9]+)?")
_HOST_PATH: Final = re.compile(r"/([a-zA-Z][a-zA-Z0-9_-]*)(/.*)?")
# What belongs to a connection (RFC 9110, section 7.6.1), and what the server writes itself.
_OURS: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "date", "server"}
)
_REASONS: Final = {
    404: "The requested URL was not found on this server.",
    429: "Rate exceeded.",
    500: "The server encountered an error and could not complete your request.",
    503: "The service you requested is not available yet.",
    504: "upstream request timeout",
}


class Address(NamedTuple):
    """Whom a request is for, and the path that the function sees, undecoded."""

    name: FunctionName
    path: str


def read_address(request: Request) -> Address | None:
    """Return whose a request is, None if no function's."""
    host = _HOST.fullmatch(request.header(b"host"))
    if host is not None:
        match = _HOST_PATH.fullmatch(request.raw_path)
        name, rest = ("", None) if match is None else (match[1], match[2])
        return Address(FunctionName(host[2], host[1], name), rest or "/")
    match = _PATH.fullmatch(request.raw_path)
    if match is None:
        return None
    return Address(FunctionName(match[2], match[1], match[3]), match[4] or "/")


async def serve(parts: Parts, address: Address, request: Request) -> Response:
    """Let a function answer a request."""
    try:
        function = await parts.store.read(functions.find, address.name.key)
    except FunctionNotFoundError:
        return _failed(404)
    try:
        body = await request.read(REQUEST_BYTES_MAX)
    except BodyTooLargeError:
        return Response(413, [(b"Content-Type", b"text/plain")], b"Request Entity Too Large")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.items()]
    headers += _added(parts, request)
    outcome = await call(parts, function, request.method, address.path, request.raw_query, headers, body)
    return respond(outcome, length_only=request.method == "HEAD")


async def call(
    parts: Parts,
    function: Function,
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
) -> Outcome | None:
    """Hand a request to a function; None if no instance has room for it in time."""
    listed = [[name, value] for name, value in headers]
    context: dict[str, Any] = {"method": method, "path": path, "query": query, "headers": listed}
    for name, value in listed:
        if name == EXECUTION:
            context["execution"] = value
    invocation = Invocation(parts.ids.request(), body, context)
    config = function.config
    try:
        if config.instances_max is None:
            return await parts.invoker.run(function, invocation)
        await parts.waiting_room.enter(function.id, config.instances_max * config.concurrency, WAIT_SECONDS)
        try:
            return await parts.invoker.run(function, invocation)
        finally:
            parts.waiting_room.leave(function.id)
    except (BusyError, NoRoomError):
        return None


def respond(outcome: Outcome | None, *, length_only: bool = False) -> Response:
    """Return what the caller gets: the function's own answer, or what Google says in its place.

    Of an answer without its body, to a HEAD, only the `length_only` is kept.
    """
    if outcome is None:
        return _failed(429)
    if outcome.ended is Ended.OK:
        headers = [
            (str(name).encode("latin-1"), str(value).encode("latin-1"))
            for name, value in outcome.head.get("headers", ())
            if str(name).lower() not in _OURS
        ]
        told = {str(name).lower(): str(value) for name, value in outcome.head.get("headers", ())}
        length = told.get("content-length", "") if length_only else ""
        return Response(
            int(outcome.head["status"]), headers, outcome.payload, int(length) if length.isdecimal() else None
        )
    if outcome.ended is Ended.TIMEOUT:
        return _failed(504)
    if outcome.ended in (Ended.ERROR, Ended.TOO_LARGE):
        return _failed(500)
    # It didn't start, or ended under way.
    return _failed(503, outcome.payload if outcome.ended is Ended.LAUNCH else b"")


def _added(parts: Parts, request: Request) -> list[tuple[str, str]]:
    """Return the headers that Google's front end adds."""
    added = [
        (EXECUTION, parts.ids.hex(6)),
        ("x-forwarded-proto", request.scheme),
    ]
    if b"x-forwarded-for" not in request.headers:
        added.append(("x-forwarded-for", request.client))
    if b"x-cloud-trace-context" not in request.headers:
        trace = parts.ids.hex(16)
        added.append(("x-cloud-trace-context", f"{trace}/{int(trace[:15], 16)};o=1"))
    return added


def _failed(status: int, why: bytes = b"") -> Response:
    body = _REASONS[status].encode() + (b"\n" + why if why else b"")
    return Response(status, [(b"Content-Type", b"text/plain; charset=utf-8")], body)
