"""gRPC on the main port, as tools that know nothing of the services use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

V2 = "google.cloud.functions.v2.FunctionService"


@pytest.fixture
def channel(server: ThreadedServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.url.removeprefix("http://")) as opened:
        yield opened


def ask(channel: grpc.Channel, **what: Any) -> Any:
    """Ask the reflection service one thing."""
    types = protobuf_types()
    request = types.message("grpc.reflection.v1.ServerReflectionRequest")
    response = types.message("grpc.reflection.v1.ServerReflectionResponse")
    call = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    return next(call(iter([request(**what)])))


def test_every_service_is_listed_and_healthy(channel: grpc.Channel) -> None:
    listed = {service.name for service in ask(channel, list_services="").list_services_response.service}
    assert {V2, "google.cloud.functions.v1.CloudFunctionsService", "google.longrunning.Operations"} <= listed
    for name in (V2, ""):
        request = b"\x0a" + bytes([len(name)]) + name.encode() if name else b""
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(request) == b"\x08\x01"


def test_a_client_can_be_made_of_what_reflection_tells(channel: grpc.Channel, parent: str) -> None:
    told = ask(channel, file_containing_symbol=V2).file_descriptor_response.file_descriptor_proto
    files = {file.name: file for file in map(descriptor_pb2.FileDescriptorProto.FromString, told)}
    pool = descriptor_pool.DescriptorPool()

    def add(name: str) -> None:
        file = files.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            pool.Add(file)

    for name in list(files):
        add(name)
    method = pool.FindServiceByName(V2).methods_by_name["ListRuntimes"]
    request = message_factory.GetMessageClass(method.input_type)(parent=parent)
    answer = message_factory.GetMessageClass(method.output_type)
    found = channel.unary_unary(f"/{V2}/ListRuntimes", response_deserializer=answer.FromString)(
        request.SerializeToString()
    )
    assert "python311" in json_format.MessageToJson(found)


def test_rich_errors(channel: grpc.Channel) -> None:
    from grpc_status import rpc_status

    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary(f"/{V2}/GetFunction")(b"")
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = rpc_status.from_call(raised.value)
    assert status.details[0].type_url == "type.googleapis.com/google.rpc.BadRequest"


def test_what_is_not_there(channel: grpc.Channel) -> None:
    for path, words in (
        ("/google.spanner.v1.Spanner/Commit", "unknown service google.spanner.v1.Spanner"),
        (f"/{V2}/AbortFunctionUpgrade", "AbortFunctionUpgrade"),
        ("/google.iam.v1.IAMPolicy/GetIamPolicy", "google.iam.v1.IAMPolicy/GetIamPolicy"),
    ):
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(path)(b"")
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert words in str(raised.value.details())
