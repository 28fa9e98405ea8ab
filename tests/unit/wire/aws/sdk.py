"""The other side of the wire: requests as botocore writes them, replies as botocore reads them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.handlers import escape_xml_payload
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from fogbank.wire.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape

    from fogbank.wire.http import Response


# The operations for which botocore escapes line breaks; in all others XML turns carriage returns into line feeds.
ESCAPED = (("s3", "DeleteObjects"), ("s3", "PutBucketLifecycleConfiguration"))


@cache
def sdk_model(service: str) -> ServiceModel:
    """The service's model as it is published, without the changes that botocore makes for its older users."""
    loader = botocore.session.get_session().get_component("data_loader")
    version = loader.determine_latest_version(service, "service-2")
    return ServiceModel(loader.load_data(f"{service}/{version}/service-2"), service)


def write_request(service: str, operation: str, members: dict[str, Any]) -> Request:
    """Return the request that botocore sends."""
    model = sdk_model(service)
    operation_model = model.operation_model(operation)
    serializer = create_serializer(model.protocol, include_validation=False)
    sent = members
    if operation_model.input_shape is not None:
        sent = _change(operation_model.input_shape, members, lambda seconds: datetime.fromtimestamp(seconds, UTC))
    request = serializer.serialize_to_request(sent, operation_model)
    if (service, operation) in ESCAPED:
        escape_xml_payload(request)
    prepare_request_dict(request, "http://localhost:4566", context={})
    prepared = create_request_object(request).prepare()
    url = urlsplit(prepared.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    headers = {name.lower().encode(): _bytes(value) for name, value in prepared.headers.items()}
    return Request(prepared.method, target.encode(), headers, _bytes(prepared.body or b""))


def read_reply(service: str, operation: str, response: Response) -> dict[str, Any]:
    """Return what botocore reads from a reply, the metadata apart."""
    model = sdk_model(service)
    operation_model = model.operation_model(operation)
    raw = _raw(response)
    if operation_model.has_streaming_output:
        raw["body"] = io.BytesIO(raw["body"])
    parsed = create_parser(model.protocol).parse(raw, operation_model.output_shape)
    parsed.pop("ResponseMetadata")
    if operation_model.has_streaming_output:
        payload = operation_model.output_shape.serialization["payload"]
        parsed[payload] = parsed[payload].read()
    if operation_model.output_shape is None:
        return parsed
    return _change(operation_model.output_shape, parsed, datetime.timestamp)


def read_error(service: str, response: Response) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what botocore reads from an error: what every error has, and the members of its own shape."""
    model = sdk_model(service)
    parser = create_parser(model.protocol)
    raw = _raw(response)
    parsed = parser.parse(raw, None)
    error = parsed["Error"]
    shape = model.shape_for_error_code(error.get("QueryErrorCode") or error["Code"])
    members = {} if shape is None else _change(shape, parser.parse(raw, shape), datetime.timestamp)
    return parsed, members


def _raw(response: Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    headers = HeadersDict({name.decode(): value.decode("latin-1") for name, value in response.headers})
    if response.length is not None:
        headers["Content-Length"] = str(response.length)
    return {"status_code": response.status, "headers": headers, "body": response.body, "context": {}}


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _change(shape: Shape, value: Any, moment: Callable[[Any], Any]) -> Any:
    """Return a value with its timestamps changed."""
    if shape.type_name == "timestamp":
        return moment(value)
    if shape.type_name == "structure" and not shape.is_document_type:
        return {name: _change(shape.members[name], item, moment) for name, item in value.items()}
    if shape.type_name == "list":
        return [_change(shape.member, item, moment) for item in value]
    if shape.type_name == "map":
        return {key: _change(shape.value, item, moment) for key, item in value.items()}
    return value
