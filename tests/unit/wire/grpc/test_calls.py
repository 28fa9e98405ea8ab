"""Calls by grpcio's own client."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_status import rpc_status

if TYPE_CHECKING:
    from tests.unit.wire.grpc.conftest import EchoServer

PATH = "/test.Echo/"


def stub(channel: grpc.Channel, running: EchoServer, name: str, kind: str = "unary_unary") -> Any:
    text = running.echo.text
    return getattr(channel, kind)(
        PATH + name, request_serializer=text.SerializeToString, response_deserializer=text.FromString
    )


def test_unary(channel: grpc.Channel, running: EchoServer) -> None:
    assert stub(channel, running, "Say")(running.echo.text(text="hello")).text == "hello"


def test_the_other_three_kinds(channel: grpc.Channel, running: EchoServer) -> None:
    text = running.echo.text
    told = list(stub(channel, running, "Repeat", "unary_stream")(text(text="a", count=500)))
    assert [each.count for each in told] == list(range(500))
    assert stub(channel, running, "Join", "stream_unary")(text(text=str(n)) for n in range(300)).text == "".join(
        map(str, range(300))
    )
    talk = stub(channel, running, "Chat", "stream_stream")(iter([text(text="a"), text(text="b")]))
    assert [each.text for each in talk] == ["A", "B"]


def test_a_stream_is_answered_while_it_goes_on(channel: grpc.Channel, running: EchoServer) -> None:
    go_on = threading.Semaphore(1)

    def ask() -> Any:
        for number in range(5):
            go_on.acquire()
            yield running.echo.text(text=f"x{number}")

    seen = []
    for answer in stub(channel, running, "Chat", "stream_stream")(ask()):
        seen.append(answer.text)
        go_on.release()
    assert seen == [f"X{number}" for number in range(5)]


def test_metadata_both_ways(channel: grpc.Channel, running: EchoServer) -> None:
    sent = (("x-name", "value"), ("x-name", "again"), ("x-data-bin", b"\x00\xff\x10"))
    answer, call = stub(channel, running, "Say").with_call(running.echo.text(text="m"), metadata=sent)
    assert answer.text == "m"
    assert [each for each in running.echo.metadata if each[0].startswith("x-")] == [tuple(each) for each in sent]
    assert ("x-origin", f"http://127.0.0.1:{running.port}") in [tuple(each) for each in call.initial_metadata()]
    assert ("x-seen-bin", bytes(range(256))) in [tuple(each) for each in call.trailing_metadata()]


def test_errors_with_rich_status_and_any_text(channel: grpc.Channel, running: EchoServer) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stub(channel, running, "Fail")(running.echo.text(text="100 % grün\n"))
    assert raised.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert raised.value.details() == "100 % grün\n"
    status = rpc_status.from_call(raised.value)
    assert status.code == 9
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.ErrorInfo"
    assert b"WHY" in status.details[0].value


def test_an_error_after_answers(channel: grpc.Channel, running: EchoServer) -> None:
    answers = stub(channel, running, "FailLate", "unary_stream")(running.echo.text(text="first"))
    assert next(answers).text == "first"
    with pytest.raises(grpc.RpcError) as raised:
        next(answers)
    assert raised.value.code() is grpc.StatusCode.ABORTED


def test_what_nobody_foresaw_is_an_internal_error(
    channel: grpc.Channel, running: EchoServer, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stub(channel, running, "Break")(running.echo.text())
    assert (raised.value.code(), raised.value.details()) == (
        grpc.StatusCode.INTERNAL,
        "Internal error encountered.",
    )
    assert "nobody foresaw this" in caplog.text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/test.Echo/Nothing", "unknown method Nothing for service test.Echo"),
        ("/test.Echo/Missing", "Fogbank doesn't support test.Echo/Missing."),
        ("/test.Nobody/Say", "unknown service test.Nobody"),
    ],
)
def test_what_is_not_there_is_refused_by_name(channel: grpc.Channel, path: str, message: str) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(path)(b"")
    assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.UNIMPLEMENTED, message)


def test_a_deadline_ends_the_call(channel: grpc.Channel, running: EchoServer) -> None:
    running.echo.cancelled.clear()
    with pytest.raises(grpc.RpcError) as raised:
        stub(channel, running, "Wait")(running.echo.text(), timeout=0.2)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert running.echo.cancelled.wait(5)


def test_a_cancelled_call_is_cancelled_here(channel: grpc.Channel, running: EchoServer) -> None:
    running.echo.cancelled.clear()
    running.echo.waiting.clear()
    future = stub(channel, running, "Wait").future(running.echo.text())
    assert running.echo.waiting.wait(5)
    future.cancel()
    assert running.echo.cancelled.wait(5)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_both_ways(running: EchoServer, compression: grpc.Compression) -> None:
    long = "fog" * 100_000
    with grpc.insecure_channel(f"127.0.0.1:{running.port}", compression=compression) as channel:
        assert stub(channel, running, "Say")(running.echo.text(text=long)).text == long


def test_a_message_beyond_the_limit(running: EchoServer) -> None:
    long = running.echo.text(text="x" * 1_100_000)
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        with grpc.insecure_channel(f"127.0.0.1:{running.port}", compression=compression) as channel:
            with pytest.raises(grpc.RpcError) as raised:
                stub(channel, running, "Say")(long)
            assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert "Request payload size exceeds the limit" in str(raised.value.details())


def test_a_message_that_cannot_be_parsed(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(PATH + "Say")(b"\x0a\xff\xff")
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert raised.value.details() == "The request is not a test.Text."


def test_many_calls_at_once(channel: grpc.Channel, running: EchoServer) -> None:
    say = stub(channel, running, "Say")
    calls = [say.future(running.echo.text(text=str(number))) for number in range(200)]
    assert [call.result(timeout=20).text for call in calls] == [str(number) for number in range(200)]
