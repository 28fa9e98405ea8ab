"""What is seen of Google's requests and calls: method, project, resources; and how its services throttle and fail.

"Errors" (https://cloud.google.com/apis/design/errors): too much is RESOURCE_EXHAUSTED, which is 429 over REST; what may
be tried again at once is UNAVAILABLE.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from fogbank.wire.watching.model import Seen
from fogbank.wire.watching.showing import merged, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.wire.google.rest import RestApplication
    from fogbank.wire.grpc.service import Method, Methods
    from fogbank.wire.http import Request, Response
    from fogbank.wire.watching.model import Refusal, Sent

_PROJECT: Final = re.compile(r"projects/([^/]+)(?:/(?:locations|databases)/([^/]+))?")
_RESOURCE: Final = re.compile(r"projects/[^/]+/.+")
_ROUTING: Final = b"x-goog-request-params"
_FUNCTION: Final = re.compile(r"/([a-z]+-[a-z]+[0-9]+)-([^/]+)/([a-zA-Z][a-zA-Z0-9_-]*)(?:/.*)?")
# How deep names of resources stand in requests: documents of writes, tasks of a creation.
_DEPTH_MAX: Final = 4
_RESOURCES_MAX: Final = 20


class GcpFront:
    """Tells of Google's requests; what it takes is loaded when the first one is looked at."""

    cloud = "gcp"

    def __init__(self, methods: Callable[[], Methods], rest: Callable[[], RestApplication]) -> None:
        self._methods = methods
        self._rest = rest

    def describe(self, request: Request) -> Seen:
        """Say what a request over REST is for."""
        found = self._rest().find(request.method, request.raw_path)
        body = b"" if request.stream is not None else request.body
        given = read_body(request.header(b"content-type"), body)
        query = dict(parse_qsl(request.raw_query, keep_blank_values=True))
        if found is None:
            return _describe_other(request, merged(query, given))
        path, fields = found
        parameters = merged(fields, query, given)
        _, service, operation = path.split("/")
        return _seen(service, operation, parameters)

    def refuse(self, request: Request, seen: Seen, refusal: Refusal) -> Response:
        """Return a refusal in the form of Google's APIs."""
        from fogbank.wire.google.rest import write_error  # noqa: PLC0415 - loaded on first use
        from fogbank.wire.http import Response  # noqa: PLC0415 - as above

        del request
        error: Any = self.refuse_call(seen, refusal)
        response = write_error(self._methods().types, error)
        return Response(refusal.status or response.status, response.headers, response.body)

    def describe_call(self, sent: Sent) -> Seen:
        """Say what a call over gRPC is for."""
        from fogbank.wire.grpc.status import GrpcError  # noqa: PLC0415 - loaded on first use

        routing = next((value for name, value in sent.fields if name == _ROUTING), b"").decode("latin-1")
        routed = {name: unquote(value) for name, value in parse_qsl(routing)}
        service, _, operation = sent.path.removeprefix("/").partition("/")
        try:
            method = self._methods().find(sent.path)
        except GrpcError:
            return _seen(service, operation, routed)
        return _seen(service, operation, merged(routed, self._decoded(method, sent.message)))

    def refuse_call(self, seen: Seen, refusal: Refusal) -> Exception:
        """Return the error that a call is refused with."""
        from fogbank.wire.grpc.status import HTTP_STATUSES, Code, GrpcError  # noqa: PLC0415 - loaded on first use

        if refusal.throttled:
            project = seen.scope.partition("/")[0]
            message = (
                "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service"
                f" '{_host(seen)}' for consumer 'project_number:{project}'."
            )
            return GrpcError(Code.RESOURCE_EXHAUSTED, message)
        code = Code.UNAVAILABLE
        if refusal.code.upper() in Code.__members__:
            code = Code[refusal.code.upper()]
        elif refusal.status:
            code = next((each for each, status in HTTP_STATUSES.items() if status == refusal.status), Code.UNKNOWN)
        return GrpcError(code, refusal.message or "The service is currently unavailable.")

    def _decoded(self, method: Method, message: bytes | None) -> Any:
        from fogbank.wire.grpc.types import DecodeError  # noqa: PLC0415 - loaded on first use

        if message is None:
            return None
        try:
            return self._methods().types.to_json(method.request.FromString(message))
        except (DecodeError, TypeError, ValueError, KeyError):
            return f"({len(message)} bytes)"


def _describe_other(request: Request, parameters: dict[str, Any]) -> Seen:
    """Say what a request is for that is no method of a service's."""
    match = _FUNCTION.fullmatch(request.raw_path)
    if match:
        region, project, name = match.groups()
        return Seen("functions", "Call", f"{project}/{region}", (name,), parameters)
    return _seen("", f"{request.method} {request.raw_path}", {"path": request.path.strip("/"), **parameters})


def _seen(service: str, operation: str, parameters: Any) -> Seen:
    resources = tuple(dict.fromkeys(_resources(parameters)))[:_RESOURCES_MAX]
    match = next(filter(None, map(_PROJECT.search, (*resources, *_texts(parameters)))), None)
    scope = "" if match is None else "/".join(filter(None, match.groups()))
    # `google.pubsub.v1.Publisher` is "pubsub" with the method "Publisher.Publish" to whoever names it.
    return Seen(short_name(service), operation, scope, resources, parameters)


def short_name(service: str) -> str:
    """Return the name that a service is known by: `pubsub` of google.pubsub.v1.Publisher."""
    parts = [part for part in service.split(".")[:-1] if part not in ("google", "cloud") and not _is_version(part)]
    return parts[0] if parts else service


def _is_version(part: str) -> bool:
    return bool(re.fullmatch(r"v[0-9]+[a-z0-9]*", part))


def _host(seen: Seen) -> str:
    return f"{seen.service}.googleapis.com"


def _resources(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield what has the form of a resource's name."""
    if isinstance(value, str):
        text = value.partition("://")[2].partition("/")[2] if "://" in value else value
        if _RESOURCE.fullmatch(text.lstrip("/")) and "\n" not in text:
            yield text.lstrip("/")
    elif depth < _DEPTH_MAX and isinstance(value, dict):
        for inner in value.values():
            yield from _resources(inner, depth + 1)
    elif depth < _DEPTH_MAX and isinstance(value, list):
        for inner in value[:_RESOURCES_MAX]:
            yield from _resources(inner, depth + 1)


def _texts(parameters: Any) -> Iterator[str]:
    if isinstance(parameters, dict):
        yield from (value for value in parameters.values() if isinstance(value, str))
