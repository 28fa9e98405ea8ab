"""Firebase's rules API as descriptors, which no installed package carries.

google/firebase/rules/v1/firebaserules.proto (https://github.com/googleapis/googleapis/tree/master/google/firebase/rules):
messages and HTTP rules as published.
"""

from __future__ import annotations

from typing import Final

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

from tools.grpc_protocols import make_message

PACKAGE: Final = "google.firebase.rules.v1"
NAME: Final = "google/firebase/rules/v1/firebaserules.proto"
_TIME: Final = ".google.protobuf.Timestamp"
_MESSAGES: Final = {
    "File": ("string content = 1", "string name = 2", "bytes fingerprint = 3"),
    "Source": ("repeated File files = 1",),
    "Metadata": ("repeated string services = 1",),
    "Ruleset": ("string name = 1", "Source source = 2", f"{_TIME} create_time = 3", "Metadata metadata = 4"),
    "Release": ("string name = 1", "string ruleset_name = 2", f"{_TIME} create_time = 4", f"{_TIME} update_time = 5"),
    "CreateRulesetRequest": ("string name = 1", "Ruleset ruleset = 2"),
    "GetRulesetRequest": ("string name = 1",),
    "ListRulesetsRequest": ("string name = 1", "string filter = 2", "int32 page_size = 3", "string page_token = 4"),
    "ListRulesetsResponse": ("repeated Ruleset rulesets = 1", "string next_page_token = 2"),
    "DeleteRulesetRequest": ("string name = 1",),
    "CreateReleaseRequest": ("string name = 1", "Release release = 2"),
    "UpdateReleaseRequest": ("Release release = 1", ".google.protobuf.FieldMask update_mask = 2"),
    "GetReleaseRequest": ("string name = 1",),
    "ListReleasesRequest": ("string name = 1", "string filter = 2", "int32 page_size = 3", "string page_token = 4"),
    "ListReleasesResponse": ("repeated Release releases = 1", "string next_page_token = 2"),
    "DeleteReleaseRequest": ("string name = 1",),
    "GetReleaseExecutableRequest": ("string name = 1",),
    "GetReleaseExecutableResponse": ("bytes executable = 1", "string ruleset_name = 2"),
    "TestRulesetRequest": ("string name = 1", "Source source = 2"),
    "TestRulesetResponse": ("string name = 1",),
}  # fmt: skip
_RULESETS: Final = "/v1/{name=projects/*}/rulesets"
_RULESET: Final = "/v1/{name=projects/*/rulesets/*}"
_RELEASES: Final = "/v1/{name=projects/*}/releases"
_RELEASE: Final = "/v1/{name=projects/*/releases/**}"
_METHODS: Final = (
    ("TestRuleset", "TestRulesetResponse", {"post": "/v1/{name=projects/*}:test", "body": "*"}),
    ("CreateRuleset", "Ruleset", {"post": _RULESETS, "body": "ruleset"}),
    ("GetRuleset", "Ruleset", {"get": _RULESET}),
    ("ListRulesets", "ListRulesetsResponse", {"get": _RULESETS}),
    ("DeleteRuleset", ".google.protobuf.Empty", {"delete": _RULESET}),
    ("CreateRelease", "Release", {"post": _RELEASES, "body": "release"}),
    ("UpdateRelease", "Release", {"patch": "/v1/{release.name=projects/*/releases/**}", "body": "*"}),
    ("GetRelease", "Release", {"get": _RELEASE}),
    ("GetReleaseExecutable", "GetReleaseExecutableResponse", {"get": f"{_RELEASE}:getExecutable"}),
    ("ListReleases", "ListReleasesResponse", {"get": _RELEASES}),
    ("DeleteRelease", ".google.protobuf.Empty", {"delete": _RELEASE}),
)


def rules_file() -> descriptor_pb2.FileDescriptorProto:
    """Return the file."""
    file = descriptor_pb2.FileDescriptorProto(name=NAME, package=PACKAGE, syntax="proto3")
    for needed in ("api/annotations", "protobuf/empty", "protobuf/field_mask", "protobuf/timestamp"):
        file.dependency.append(f"google/{needed}.proto")
    for name, fields in _MESSAGES.items():
        file.message_type.append(make_message(PACKAGE, name, *fields))
    service = file.service.add(name="FirebaseRulesService")
    for name, answer, rule in _METHODS:
        output = answer if answer.startswith(".") else f".{PACKAGE}.{answer}"
        method = service.method.add(name=name, input_type=f".{PACKAGE}.{name}Request", output_type=output)
        method.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(**rule))
    return file
