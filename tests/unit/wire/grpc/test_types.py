"""The descriptor sets are what the tool derives from the installed packages."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pb2

from fogbank.wire.google.bindings import compile_template
from fogbank.wire.grpc.types import Types
from tools import descriptors

if TYPE_CHECKING:
    from pathlib import Path


def files_of(path: Path) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    found = descriptor_pb2.FileDescriptorSet.FromString(zlib.decompress(path.read_bytes()))
    return {file.name: file for file in found.file}


def test_the_sets_are_what_is_derived() -> None:
    for path, derived in descriptors.sets().items():
        assert files_of(path) == derived, "run `python -m tools.descriptors`"


def test_sets_may_overlap_and_be_loaded_again() -> None:
    types = Types()
    for _ in range(2):
        types.load("fogbank.wire.grpc", "protocols")
        types.load("fogbank.clouds.gcp", "mixins")
        types.load("fogbank.clouds.gcp.functions", "descriptors")
    message = types.message("google.cloud.functions.v2.Function")(name="x")
    packed = types.pack(message)
    assert packed.type_url == "type.googleapis.com/google.cloud.functions.v2.Function"
    assert types.to_json(packed) == {"@type": packed.type_url, "name": "x"}


def test_templates() -> None:
    pattern, fields = compile_template("/v1/{parent=projects/*/locations/*}/things/{id}:do")
    match = pattern.fullmatch("/v1/projects/p/locations/l/things/7:do")
    assert match is not None
    assert dict(zip(fields, match.groups(), strict=True)) == {"parent": "projects/p/locations/l", "id": "7"}
    assert pattern.fullmatch("/v1/projects/p/locations/l/things/7") is None
    assert pattern.fullmatch("/v1/projects/p/locations/l/m/things/7:do") is None
    pattern, _ = compile_template("/v1/{name=operations/**}")
    assert pattern.fullmatch("/v1/operations/a/b/c")
