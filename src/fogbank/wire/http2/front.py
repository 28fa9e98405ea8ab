"""The application of a server for HTTP/2: gRPC calls go to their own, others to the handler that answers HTTP/1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.wire.grpc.calls import GrpcApplication
    from fogbank.wire.http import Handler, Request, Response
    from fogbank.wire.http2.exchange import Exchange, Receiver


class Front:
    """Tells calls from other requests; `grpc` makes their application when there is a first one.

    `refuse` words answers to what a handler failed at: status and request.
    """

    def __init__(
        self, handler: Handler, grpc: Callable[[], GrpcApplication], refuse: Callable[[int, Request], Response]
    ) -> None:
        self._handler = handler
        self._refuse = refuse
        self._make_grpc = grpc
        self._grpc: GrpcApplication | None = None

    def begin(self, exchange: Exchange) -> Receiver:
        """Take a request."""
        if exchange.head.values.get(b"content-type", b"").startswith(b"application/grpc"):
            if self._grpc is None:
                self._grpc = self._make_grpc()
            return self._grpc.begin(exchange)
        from fogbank.wire.http2.requests import Conversation  # noqa: PLC0415 - loaded on first use

        return Conversation(self._handler, self._refuse, exchange)

    def end_streams(self) -> None:
        """End what would go on for as long as clients like."""
        if self._grpc is not None:
            self._grpc.end_streams()
