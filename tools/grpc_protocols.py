"""gRPC's own services as descriptors: health checking and server reflection, which no installed package carries."""

from __future__ import annotations

from typing import Final

from google.protobuf import descriptor_pb2

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {"string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES, "int32": _Field.TYPE_INT32}


def make_message(package: str, name: str, *fields: str, oneof: str = "") -> descriptor_pb2.DescriptorProto:
    """Make a message of fields like `repeated string name = 1`; those that begin with `|` are in the oneof."""
    message = descriptor_pb2.DescriptorProto(name=name)
    if oneof:
        message.oneof_decl.add(name=oneof)
    for text in fields:
        words = text.lstrip("|").split()
        repeated = words[0] == "repeated"
        kind, field_name, number = words[-4], words[-3], int(words[-1])
        field = message.field.add(name=field_name, number=number)
        field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
        if kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type = _Field.TYPE_ENUM if kind.endswith("Status") else _Field.TYPE_MESSAGE
            field.type_name = kind if kind.startswith(".") else f".{package}.{kind}"
        if text.startswith("|"):
            field.oneof_index = 0
    return message


def health_file() -> descriptor_pb2.FileDescriptorProto:
    """Return grpc/health/v1/health.proto (GRPC Health Checking Protocol)."""
    package = "grpc.health.v1"
    file = descriptor_pb2.FileDescriptorProto(name="grpc/health/v1/health.proto", package=package, syntax="proto3")
    response = make_message(package, "HealthCheckResponse", "HealthCheckResponse.ServingStatus status = 1")
    status = response.enum_type.add(name="ServingStatus")
    for number, name in enumerate(("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")):
        status.value.add(name=name, number=number)
    listed = make_message(package, "HealthListResponse", "repeated HealthListResponse.StatusesEntry statuses = 1")
    entry = make_message(package, "StatusesEntry", "string key = 1", "HealthCheckResponse value = 2")
    entry.options.map_entry = True
    listed.nested_type.append(entry)
    file.message_type.extend(
        [
            make_message(package, "HealthCheckRequest", "string service = 1"),
            response,
            make_message(package, "HealthListRequest"),
            listed,
        ]
    )
    service = file.service.add(name="Health")
    for name, request, answer in (
        ("Check", "HealthCheckRequest", "HealthCheckResponse"),
        ("List", "HealthListRequest", "HealthListResponse"),
        ("Watch", "HealthCheckRequest", "HealthCheckResponse"),
    ):
        service.method.add(
            name=name,
            input_type=f".{package}.{request}",
            output_type=f".{package}.{answer}",
            server_streaming=name == "Watch",
        )
    return file


def reflection_file(version: str) -> descriptor_pb2.FileDescriptorProto:
    """Return grpc/reflection/<version>/reflection.proto (GRPC Server Reflection Protocol)."""
    package = f"grpc.reflection.{version}"
    file = descriptor_pb2.FileDescriptorProto(
        name=f"grpc/reflection/{version}/reflection.proto", package=package, syntax="proto3"
    )
    file.message_type.extend(
        [
            make_message(
                package,
                "ServerReflectionRequest",
                "string host = 1",
                "|string file_by_filename = 3",
                "|string file_containing_symbol = 4",
                "|ExtensionRequest file_containing_extension = 5",
                "|string all_extension_numbers_of_type = 6",
                "|string list_services = 7",
                oneof="message_request",
            ),
            make_message(package, "ExtensionRequest", "string containing_type = 1", "int32 extension_number = 2"),
            make_message(
                package,
                "ServerReflectionResponse",
                "string valid_host = 1",
                "ServerReflectionRequest original_request = 2",
                "|FileDescriptorResponse file_descriptor_response = 4",
                "|ExtensionNumberResponse all_extension_numbers_response = 5",
                "|ListServiceResponse list_services_response = 6",
                "|ErrorResponse error_response = 7",
                oneof="message_response",
            ),
            make_message(package, "FileDescriptorResponse", "repeated bytes file_descriptor_proto = 1"),
            make_message(
                package, "ExtensionNumberResponse", "string base_type_name = 1", "repeated int32 extension_number = 2"
            ),
            make_message(package, "ListServiceResponse", "repeated ServiceResponse service = 1"),
            make_message(package, "ServiceResponse", "string name = 1"),
            make_message(package, "ErrorResponse", "int32 error_code = 1", "string error_message = 2"),
        ]
    )
    file.service.add(name="ServerReflection").method.add(
        name="ServerReflectionInfo",
        input_type=f".{package}.ServerReflectionRequest",
        output_type=f".{package}.ServerReflectionResponse",
        client_streaming=True,
        server_streaming=True,
    )
    return file
