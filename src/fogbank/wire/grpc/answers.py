"""What goes back to the caller of a method: fields, messages, a status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.wire.grpc.framing import ENCODINGS, frame
from fogbank.wire.grpc.metadata import to_base64, write_metadata
from fogbank.wire.grpc.status import percent_encode
from fogbank.wire.http2.fields import encode_fields, encode_status

if TYPE_CHECKING:
    from fogbank.wire.grpc.service import Call
    from fogbank.wire.grpc.status import GrpcError
    from fogbank.wire.grpc.types import Types
    from fogbank.wire.http2.exchange import Exchange

_HEAD: Final = encode_status(200) + encode_fields(
    [(b"content-type", b"application/grpc"), (b"grpc-accept-encoding", ",".join(ENCODINGS).encode())]
)
_OK: Final = encode_fields([(b"grpc-status", b"0")])


class Answers:
    """The answers to one call; without `call` it can only fail."""

    __slots__ = ("_call", "_encoding", "_exchange", "_started", "_types", "over")

    def __init__(self, exchange: Exchange, types: Types, call: Call | None = None, encoding: str = "identity") -> None:
        self.over = False
        self._exchange = exchange
        self._types = types
        self._call = call
        self._encoding = encoding
        self._started = False

    def send(self, message: Any) -> None:
        """Send an answer of several."""
        if not self._started:
            self._started = True
            self._exchange.start(self._head())
        self._exchange.send(frame(message.SerializeToString(), self._encoding))

    async def drain(self) -> None:
        """Return when there is room for more."""
        await self._exchange.drain()

    def send_only(self, message: Any) -> None:
        """Send the one answer, and end with OK."""
        self.over = True
        self._exchange.answer(self._head(), frame(message.SerializeToString(), self._encoding), self._trailers(_OK))

    def end(self) -> None:
        """End with OK."""
        self._finish(_OK)

    def fail(self, error: GrpcError) -> None:
        """End with an error, in the head if nothing was sent yet (Trailers-Only)."""
        if self.over:
            return
        status = [(b"grpc-status", b"%d" % error.code), (b"grpc-message", percent_encode(error.message))]
        if error.details:
            rich = self._types.message("google.rpc.Status")(code=error.code, message=error.message)
            rich.details.extend(self._types.pack(detail) for detail in error.details)
            status.append((b"grpc-status-details-bin", to_base64(rich.SerializeToString())))
        self._finish(encode_fields(status))

    def _finish(self, status: bytes) -> None:
        self.over = True
        if self._started:
            self._exchange.finish(self._trailers(status))
        else:
            self._exchange.answer_with_head(self._trailers(self._head() + status))

    def _head(self) -> bytes:
        call = self._call
        head = _HEAD
        if self._encoding != "identity":
            head += encode_fields([(b"grpc-encoding", self._encoding.encode())])
        return head + encode_fields(write_metadata(call.initial)) if call is not None and call.initial else head

    def _trailers(self, status: bytes) -> bytes:
        call = self._call
        return status + encode_fields(write_metadata(call.trailing)) if call is not None and call.trailing else status


def refuse_http(exchange: Exchange, status: int) -> None:
    """Answer what is no call."""
    allow = [(b"allow", b"POST")] if status == 405 else []
    exchange.answer_with_head(encode_status(status) + encode_fields([*allow, (b"content-length", b"0")]))
