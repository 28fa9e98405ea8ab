"""Codecs: which operation a request names, its typed input, its encoded reply.

An operation's input is a `msgspec.Struct` that lists the parameters which are supported; one that the service's
model has and the struct has not is refused by name, like one that AWS doesn't know. In the JSON protocols the
struct's own decoder reads the body; in the others the members are first gathered as the model says.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from fogbank.wire.aws.errors import InputError
from fogbank.wire.aws.explain import explain
from fogbank.wire.aws.form import UnknownParameterError, compile_form_reader, grow_tree, parse_form
from fogbank.wire.aws.json import JSON_TYPE, JsonBody
from fogbank.wire.aws.models import load_model
from fogbank.wire.aws.rest import RestReader, RestWriter
from fogbank.wire.aws.routes import Router
from fogbank.wire.aws.values import MalformedValueError
from fogbank.wire.aws.xml import XML_DECLARATION, XmlBody, XmlCompiler
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.wire.aws.models import Operation, ServiceModel
    from fogbank.wire.aws.rest import BodyFormat
    from fogbank.wire.http import Request

S = TypeVar("S")

Decoder: TypeAlias = "Callable[[Request, Named, bytes], S]"
Encoder: TypeAlias = "Callable[[Any, str], Response]"


class Named(NamedTuple):
    """The operation that a request names, with what finding it out has already read."""

    operation: str
    labels: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, list[str]] = MappingProxyType({})
    form: Mapping[str, str] = MappingProxyType({})


class Codec(Protocol):
    """The protocol of one service."""

    model: ServiceModel

    def name(self, request: Request, body: bytes) -> Named | None:
        """Return the operation that the request names, or None if it names none."""

    def decoder(self, operation: Operation, kind: type[S]) -> Decoder[S]:
        """Compile the reader of an operation's input; it raises `InputError`."""

    def encoder(self, operation: Operation) -> Encoder:
        """Compile the writer of an operation's reply, from its members and the request's id."""


class JsonCodec:
    """AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, input and output in the bodies."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._body = JsonBody(model)
        self._named: dict[bytes, Named] = {}
        version = model.metadata.json_version or "1.0"
        self._type = (b"Content-Type", JSON_TYPE[version])

    def name(self, request: Request, body: bytes) -> Named | None:
        """Return the operation that the request names, or None if it names none."""
        target = request.headers.get(b"x-amz-target", b"")
        named = self._named.get(target)
        if named is None:
            prefix, dot, operation = target.decode("latin-1").rpartition(".")
            if not dot or prefix != self.model.metadata.target_prefix:
                return None
            named = Named(operation)
            if operation in self.model.operations:
                self._named[target] = named
        return named

    def decoder(self, operation: Operation, kind: type[S]) -> Decoder[S]:
        """Compile the reader of an operation's input; it raises `InputError`."""
        decode = msgspec.json.Decoder(kind).decode

        def read(_request: Request, _named: Named, body: bytes) -> S:
            try:
                return decode(body or b"{}")
            except msgspec.ValidationError as error:
                raise explain(error, self.model, operation) from None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise InputError("malformed", "", "JSON") from None

        return read

    def encoder(self, operation: Operation) -> Encoder:
        """Compile the writer of an operation's reply, from its members and the request's id."""
        write = self._body.writer(operation.output) if operation.output is not None else _nothing
        content_type = self._type

        def encode(reply: Any, request_id: str) -> Response:
            if reply is None:
                reply = {}
            elif type(reply) is dict and None in reply.values():
                reply = {name: value for name, value in reply.items() if value is not None}
            headers = [content_type, (b"x-amzn-RequestId", request_id.encode())]
            return Response(200, headers, write(reply))

        return encode


class QueryCodec:
    """AWS Query: a form with an Action, and a reply in XML."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._xml = XmlCompiler(model)

    def name(self, request: Request, body: bytes) -> Named | None:
        """Return the operation that the request names, or None if it names none."""
        try:
            form = parse_form(body.decode())
            if request.raw_query:
                form = {**parse_form(request.raw_query), **form}
        except UnicodeDecodeError:
            raise InputError("malformed", "", "a form in UTF-8") from None
        except MalformedValueError as error:
            raise InputError("malformed", error.path, error.expected) from None
        action = form.pop("Action", "")
        form.pop("Version", None)
        for key in [key for key in form if key.startswith("X-Amz-")]:
            del form[key]
        return Named(action, form=form) if action else None

    def decoder(self, operation: Operation, kind: type[S]) -> Decoder[S]:
        """Compile the reader of an operation's input; it raises `InputError`."""
        gather = None if operation.input is None else compile_form_reader(self.model, operation.input)

        def read(_request: Request, named: Named, _body: bytes) -> S:
            try:
                members = dict(named.form) if gather is None else gather(grow_tree(named.form), "")
                return msgspec.convert(members, kind)
            except UnknownParameterError as error:
                raise InputError("unknown", error.path) from None
            except MalformedValueError as error:
                raise InputError("type", error.path, error.expected) from None
            except msgspec.ValidationError as error:
                raise explain(error, self.model, operation) from None

        return read

    def encoder(self, operation: Operation) -> Encoder:
        """Compile the writer of an operation's reply, from its members and the request's id."""
        ref = operation.output
        write = None if ref is None else self._xml.writer(ref)
        wrapper = f"{operation.name}Result" if ref is None else ref.result_wrapper or f"{operation.name}Result"
        start = f'<{operation.name}Response xmlns="{self.model.metadata.namespace}">'

        def encode(reply: Any, request_id: str) -> Response:
            parts = [start]
            if write is not None:
                write({} if reply is None else reply, wrapper, parts)
            parts.append(
                f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
            )
            headers = [(b"Content-Type", b"text/xml"), (b"x-amzn-RequestId", request_id.encode())]
            return Response(200, headers, XML_DECLARATION + "".join(parts).encode())

        return encode


class RestCodec:
    """REST-JSON and REST-XML: operations are paths and methods."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._router = Router(model)
        is_xml = model.metadata.protocol == "rest-xml"
        self._body: BodyFormat = XmlBody(model) if is_xml else JsonBody(model)
        self._id_header = b"x-amz-request-id" if is_xml else b"x-amzn-RequestId"

    def name(self, request: Request, body: bytes) -> Named | None:
        """Return the operation that the request names, or None if it names none."""
        try:
            route = self._router.route(request)
        except UnicodeDecodeError:
            raise InputError("malformed", "", "a path and query in UTF-8") from None
        return None if route is None else Named(route.operation, labels=route.labels, query=route.query)

    def decoder(self, operation: Operation, kind: type[S]) -> Decoder[S]:
        """Compile the reader of an operation's input; it raises `InputError`."""
        gather = RestReader(self.model, operation, self._body).read

        def read(request: Request, named: Named, body: bytes) -> S:
            try:
                return msgspec.convert(gather(request, named.labels, named.query, body), kind)
            except MalformedValueError as error:
                raise InputError("type" if error.path else "malformed", error.path, error.expected) from None
            except msgspec.ValidationError as error:
                raise explain(error, self.model, operation) from None
            except RecursionError:
                raise InputError("malformed", "", "fewer levels of nesting") from None

        return read

    def encoder(self, operation: Operation) -> Encoder:
        """Compile the writer of an operation's reply, from its members and the request's id."""
        write = RestWriter(self.model, operation.output, operation.http.response_code, self._body).write
        id_header = self._id_header

        def encode(reply: Any, request_id: str) -> Response:
            response = write({} if reply is None else reply)
            response.headers.append((id_header, request_id.encode()))
            return response

        return encode


def codec_for(service: str) -> Codec:
    """Return the codec of a service, by botocore's name for it."""
    model = load_model(service)
    protocol = model.metadata.protocol
    if protocol == "json":
        return JsonCodec(model)
    if protocol == "query":
        return QueryCodec(model)
    if protocol in ("rest-json", "rest-xml"):
        return RestCodec(model)
    msg = f"{service} speaks {protocol}, for which there is no codec."
    raise ValueError(msg)


def _nothing(_reply: Any) -> bytes:
    return b""
