"""A service of all four kinds of calls under a real server, and real clients' channels to it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import uvloop
from google.protobuf import descriptor_pb2

from fogbank.kernel.clock import Clock
from fogbank.wire.grpc.calls import GrpcApplication
from fogbank.wire.grpc.health import health_service
from fogbank.wire.grpc.reflection import reflection_services
from fogbank.wire.grpc.service import Call, Methods, Service
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.grpc.types import Types
from fogbank.wire.http import Request, Response
from fogbank.wire.http2.front import Front
from fogbank.wire.http2.server import PREFACE, Http2Server
from fogbank.wire.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BYTES_MAX = 1_048_576


def echo_types() -> Types:
    """Return types with `test.Echo`, whose methods take and give `test.Text`."""
    types = Types()
    types.load("fogbank.wire.grpc", "protocols")
    file = descriptor_pb2.FileDescriptorProto(name="test/echo.proto", package="test", syntax="proto3")
    text = file.message_type.add(name="Text")
    kind = descriptor_pb2.FieldDescriptorProto
    text.field.add(name="text", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    text.field.add(name="count", number=2, type=kind.TYPE_INT32, label=kind.LABEL_OPTIONAL)
    service = file.service.add(name="Echo")
    for name, sends, answers in (
        ("Say", False, False),
        ("Repeat", False, True),
        ("Join", True, False),
        ("Chat", True, True),
        ("Fail", False, False),
        ("FailLate", False, True),
        ("Break", False, False),
        ("Wait", False, False),
        ("Endless", False, True),
        ("Missing", False, False),
    ):
        service.method.add(
            name=name,
            input_type=".test.Text",
            output_type=".test.Text",
            client_streaming=sends,
            server_streaming=answers,
        )
    types.pool.Add(file)
    return types


class Echo:
    """What the service does, and what it saw."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self.text = types.message("test.Text")
        self.cancelled = threading.Event()
        self.waiting = threading.Event()
        self.metadata: list[tuple[str, str | bytes]] = []

    def service(self) -> Service:
        functions = {
            name: getattr(type(self), name.lower())
            for name in ("Say", "Repeat", "Join", "Chat", "Fail", "FailLate", "Break", "Wait", "Endless")
        }
        return Service("test.Echo", self, functions)

    async def say(self, call: Call, request: Any) -> Any:
        self.metadata = call.metadata
        call.initial.append(("x-origin", call.origin))
        call.trailing.append(("x-seen-bin", bytes(range(256))))
        return self.text(text=request.text)

    async def repeat(self, _call: Call, request: Any) -> AsyncIterator[Any]:
        for number in range(request.count):
            yield self.text(text=request.text, count=number)

    async def join(self, _call: Call, requests: AsyncIterator[Any]) -> Any:
        return self.text(text="".join([request.text async for request in requests]))

    async def chat(self, _call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            yield self.text(text=request.text.upper())

    async def fail(self, _call: Call, request: Any) -> Any:
        detail = self.types.message("google.rpc.ErrorInfo")(reason="WHY", domain="test")
        raise GrpcError(Code.FAILED_PRECONDITION, request.text, (detail,))

    async def faillate(self, _call: Call, request: Any) -> AsyncIterator[Any]:
        yield self.text(text=request.text)
        raise GrpcError(Code.ABORTED, "too late")

    async def endless(self, _call: Call, _request: Any) -> AsyncIterator[Any]:
        yield self.text(text="begun")
        await asyncio.get_running_loop().create_future()

    async def wait(self, _call: Call, _request: Any) -> Any:
        self.waiting.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def break_(self, _call: Call, _request: Any) -> Any:
        raise RuntimeError("nobody foresaw this")


setattr(Echo, "break", Echo.break_)


class EchoServer:
    """The service on a port, in a thread of its own, beside a handler of plain HTTP."""

    def __init__(self) -> None:
        self.types = echo_types()
        self.echo = Echo(self.types)
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        services = [self.echo.service(), health_service(self.types, ["test.Echo"])]
        services += reflection_services(self.types, ["test.Echo", "grpc.health.v1.Health"])
        application = GrpcApplication(Methods(self.types, services), BYTES_MAX)
        clock = Clock()
        front = Front(handle, lambda: application, lambda status, _: Response(status, []))
        http2 = Http2Server(front, clock)
        server = HttpServer(handle, clock, others=[(PREFACE, http2.take)])
        self.port = await server.listen("127.0.0.1", 0)
        self._ready.set()
        await self._stop.wait()
        await server.close(0)
        await http2.close(1)


async def handle(request: Request) -> Response:
    body = await request.read()
    headers = [(b"X-Path", request.raw_path.encode()), (b"X-Host", request.header(b"host").encode())]
    return Response(200, headers, b"%b %d " % (request.method.encode(), len(body)) + body[:100])


@pytest.fixture(scope="module")
def running() -> Iterator[EchoServer]:
    server = EchoServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def channel(running: EchoServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as opened:
        yield opened
