#!/usr/bin/env python3
"""Derive the descriptor sets that the server reads from the Google packages that are installed for tests.

A set is a serialized `FileDescriptorSet`, deflated. What the packages' protobuf files lack is added from their
transports: services' methods, and the HTTP rules by which REST reaches them. What is written is never edited by hand;
run this again for a newer package.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from google.api import annotations_pb2, http_pb2
from google.cloud.audit import audit_log_pb2
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2
from google.protobuf import descriptor_pb2, empty_pb2, field_mask_pb2, timestamp_pb2
from google.rpc import error_details_pb2, status_pb2

from tools.firebase_rules import rules_file
from tools.grpc_protocols import health_file, reflection_file
from tools.logging_rules import logging_rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from google.protobuf.descriptor import FileDescriptor

    Files: TypeAlias = dict[str, descriptor_pb2.FileDescriptorProto]

SOURCE: Final = Path(__file__).resolve().parent.parent / "src" / "fogbank"
PROTOCOLS: Final = SOURCE / "wire" / "grpc" / "protocols.binpb.zlib"
GCP: Final = SOURCE / "clouds" / "gcp"
_METHOD: Final = re.compile(
    r'\.(unary|stream)_(unary|stream)\(\s*"/([\w.]+)/(\w+)",\s*request_serializer=([\w.]+)\.\w+,'
    r"\s*response_deserializer=([\w.]+)\.\w+,"
)
# What every service's clients call by rules of their service's own version.
MIXINS: Final = {
    "GetLocation": "google.cloud.location.Locations",
    "ListLocations": "google.cloud.location.Locations",
    "GetOperation": "google.longrunning.Operations",
    "ListOperations": "google.longrunning.Operations",
    "DeleteOperation": "google.longrunning.Operations",
    "CancelOperation": "google.longrunning.Operations",
    "WaitOperation": "google.longrunning.Operations",
    "GetIamPolicy": "google.iam.v1.IAMPolicy",
    "SetIamPolicy": "google.iam.v1.IAMPolicy",
    "TestIamPermissions": "google.iam.v1.IAMPolicy",
}


class Client(NamedTuple):
    """A published client: the modules of its transports, its types and the name of the service.

    `rules` returns the HTTP rules of one that has no transport for REST.
    """

    package: str
    transports: str
    types: tuple[str, ...]
    service: str
    rules: Callable[[], dict[str, list[http_pb2.HttpRule]]] | None = None


FUNCTIONS_CLIENTS: Final = (
    Client(
        "google.cloud.functions_v2",
        "services.function_service.transports",
        ("types.functions",),
        "google.cloud.functions.v2.FunctionService",
    ),
    Client(
        "google.cloud.functions_v1",
        "services.cloud_functions_service.transports",
        ("types.functions", "types.operations"),
        "google.cloud.functions.v1.CloudFunctionsService",
    ),
)


_PUBSUB: Final = ("types.pubsub", "types.schema")
PUBSUB_CLIENTS: Final = (
    Client("google.pubsub_v1", "services.publisher.transports", _PUBSUB, "google.pubsub.v1.Publisher"),
    Client("google.pubsub_v1", "services.subscriber.transports", _PUBSUB, "google.pubsub.v1.Subscriber"),
    Client(
        "google.pubsub_v1", "services.schema_service.transports", ("types.schema",), "google.pubsub.v1.SchemaService"
    ),
)
SCHEDULER_CLIENTS: Final = (
    Client(
        "google.cloud.scheduler_v1",
        "services.cloud_scheduler.transports",
        ("types.cloudscheduler", "types.job", "types.target"),
        "google.cloud.scheduler.v1.CloudScheduler",
    ),
)
TASKS_CLIENTS: Final = (
    Client(
        "google.cloud.tasks_v2",
        "services.cloud_tasks.transports",
        ("types.cloudtasks", "types.queue", "types.target", "types.task"),
        "google.cloud.tasks.v2.CloudTasks",
    ),
)
EVENTARC_CLIENTS: Final = (
    Client(
        "google.cloud.eventarc_v1",
        "services.eventarc.transports",
        (
            "types.eventarc", "types.channel", "types.channel_connection", "types.discovery", "types.enrollment",
            "types.google_api_source", "types.google_channel_config", "types.logging_config", "types.message_bus",
            "types.network_config", "types.pipeline", "types.trigger",
        ),
        "google.cloud.eventarc.v1.Eventarc",
    ),
)  # fmt: skip
FIRESTORE_CLIENTS: Final = (
    Client(
        "google.cloud.firestore_v1",
        "services.firestore.transports",
        (
            "types.firestore", "types.aggregation_result", "types.bloom_filter", "types.common", "types.document",
            "types.explain_stats", "types.pipeline", "types.query", "types.query_profile", "types.write",
        ),
        "google.firestore.v1.Firestore",
    ),
    Client(
        "google.cloud.firestore_admin_v1",
        "services.firestore_admin.transports",
        (
            "types.firestore_admin", "types.backup", "types.database", "types.field", "types.index", "types.location",
            "types.operation", "types.schedule", "types.snapshot", "types.user_creds",
        ),
        "google.firestore.admin.v1.FirestoreAdmin",
    ),
)  # fmt: skip
_LOGGING: Final = ("types.logging", "types.log_entry", "types.logging_config", "types.logging_metrics")
LOGGING_CLIENTS: Final = tuple(
    Client(
        "google.cloud.logging_v2",
        f"services.{module}_service_v2.transports",
        _LOGGING[first:] + _LOGGING[:first],
        f"google.logging.v2.{name}ServiceV2",
        logging_rules,
    )
    for module, name, first in (("logging", "Logging", 0), ("config", "Config", 2), ("metrics", "Metrics", 3))
)
SERVICES: Final = {
    "eventarc": EVENTARC_CLIENTS,
    "firestore": FIRESTORE_CLIENTS,
    "functions": FUNCTIONS_CLIENTS,
    "logging": LOGGING_CLIENTS,
    "pubsub": PUBSUB_CLIENTS,
    "scheduler": SCHEDULER_CLIENTS,
    "tasks": TASKS_CLIENTS,
}
SHARED: Final = (
    "google/longrunning/operations.proto", "google/cloud/location/locations.proto", "google/iam/v1/iam_policy.proto",
)  # fmt: skip


def closure(*files: FileDescriptor) -> Files:
    """Return the files and all that they need, each after what it needs."""
    found: Files = {}

    def add(file: FileDescriptor) -> None:
        if file.name in found:
            return
        for needed in sorted(file.dependencies, key=lambda each: each.name):
            add(needed)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        if not proto.public_dependency and not proto.weak_dependency:
            # proto-plus has them in another order each time, and nothing refers to their places.
            proto.dependency.sort()
        found[file.name] = proto

    for file in files:
        add(file)
    return found


def types_of(client: Client) -> list[FileDescriptor]:
    """Return the files of a client's types; proto-plus made them from classes."""
    files = []
    for name in client.types:
        module = importlib.import_module(f"{client.package}.{name}")
        message = next(each for each in vars(module).values() if inspect.isclass(each) and hasattr(each, "pb"))
        files.append(message.pb().DESCRIPTOR.file)
    return files


def mend_names(message: descriptor_pb2.DescriptorProto) -> None:
    """Give fields that are named like Python's own words their names back."""
    for field in message.field:
        field.name = field.name.rstrip("_")
        field.json_name = re.sub(r"_(.)", lambda match: match[1].upper(), field.name)
    for inner in message.nested_type:
        mend_names(inner)


def add_verify(files: Files) -> None:
    """Add what Firestore's clients for the web send and its client for Python leaves out: writes that only verify.

    google/firestore/v1/write.proto: `string verify = 5` of `Write`.
    """
    for file in files.values():
        for message in file.message_type:
            if (file.package, message.name) == ("google.firestore.v1", "Write"):
                field = message.field.add(name="verify", json_name="verify", number=5, oneof_index=0)
                field.type, field.label = field.TYPE_STRING, field.LABEL_OPTIONAL


def service_of(client: Client) -> tuple[descriptor_pb2.ServiceDescriptorProto, dict[str, list[http_pb2.HttpRule]]]:
    """Return a client's service, and the rules of the mixins that it calls."""
    grpc = importlib.import_module(f"{client.package}.{client.transports}.grpc")
    if client.rules is None:
        rules = rules_of(importlib.import_module(f"{client.package}.{client.transports}.rest_base"))
    else:
        rules = client.rules()
    service = descriptor_pb2.ServiceDescriptorProto(name=client.service.rpartition(".")[2])
    for sends, answers, full_name, name, request, response in _METHOD.findall(inspect.getsource(grpc)):
        if full_name != client.service:
            continue
        method = service.method.add(name=name, input_type=_type(grpc, request), output_type=_type(grpc, response))
        method.client_streaming = sends == "stream"
        method.server_streaming = answers == "stream"
        if name in rules:
            method.options.Extensions[annotations_pb2.http].CopyFrom(_joined(rules.pop(name)))
    return service, {name: found for name, found in rules.items() if name in MIXINS}


def rules_of(rest: Any) -> dict[str, list[http_pb2.HttpRule]]:
    """Return the HTTP rules of a REST transport's methods."""
    transport = next(value for name, value in vars(rest).items() if name.endswith("RestTransport") and "_Base" in name)
    found = {}
    for name, value in vars(transport).items():
        if name.startswith("_Base") and hasattr(value, "_get_http_options"):
            options = value._get_http_options()  # noqa: SLF001 - the only place that has them
            found[name.removeprefix("_Base")] = [
                http_pb2.HttpRule(**{each["method"]: each["uri"]}, body=each.get("body", "")) for each in options
            ]
    return found


def _type(module: Any, path: str) -> str:
    value = module
    for part in path.split("."):
        value = getattr(value, part)
    descriptor = value.pb().DESCRIPTOR if hasattr(value, "pb") else value.DESCRIPTOR
    return f".{descriptor.full_name}"


def _joined(rules: list[http_pb2.HttpRule]) -> http_pb2.HttpRule:
    joined = http_pb2.HttpRule()
    joined.CopyFrom(rules[0])
    joined.additional_bindings.extend(rules[1:])
    return joined


def write(path: Path, files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    """Write a set."""
    data = descriptor_pb2.FileDescriptorSet(file=files).SerializeToString(deterministic=True)
    packed = zlib.compress(data, 9)
    path.write_bytes(packed)
    print(f"{path.relative_to(SOURCE.parent.parent)}: {len(files)} files, {len(data)} bytes, {len(packed)} deflated")


def protocols() -> Files:
    """Return what gRPC itself speaks: status, its details, health, reflection, HTTP rules."""
    files = closure(
        descriptor_pb2.DESCRIPTOR,
        empty_pb2.DESCRIPTOR,
        status_pb2.DESCRIPTOR,
        error_details_pb2.DESCRIPTOR,
        annotations_pb2.DESCRIPTOR,
    )
    own = (health_file(), reflection_file("v1"), reflection_file("v1alpha"))
    return files | {each.name: each for each in own}


def mixins(known: Files) -> Files:
    """Return what all services share: long operations, locations, access policies."""
    files = closure(operations_pb2.DESCRIPTOR, locations_pb2.DESCRIPTOR, iam_policy_pb2.DESCRIPTOR)
    return {name: proto for name, proto in files.items() if name not in known}


def service_files(clients: tuple[Client, ...], known: Files, rules: dict[str, list[http_pb2.HttpRule]]) -> Files:
    """Return what services add to the files that are known; `rules` gets those of the mixins that they call."""
    files: Files = {}
    for client in clients:
        own = types_of(client)
        files |= {name: proto for name, proto in closure(*own).items() if name not in files and name not in known}
        service, mixed = service_of(client)
        home = files[own[0].name]
        home.service.append(service)
        needed = ("google/api/annotations.proto", "google/protobuf/empty.proto", *SHARED)
        home.dependency.extend(each for each in needed if each not in home.dependency)
        for file in own:
            # proto-plus gathers them in no order.
            ordered = sorted(files[file.name].dependency)
            files[file.name].ClearField("dependency")
            files[file.name].dependency.extend(ordered)
            for message in files[file.name].message_type:
                mend_names(message)
        for name, found in mixed.items():
            there = rules.setdefault(name, [])
            there.extend(rule for rule in found if rule not in there)
    return files


def payloads(known: Files) -> Files:
    """Return the protobuf messages that entries of logs may have as their payloads."""
    request_log = types_of(Client("google.cloud.appengine_logging_v1", "", ("types.request_log",), ""))
    files = closure(audit_log_pb2.DESCRIPTOR, *request_log)
    return {name: proto for name, proto in files.items() if name not in known}


def add_rules(files: Files, rules: dict[str, list[http_pb2.HttpRule]]) -> None:
    """Give the mixins' methods the rules of all services that have them."""
    for file in files.values():
        for service in file.service:
            for method in service.method:
                if MIXINS.get(method.name) == f"{file.package}.{service.name}" and method.name in rules:
                    method.options.Extensions[annotations_pb2.http].CopyFrom(_joined(rules[method.name]))


def sets() -> dict[Path, Files]:
    """Return all sets, by where they are written."""
    known = protocols()
    found = {PROTOCOLS: known}
    shared = mixins(known)
    rules: dict[str, list[http_pb2.HttpRule]] = {}
    for folder, clients in SERVICES.items():
        found[GCP / folder / "descriptors.binpb.zlib"] = service_files(clients, known | shared, rules)
    found[GCP / "firebaserules" / "descriptors.binpb.zlib"] = {each.name: each for each in rules_files()}
    add_verify(found[GCP / "firestore" / "descriptors.binpb.zlib"])
    found[GCP / "logging" / "descriptors.binpb.zlib"] |= payloads(known | shared)
    add_rules(shared, rules)
    found[GCP / "mixins.binpb.zlib"] = shared
    return found


def rules_files() -> list[descriptor_pb2.FileDescriptorProto]:
    """Return Firebase's rules API, after what it needs."""
    needed = closure(field_mask_pb2.DESCRIPTOR, timestamp_pb2.DESCRIPTOR)
    return [*needed.values(), rules_file()]


def main() -> int:
    """Write the sets."""
    for path, files in sets().items():
        write(path, list(files.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
