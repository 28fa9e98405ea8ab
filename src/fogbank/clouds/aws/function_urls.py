"""Where requests to Lambda's function URLs come in: told by their host names, whatever their paths and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fogbank.clouds.aws.lambda_.urls.gateway import FunctionUrls
    from fogbank.clouds.aws.parts import Parts
    from fogbank.wire.http import Request, Response

_LABEL: Final = b".lambda-url."


class FunctionUrlGateway:
    """The front door of function URLs, which is put together when somebody first comes to it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._urls: FunctionUrls | None = None

    def claims(self, request: Request) -> bool:
        """Tell by the host name whether a request is for a function URL."""
        return _LABEL in request.headers.get(b"host", b"")

    def handle(self, request: Request) -> Coroutine[object, object, Response]:
        """Answer a request as the function says."""
        if self._urls is None:
            from fogbank.clouds.aws.lambda_.urls.gateway import FunctionUrls  # noqa: PLC0415 - loaded on first use

            parts = self._parts
            self._urls = FunctionUrls(parts.store, parts.clock, parts.ids, parts.invoker, parts.sessions)
        return self._urls.handle(request)
