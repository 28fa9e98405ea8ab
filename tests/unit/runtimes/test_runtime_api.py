"""The Runtime API, spoken by hand: turns, errors, sizes."""

from __future__ import annotations

import asyncio
import http.client
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.kernel.clock import Clock
from fogbank.runtimes.lambda_runtime_api.endpoint import RESPONSE_BYTES_MAX, RuntimeEndpoint
from fogbank.runtimes.model import Invocation
from fogbank.runtimes.streams.reply import ReplyStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEXT = "/2018-06-01/runtime/invocation/next"


@pytest.fixture
async def endpoint() -> AsyncIterator[RuntimeEndpoint]:
    opened = await RuntimeEndpoint.opened(Clock(), lambda *_: True)
    yield opened
    await opened.close()


async def ask(
    endpoint: RuntimeEndpoint, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Send a request from a thread of its own, as the runtime would."""

    def send() -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(send)


def kind(reply: tuple[int, dict[str, str], bytes]) -> tuple[int, Any]:
    return reply[0], json.loads(reply[2]).get("errorType")


async def test_an_invocation_goes_out_and_its_response_comes_back(endpoint: RuntimeEndpoint) -> None:
    asking = asyncio.create_task(ask(endpoint, "GET", NEXT))
    assert await endpoint.initialised is None
    delivery = endpoint.give(Invocation("id-1", b'{"a": 1}', {}), {}, 0)
    status, headers, body = await asking
    assert (status, headers["lambda-runtime-aws-request-id"], body) == (200, "id-1", b'{"a": 1}')
    posted = await ask(endpoint, "POST", "/2018-06-01/runtime/invocation/id-1/response", b"done")
    assert (posted[0], posted[2]) == (202, b'{"status":"OK"}\n')
    assert (await delivery).payload == b"done"


async def test_an_invocation_given_before_the_runtime_asks_waits_for_it(endpoint: RuntimeEndpoint) -> None:
    endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    assert (await ask(endpoint, "GET", NEXT))[2] == b"1"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
        ("Function.Broken", "Function.Broken"),
        ("", "Runtime.Unknown"),
        ("nonsense", "Runtime.Unknown"),
    ],
)
async def test_reported_errors_keep_types_of_the_documented_form(
    endpoint: RuntimeEndpoint, sent: str, taken: str
) -> None:
    delivery = endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    await ask(endpoint, "GET", NEXT)
    path = "/2018-06-01/runtime/invocation/id-1/error"
    await ask(endpoint, "POST", path, b'{"errorMessage": "x"}', Lambda_Runtime_Function_Error_Type=sent)
    delivered = await delivery
    assert (delivered.payload, delivered.error_type) == (b'{"errorMessage": "x"}', taken)


async def test_an_error_of_initialisation_is_taken_once_and_only_before_the_first_invocation(
    endpoint: RuntimeEndpoint,
) -> None:
    path = "/2018-06-01/runtime/init/error"
    assert (await ask(endpoint, "POST", path, b"{}", Lambda_Runtime_Function_Error_Type="Runtime.Bad"))[0] == 202
    reported = await endpoint.initialised
    assert reported is not None
    assert reported.error_type == "Runtime.Bad"
    assert kind(await ask(endpoint, "POST", path, b"{}")) == (403, "InvalidStateTransition")


async def test_calls_out_of_turn_are_refused(endpoint: RuntimeEndpoint) -> None:
    response = "/2018-06-01/runtime/invocation/id-1/response"
    assert kind(await ask(endpoint, "POST", response, b"{}")) == (400, "InvalidRequestID")
    delivery = endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    await ask(endpoint, "GET", NEXT)
    assert kind(await ask(endpoint, "GET", NEXT)) == (403, "InvalidStateTransition")
    other = response.replace("id-1", "id-2")
    assert kind(await ask(endpoint, "POST", other, b"{}")) == (400, "InvalidRequestID")
    await ask(endpoint, "POST", response, b"{}")
    assert kind(await ask(endpoint, "POST", response, b"again")) == (400, "InvalidRequestID")
    assert (await delivery).payload == b"{}"


async def test_a_response_that_is_too_large_is_told_to_both_sides(endpoint: RuntimeEndpoint) -> None:
    delivery = endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    await ask(endpoint, "GET", NEXT)
    body = b"x" * (RESPONSE_BYTES_MAX + 1)
    reply = await ask(endpoint, "POST", "/2018-06-01/runtime/invocation/id-1/response", body)
    assert kind(reply) == (413, "RequestEntityTooLarge")
    delivered = await delivery
    assert (delivered.error_type, delivered.too_large) == (None, len(body))


async def raw(endpoint: RuntimeEndpoint, *sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin to post a streamed response of the invocation `id-1`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
    writer.write(
        b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: text/x-own\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
        b"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n" + b"".join(sent)
    )
    return reader, writer


async def test_a_streamed_response_is_passed_on_as_it_comes(endpoint: RuntimeEndpoint) -> None:
    reply = ReplyStream()
    delivery = endpoint.give(Invocation("id-1", b"1", {}, reply), {}, 0)
    await ask(endpoint, "GET", NEXT)
    reader, writer = await raw(endpoint, b"5\r\nfirst\r\n")
    assert await anext(reply) == b"first"
    assert (reply.head, delivery.done()) == ({"content_type": "text/x-own"}, False)
    writer.write(b"4\r\nlast\r\n0\r\n\r\n")
    assert (await delivery).payload == b"firstlast", "its beginning is kept"
    assert (await reader.readline()).split()[1] == b"202"
    assert await anext(reply) == b"last"
    writer.close()


async def test_trailers_tell_of_an_error_half_way(endpoint: RuntimeEndpoint) -> None:
    error = b'{"errorMessage":"x","errorType":"Function.Half"}'
    delivery = endpoint.give(Invocation("id-1", b"1", {}, ReplyStream()), {}, 0)
    await ask(endpoint, "GET", NEXT)
    trailers = b"Lambda-Runtime-Function-Error-Type: Function.Half\r\nLambda-Runtime-Function-Error-Body: "
    _, writer = await raw(endpoint, b"1\r\nx\r\n0\r\n", trailers + b64encode(error) + b"\r\n\r\n")
    delivered = await delivery
    assert (delivered.error_type, delivered.payload) == ("Function.Half", error)
    writer.close()


async def test_a_streamed_response_that_breaks_off_is_an_error(endpoint: RuntimeEndpoint) -> None:
    reply = ReplyStream()
    delivery = endpoint.give(Invocation("id-1", b"1", {}, reply), {}, 0)
    await ask(endpoint, "GET", NEXT)
    _, writer = await raw(endpoint, b"5\r\nfirst\r\n")
    assert await anext(reply) == b"first"
    writer.transport.abort()
    assert (await delivery).error_type == "Runtime.TruncatedResponse"


async def test_a_streamed_response_is_collected_where_nobody_reads_it(endpoint: RuntimeEndpoint) -> None:
    delivery = endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    await ask(endpoint, "GET", NEXT)
    _, writer = await raw(endpoint, b"5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n")
    delivered = await delivery
    assert (delivered.payload, delivered.head) == (b"firstlast", {"content_type": "text/x-own"})
    writer.close()


async def test_another_response_mode_is_refused(endpoint: RuntimeEndpoint) -> None:
    endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
    await ask(endpoint, "GET", NEXT)
    path = "/2018-06-01/runtime/invocation/id-1/response"
    reply = await ask(endpoint, "POST", path, b"x", Lambda_Runtime_Function_Response_Mode="bursting")
    assert kind(reply) == (400, "InvalidFunctionResponseMode")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", NEXT), ("GET", "/2018-06-01/runtime/init/error"), ("PUT", "/2018-06-01/runtime/x/y/z")],
)
async def test_other_paths_are_not_found(endpoint: RuntimeEndpoint, method: str, path: str) -> None:
    assert kind(await ask(endpoint, method, path)) == (404, "NotFound")


async def test_others_than_the_instance_are_refused_and_change_nothing() -> None:
    asked: list[tuple[str, int]] = []

    def is_own(address: str, port: int, _here: int) -> bool:
        asked.append((address, port))
        return len(asked) > 2

    endpoint = await RuntimeEndpoint.opened(Clock(), is_own)
    try:
        delivery = endpoint.give(Invocation("id-1", b"1", {}), {}, 0)
        assert kind(await ask(endpoint, "GET", NEXT)) == (403, "Forbidden")
        response = "/2018-06-01/runtime/invocation/id-1/response"
        assert kind(await ask(endpoint, "POST", response, b"stolen")) == (403, "Forbidden")
        assert not endpoint.initialised.done()
        assert not delivery.done()
        assert (await ask(endpoint, "GET", NEXT))[2] == b"1"
        assert {address for address, _ in asked} == {"127.0.0.1"}
    finally:
        await endpoint.close()
