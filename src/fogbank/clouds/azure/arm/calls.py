"""Requests of Azure Resource Manager: whose resource, which, and what is asked of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

import msgspec

from fogbank.clouds.azure.errors import AzureError
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.wire.http import Request

BODY_BYTES_MAX: Final = 4_194_304
_SUBSCRIPTION: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_GROUP: Final = re.compile(r"[\w().-]{1,89}[\w()-]|[\w()-]")
_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-\w+)*", re.ASCII)


class ArmCall(NamedTuple):
    """A request: `path` are the segments below the provider, `group` is empty for all of a subscription.

    `provider` is in small letters; `host` is how the client addressed the server, with the port. `extends` is provider,
    type and name of the resource that the path is below of, if it is another provider's. What belongs to nobody has no
    `subscription`.
    """

    method: str
    subscription: str
    group: str
    provider: str
    path: tuple[str, ...]
    query: dict[str, str]
    body: Any
    host: str
    scheme: str
    extends: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        """The id of the resource that the path's first two segments name."""
        kind, name = self.path[0], self.path[1]
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.Web/{kind}/{name}"


async def read_call(request: Request) -> ArmCall:
    """Return what a request asks for, or raise the `AzureError` that it is refused with."""
    query = {name.lower(): values[-1] for name, values in parse_qs(request.raw_query, keep_blank_values=True).items()}
    version = query.get("api-version")
    if version is None:
        raise AzureError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not _VERSION.fullmatch(version):
        message = f"The api-version '{version}' is invalid. The format must be yyyy-MM-dd, with or without a suffix."
        raise AzureError(400, "InvalidApiVersionParameter", message)
    segments = [unquote(segment) for segment in request.raw_path.strip("/").split("/")]
    lowered = [segment.lower() for segment in segments]
    if lowered[0] == "providers" and len(segments) > 2:
        return await _call(request, ("", ""), segments, query)
    subscription = segments[1] if len(segments) > 1 else ""
    if not _SUBSCRIPTION.fullmatch(subscription):
        message = f"The provided subscription identifier '{subscription}' is malformed or invalid."
        raise AzureError(400, "InvalidSubscriptionId", message)
    group, rest = "", segments[2:]
    if lowered[2:3] == ["resourcegroups"] and len(segments) > 3:
        group, rest = segments[3], segments[4:]
        if not _GROUP.fullmatch(group):
            message = f"The provided resource group name '{group}' has these invalid characters or is too long."
            raise AzureError(400, "InvalidResourceGroup", message)
    if len(rest) < 3 or rest[0].lower() != "providers":
        what = f"{request.method} {request.path}"
        raise AzureError(400, "BadRequest", f"Fogbank does not support the operation {what}.")
    return await _call(request, (subscription, group), rest, query)


async def _call(request: Request, place: tuple[str, str], rest: list[str], query: dict[str, str]) -> ArmCall:
    body = await _read_body(request)
    host = request.header(b"host", "localhost")
    path = tuple(rest[2:])
    return ArmCall(request.method, *place, rest[1].lower(), path, query, body, host, request.scheme)


async def _read_body(request: Request) -> Any:
    try:
        data = await request.read(BODY_BYTES_MAX)
    except BodyTooLargeError as error:
        raise AzureError(413, "RequestContentTooLarge", str(error)) from None
    if not data:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise AzureError(400, "InvalidRequestContent", message) from None
