"""Health and reflection, as their clients ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

if TYPE_CHECKING:
    from tests.unit.wire.grpc.conftest import EchoServer


def health(channel: grpc.Channel, running: EchoServer, method: str, service: str, kind: str = "unary_unary") -> Any:
    request = running.types.message("grpc.health.v1.HealthCheckRequest")(service=service)
    answer = running.types.message("grpc.health.v1.HealthCheckResponse")
    call = getattr(channel, kind)(f"/grpc.health.v1.Health/{method}", response_deserializer=answer.FromString)
    return call(request.SerializeToString())


def test_health(channel: grpc.Channel, running: EchoServer) -> None:
    assert health(channel, running, "Check", "").status == 1
    assert health(channel, running, "Check", "test.Echo").status == 1
    with pytest.raises(grpc.RpcError) as raised:
        health(channel, running, "Check", "test.Nobody")
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    watched = health(channel, running, "Watch", "test.Nobody", "unary_stream")
    assert next(watched).status == 3
    watched.cancel()


def test_all_health_at_once(channel: grpc.Channel, running: EchoServer) -> None:
    answer = running.types.message("grpc.health.v1.HealthListResponse")
    listed = channel.unary_unary("/grpc.health.v1.Health/List", response_deserializer=answer.FromString)(b"")
    assert {name: each.status for name, each in listed.statuses.items()} == dict.fromkeys(
        ("", "grpc.health.v1.Health", "test.Echo"), 1
    )


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection(channel: grpc.Channel, running: EchoServer, version: str) -> None:
    ask = running.types.message(f"grpc.reflection.{version}.ServerReflectionRequest")
    answer = running.types.message(f"grpc.reflection.{version}.ServerReflectionResponse")
    extension = {"containing_type": "google.protobuf.MethodOptions", "extension_number": 72295728}
    requests = [
        ask(list_services="*"),
        ask(file_containing_symbol="test.Echo.Say"),
        ask(file_by_filename="test/echo.proto"),
        ask(file_containing_extension=extension),
        ask(all_extension_numbers_of_type="google.protobuf.MethodOptions"),
        ask(file_containing_symbol="test.Nobody"),
        ask(host="x"),
    ]
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ask.SerializeToString,
        response_deserializer=answer.FromString,
    )
    listed, by_symbol, by_name, by_extension, numbers, unknown, nothing = call(iter(requests))
    names = {service.name for service in listed.list_services_response.service}
    assert {"test.Echo", "grpc.health.v1.Health", f"grpc.reflection.{version}.ServerReflection"} <= names
    for told in (by_symbol, by_name):
        file = FileDescriptorProto.FromString(told.file_descriptor_response.file_descriptor_proto[0])
        assert [service.name for service in file.service] == ["Echo"]
    files = by_extension.file_descriptor_response.file_descriptor_proto
    assert {FileDescriptorProto.FromString(file).name for file in files} >= {
        "google/api/annotations.proto",
        "google/protobuf/descriptor.proto",
    }
    assert 72295728 in numbers.all_extension_numbers_response.extension_number
    assert (unknown.error_response.error_code, nothing.error_response.error_code) == (5, 3)
    assert unknown.original_request.file_containing_symbol == "test.Nobody"
