"""AWS's service models, read as data from the installed botocore package, which is never imported.

Only what codecs need is kept; the documentation, nine tenths of each file, isn't.
"""

from __future__ import annotations

import gzip
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")


class ModelError(Exception):
    """The model isn't installed, or lacks something that was asked for."""


class XmlNamespace(msgspec.Struct, frozen=True):
    """The namespace that an XML element declares."""

    uri: str = ""
    prefix: str | None = None


class Ref(msgspec.Struct, frozen=True, rename="camel"):
    """A use of a shape, with the traits that belong to the place."""

    shape: str
    location: str | None = None
    location_name: str | None = None
    query_name: str | None = None
    flattened: bool = False
    timestamp_format: str | None = None
    xml_namespace: XmlNamespace | None = None
    xml_attribute: bool = False
    jsonvalue: bool = False
    streaming: bool = False
    result_wrapper: str | None = None
    idempotency_token: bool = False
    event_payload: bool = msgspec.field(default=False, name="eventpayload")


class ErrorTrait(msgspec.Struct, frozen=True, rename="camel"):
    """How an exception shape looks on the wire."""

    code: str | None = None
    http_status_code: int | None = None
    sender_fault: bool = False


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """A type of the model."""

    type: str
    members: dict[str, Ref] = {}
    required: tuple[str, ...] = ()
    member: Ref | None = None
    key: Ref | None = None
    value: Ref | None = None
    flattened: bool = False
    payload: str | None = None
    enum: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None
    timestamp_format: str | None = None
    xml_namespace: XmlNamespace | None = None
    location_name: str | None = None
    streaming: bool = False
    eventstream: bool = False
    event: bool = False
    document: bool = False
    union: bool = False


class Http(msgspec.Struct, frozen=True, rename="camel"):
    """The HTTP binding of an operation."""

    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class HttpChecksum(msgspec.Struct, frozen=True, rename="camel"):
    """Which checksums of its body a request may bring, or must."""

    request_algorithm_member: str | None = None
    request_checksum_required: bool = False


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """An operation of a service."""

    name: str
    http: Http = Http()
    input: Ref | None = None
    output: Ref | None = None
    errors: tuple[Ref, ...] = ()
    deprecated: bool = False
    http_checksum: HttpChecksum | None = None
    http_checksum_required: bool = False

    @property
    def checksum_required(self) -> bool:
        """Whether a request has to bring a checksum of its body."""
        return self.http_checksum_required or (
            self.http_checksum is not None and self.http_checksum.request_checksum_required
        )

    @property
    def checksum_possible(self) -> bool:
        """Whether checksum headers are those of the request's body."""
        return self.checksum_required or (
            self.http_checksum is not None and self.http_checksum.request_algorithm_member is not None
        )


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What holds for all of a service."""

    api_version: str
    endpoint_prefix: str
    protocol: str
    service_id: str = ""
    signing_name: str | None = None
    target_prefix: str | None = None
    json_version: str | None = None
    xml_namespace: Any = None
    aws_query_compatible: dict[str, Any] | None = None

    @property
    def namespace(self) -> str:
        """The XML namespace of replies; services without one declare none."""
        value = self.xml_namespace
        if isinstance(value, dict):
            value = value.get("uri")
        return value if isinstance(value, str) else ""


class ServiceModel(msgspec.Struct, frozen=True):
    """A service: its operations and shapes by name."""

    metadata: Metadata
    operations: dict[str, Operation]
    shapes: dict[str, Shape]

    def shape(self, ref: Ref) -> Shape:
        """Return the shape that is used there."""
        return self.shapes[ref.shape]

    def operation(self, name: str) -> Operation:
        """Return an operation, or raise `ModelError`."""
        try:
            return self.operations[name]
        except KeyError:
            msg = f"{self.metadata.service_id} has no operation {name}"
            raise ModelError(msg) from None


@cache
def _data_folder() -> Path:
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        msg = "The service models come with the package botocore, which isn't installed."
        raise ModelError(msg)
    return Path(spec.origin).parent / "data"


@cache
def load_model(service: str) -> ServiceModel:
    """Read the newest model of a service, by botocore's name for it; raises `ModelError`."""
    return msgspec.json.decode(_text(service), type=ServiceModel)


class _Head(msgspec.Struct):
    metadata: Metadata


@lru_cache(maxsize=64)
def load_metadata(service: str) -> Metadata:
    """Read only what holds for all of a service; raises `ModelError`."""
    return msgspec.json.decode(_text(service), type=_Head).metadata


def _text(service: str) -> bytes:
    """Return the text of the newest model of a service."""
    # The name may have come with a request; it must not lead out of the folder.
    if _NAME.fullmatch(service):
        versions = sorted(path for path in (_data_folder() / service).glob("*") if path.is_dir())
        for folder in reversed(versions):
            packed = folder / "service-2.json.gz"
            if packed.exists():
                return gzip.decompress(packed.read_bytes())
            if (plain := folder / "service-2.json").exists():
                return plain.read_bytes()
    msg = f"The installed botocore has no model of {service}."
    raise ModelError(msg)
