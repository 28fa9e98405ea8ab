"""What a service is: functions by the names of their methods, with the shapes that its descriptor gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fogbank.wire.grpc.metadata import Metadata
    from fogbank.wire.grpc.types import ServiceDescriptor, Types


class Call:
    """What a method is told of its call, however it came in.

    `origin` is scheme and host as the caller addressed them. A method may add to `initial`, until its first answer,
    and to `trailing`, until its end; REST has only the former. `waits` counts what a quick method waits for that may
    take long: while it does, it ends if the client goes away.
    """

    __slots__ = ("initial", "metadata", "origin", "timeout_seconds", "trailing", "waits")

    def __init__(self, origin: str, metadata: Metadata, timeout_seconds: float | None = None) -> None:
        self.origin = origin
        self.metadata = metadata
        self.timeout_seconds = timeout_seconds
        self.initial: Metadata = []
        self.trailing: Metadata = []
        self.waits = 0


class Service(NamedTuple):
    """A service: its full name, what its functions stand on, the functions by the names of their methods.

    A function takes `deps`, a `Call`, and the request, or an asynchronous iterator of requests; it is a coroutine that
    returns the answer, or an asynchronous generator of answers. `word` turns errors that aren't `GrpcError` into such.
    `quick` names unary methods that wait for nothing but the store, or say so (`Call.waits`): they run to their end,
    whatever the client does meanwhile, which spares the watching of it. `owns` tells whether a REST path is for a
    method, by the fields that the path holds, where the patterns of several methods fit.
    """

    name: str
    deps: Any
    functions: Mapping[str, Callable[[Any, Call, Any], Any]]
    word: Callable[[Exception], GrpcError | None] = lambda _: None
    quick: frozenset[str] = frozenset()
    owns: Callable[[str, Mapping[str, str]], bool] = lambda _method, _fields: True


class Method(NamedTuple):
    """A method of a service, ready to be called."""

    name: str
    request: type[Any]
    response: type[Any]
    client_streaming: bool
    server_streaming: bool
    service: Service
    run: Callable[[Any, Call, Any], Any]
    quick: bool = False


class Methods:
    """The methods of services, by their paths: `/package.Service/Method`."""

    def __init__(self, types: Types, services: Iterable[Service]) -> None:
        self.types = types
        self.services = {service.name: service for service in services}
        self._found: dict[str, Method] = {}

    def find(self, path: str) -> Method:
        """Return the method of a path; raises `GrpcError` for what isn't there and for what isn't supported."""
        method = self._found.get(path)
        if method is None:
            service, name = self._split(path)
            method = self._found[path] = self._bind(service, name)
        return method

    def descriptor(self, service: Service) -> ServiceDescriptor:
        """Return a service's descriptor."""
        return self.types.service(service.name)

    def _split(self, path: str) -> tuple[Service, str]:
        parts = path.split("/")
        if len(parts) != 3 or parts[0]:
            raise GrpcError(Code.UNIMPLEMENTED, f"{path!r} is not the path of a method.")
        service = self.services.get(parts[1])
        if service is None:
            raise GrpcError(Code.UNIMPLEMENTED, f"unknown service {parts[1]}")
        return service, parts[2]

    def _bind(self, service: Service, name: str) -> Method:
        shape = self.descriptor(service).methods_by_name.get(name)
        if shape is None:
            raise GrpcError(Code.UNIMPLEMENTED, f"unknown method {name} for service {service.name}")
        run = service.functions.get(name)
        if run is None:
            raise GrpcError(Code.UNIMPLEMENTED, f"Fogbank doesn't support {service.name}/{name}.")
        return Method(
            name,
            self.types.message(shape.input_type.full_name),
            self.types.message(shape.output_type.full_name),
            bool(shape.client_streaming),
            bool(shape.server_streaming),
            service,
            run,
            name in service.quick,
        )
