"""The same methods under grpc.aio: what stands in for h2corn's place if it has to be taken."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import pytest

from fogbank.wire.grpc.calls import word
from fogbank.wire.grpc.service import Call, Method, Methods
from fogbank.wire.grpc.status import GrpcError
from tests.unit.wire.grpc.conftest import Echo, echo_types

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Adapter(grpc.GenericRpcHandler):
    """Lets grpc.aio find our methods."""

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    def service(self, details: Any) -> Any:
        try:
            method = self._methods.find(details.method)
        except GrpcError:
            return None
        kind = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        behaviour = self._stream if method.server_streaming else self._one
        return kind(
            partial(behaviour, method),
            request_deserializer=method.request.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    async def _one(self, method: Method, request: Any, context: Any) -> Any:
        call = Call("http://localhost", [(each[0], each[1]) for each in context.invocation_metadata()])
        try:
            answer = await method.run(method.service.deps, call, request)
        except Exception as error:
            told = word(method, error)
            await context.abort(list(grpc.StatusCode)[told.code], told.message)
        context.set_trailing_metadata(call.trailing)
        return answer

    async def _stream(self, method: Method, request: Any, context: Any) -> AsyncIterator[Any]:
        call = Call("http://localhost", [(each[0], each[1]) for each in context.invocation_metadata()])
        async for answer in method.run(method.service.deps, call, request):
            yield answer


def test_the_methods_run_under_another_server() -> None:
    # Not on uvloop, which grpc.aio can't do with.
    asyncio.run(call_everything())


async def call_everything() -> None:
    types = echo_types()
    echo = Echo(types)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([Adapter(Methods(types, [echo.service()]))])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

            def stub(name: str, kind: str) -> Any:
                return getattr(channel, kind)(
                    f"/test.Echo/{name}",
                    request_serializer=echo.text.SerializeToString,
                    response_deserializer=echo.text.FromString,
                )

            assert (await stub("Say", "unary_unary")(echo.text(text="a"))).text == "a"
            told = [each.count async for each in stub("Repeat", "unary_stream")(echo.text(count=3))]
            assert told == [0, 1, 2]
            talk = stub("Chat", "stream_stream")(iter([echo.text(text="a"), echo.text(text="b")]))
            assert [each.text async for each in talk] == ["A", "B"]
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub("Fail", "unary_unary")(echo.text(text="why"))
            assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "why")
    finally:
        await server.stop(0)
