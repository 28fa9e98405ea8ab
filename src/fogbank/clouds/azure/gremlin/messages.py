"""Messages of Gremlin's protocol, in GraphSON 2 and 1.

"Gremlin Server, Communicating with Gremlin Server" in TinkerPop's provider documentation
(https://tinkerpop.apache.org/docs/3.4.13/dev/provider/#_graph_driver_provider_requirements): a request is a message
that may begin with its media type; a response is JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH_MAX: Final = 64
_MEDIA: Final = frozenset(
    {"application/json", "application/vnd.gremlin-v1.0+json", "application/vnd.gremlin-v2.0+json"}
)
_NUMBERS: Final = frozenset({"g:Int32", "g:Int64", "g:Float", "g:Double", "gx:BigInteger", "gx:BigDecimal"})
SUCCESS, NO_CONTENT, PARTIAL = 200, 204, 206
UNAUTHORIZED, AUTHENTICATE = 401, 407
MALFORMED, SERVER_ERROR, SCRIPT_ERROR = 498, 500, 597


class Message(NamedTuple):
    """A request: its id, what it asks (eval, authentication), its arguments."""

    id: str
    op: str
    processor: str
    args: dict[str, Any]


class MessageError(Exception):
    """A message is none that can be answered otherwise; `id` is its own, "" where that isn't known."""

    def __init__(self, message: str, identifier: str = "") -> None:
        super().__init__(message)
        self.id = identifier


def read_message(data: str | bytes) -> Message:
    """Return the request that a message is; raises `MessageError`."""
    if isinstance(data, bytes):
        media = data[1 : 1 + data[0]].decode("latin-1") if data else ""
        if media not in _MEDIA:
            raise MessageError(f"The media type {media!r} is not supported: it must be GraphSON 2.0, 1.0 or JSON.")
        data = data[1 + data[0] :]
    try:
        given = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageError("The message must be JSON.") from None
    if not isinstance(given, dict):
        raise MessageError("The message must be an object.")
    identifier = _plain(given.get("requestId"), 0)
    if not isinstance(identifier, str):
        raise MessageError("The message has no requestId.")
    try:
        args = _plain(given.get("args") or {}, 0)
    except ValueError as error:
        raise MessageError(str(error), identifier) from None
    op, processor = given.get("op"), given.get("processor") or ""
    if not isinstance(op, str) or not isinstance(processor, str) or not isinstance(args, dict):
        raise MessageError("The message has no op with arguments.", identifier)
    return Message(identifier, op, processor, args)


def _plain(value: Any, depth: int) -> Any:
    """Return a value without the types that GraphSON writes beside it."""
    if depth > DEPTH_MAX:
        raise ValueError("The arguments are nested too deeply.")
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("@type")
    if not isinstance(kind, str) or "@value" not in value:
        return {name: _plain(each, depth + 1) for name, each in value.items()}
    inner = value["@value"]
    if kind in _NUMBERS:
        if isinstance(inner, bool) or not isinstance(inner, int | float):
            raise ValueError(f"A value of the type {kind} must be a number.")
        return inner
    if kind in ("g:List", "g:Set"):
        return _plain(inner, depth + 1)
    if kind == "g:Map" and isinstance(inner, list) and len(inner) % 2 == 0:
        flat = [_plain(each, depth + 1) for each in inner]
        return {str(name): each for name, each in zip(flat[::2], flat[1::2], strict=True)}
    if kind in ("g:UUID", "g:T", "g:Date", "g:Timestamp"):
        return _plain(inner, depth + 1)
    raise ValueError(f"Fogbank does not support values of the type {kind} in arguments.")


def write_message(
    identifier: str, code: int, attributes: Mapping[str, Any], data: Any = None, message: str = ""
) -> str:  # fmt: skip
    """Return a response."""
    return msgspec.json.encode(
        {
            "requestId": identifier,
            "status": {"code": code, "message": message, "attributes": attributes},
            "result": {"data": data, "meta": {}},
        }
    ).decode()
