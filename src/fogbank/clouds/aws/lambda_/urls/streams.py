"""What a function streams as the response of its URL, while it still works.

AWS Lambda Developer Guide, "Response streaming for Lambda functions" and "Using the Lambda runtime API for custom
runtimes": content of the type of HTTP integrations begins with status, headers and cookies in JSON, eight NUL bytes
follow, then the body; any other content is the body. What a function doesn't stream is sent as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.lambda_.urls.responses import UnusableResponseError, head_of
from fogbank.runtimes.model import Ended
from fogbank.wire.http import ReplyBrokenError, Response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from fogbank.runtimes.streams.streamed import Streamed

INTEGRATION: Final = "application/vnd.awslambda.http-integration-response"
DELIMITER: Final = bytes(8)
PRELUDE_BYTES_MAX: Final = 1_048_576
_BYTES: Final = b"application/octet-stream"


async def streamed_response(streamed: Streamed) -> Response:
    """Return the response, once its head is known; raises `UnusableResponseError`, `BusyError`."""
    head = await streamed.begun()
    try:
        if head is None:
            outcome = await streamed.outcome()
            if outcome.ended is not Ended.OK:
                raise UnusableResponseError
            head = outcome.head
        body = _body(streamed)
        if _content_type(head).lower().startswith(INTEGRATION):
            return await _read_head(streamed, body)
        kind = _content_type(head).encode("latin-1", "replace") or _BYTES
        return Response(200, [(b"Content-Type", kind)], _Body(streamed, body))
    except BaseException:
        streamed.leave()
        raise


def _content_type(head: Mapping[str, Any]) -> str:
    value = str(head.get("content_type") or "")
    return value if value.isprintable() else ""


async def _read_head(streamed: Streamed, body: AsyncGenerator[bytes]) -> Response:
    """Take the prelude from a body, and return the response that it describes."""
    begun = b""
    while (end := begun.find(DELIMITER)) < 0:
        part = await anext(body, b"")
        if not part or len(begun) > PRELUDE_BYTES_MAX:
            raise UnusableResponseError
        begun += part
    try:
        value = msgspec.json.decode(begun[:end])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnusableResponseError from None
    if not isinstance(value, dict):
        raise UnusableResponseError
    return Response(*head_of(value, _BYTES), _Body(streamed, body, begun[end + len(DELIMITER) :]))


async def _body(streamed: Streamed) -> AsyncGenerator[bytes]:
    """Yield the parts; raises `ReplyBrokenError` if the function fails in the middle."""
    async for part in streamed.parts():
        yield part
    outcome = await streamed.outcome()
    if outcome.ended is not Ended.OK:
        raise ReplyBrokenError


class _Body:
    """The body of a response; the function goes on if nobody takes it to its end."""

    def __init__(self, streamed: Streamed, parts: AsyncGenerator[bytes], begun: bytes = b"") -> None:
        self._streamed = streamed
        self._parts = parts
        self._begun = begun

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        begun, self._begun = self._begun, b""
        return begun or await anext(self._parts)

    async def aclose(self) -> None:
        """Let the function go on without us."""
        self._streamed.leave()
        await self._parts.aclose()
