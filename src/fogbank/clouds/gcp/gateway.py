"""Google's front door: REST by host or path, calls of functions by their addresses, gRPC by way of `methods`.

Nothing of protobuf is imported before the first request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.watching.front import GcpFront

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.connectors.invoker import Invoker
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.google.rest import RestApplication
    from fogbank.wire.google.webchannel.application import ChannelApplication
    from fogbank.wire.grpc.calls import GrpcApplication
    from fogbank.wire.grpc.service import Methods
    from fogbank.wire.http import Request, Response
    from fogbank.wire.watching.watch import Watch

_API: Final = re.compile(
    r"/v[0-9]+[a-z0-9]*/(?:(?:projects|operations|folders|organizations|billingAccounts)(?:/.*)?"
    r"|entries:[a-zA-Z]+|monitoredResourceDescriptors)"
)
_HOST: Final = re.compile(r"[a-z0-9.-]+\.(?:googleapis\.com|cloudfunctions\.(?:net|localhost))(?::[0-9]+)?")
# A continent, a direction, a number: how Google's regions are named, and no bucket or table in an AWS path.
_FUNCTION: Final = re.compile(
    r"/(?:africa|asia|australia|europe|me|northamerica|southamerica|us)-[a-z]+[0-9]+-[^/]+/[a-zA-Z][a-zA-Z0-9_-]*(?:/.*)?"
)
_UPLOAD: Final = "/gcf-v2-uploads-"
_METADATA: Final = "/computeMetadata/"
_EMULATOR: Final = "/emulator/v1/projects/"
# Streams of web pages (WebChannel).
_CHANNEL: Final = re.compile(r"/google\.firestore\.v1\.Firestore/(?:Listen|Write)/channel")
_AWS_SIGNED: Final = b"AWS4-"


class GcpGateway:
    """Answers Google's requests; everything is made when it is first called."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        invoker: Invoker,
        signer: Signer,
        receiver: Receiver,
        *,
        checks_indexes: bool = False,
        firestore_rules: str = "",
    ) -> None:
        self._checks_indexes = checks_indexes
        self._firestore_rules = firestore_rules
        self._signer = signer
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._receiver = receiver
        self._watch: Watch | None = None
        self.front = GcpFront(lambda: self.methods, lambda: self.rest)
        self._parts: Parts | None = None
        self._methods: Methods | None = None
        self._rest: RestApplication | None = None
        self._channels: ChannelApplication | None = None

    def start(self) -> None:
        """Begin: nothing is done before the first request."""

    async def close(self) -> None:
        """End what goes on between requests."""
        if self._channels is not None:
            self._channels.close()

    def forget(self) -> None:
        """Give up what clients hold between requests: everything is other than it was, or is about to end."""
        if self._parts is not None:
            self._parts.transactions.forget()

    def claims(self, request: Request) -> bool:
        """Tell by host and path whether a request is for Google."""
        path = request.raw_path
        if request.headers.get(b"authorization", b"").startswith(_AWS_SIGNED):
            return False
        return bool(
            _HOST.fullmatch(request.header(b"host"))
            or _API.fullmatch(path)
            or _FUNCTION.fullmatch(path)
            or _CHANNEL.fullmatch(path)
            or path.startswith((_UPLOAD, "/oauth2/", _EMULATOR, _METADATA))
        )

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        from fogbank.clouds.gcp import access_tokens, identity_tokens  # noqa: PLC0415 - loaded on first use
        from fogbank.clouds.gcp.functions import serving, sources  # noqa: PLC0415 - loaded on first use

        if request.raw_path in identity_tokens.PATHS:
            return await identity_tokens.certificates(self._signer, request.raw_path)
        parts = self.parts
        if access_tokens.is_token_request(request):
            return await access_tokens.handle(parts, self._signer, request)
        if sources.is_upload(request.raw_path):
            return await sources.take_upload(parts, request)
        address = serving.read_address(request)
        if address is not None:
            return await serving.serve(parts, address, request)
        if b"origin" in request.headers:
            return await self._handle_page(request)
        return await self._handle_api(request)

    async def _handle_page(self, request: Request) -> Response:
        """Answer a request that a web page sends."""
        from fogbank.wire.google import cors  # noqa: PLC0415 - loaded on first use

        return cors.preflight(request) or cors.allow_origin(await self._handle_api(request), request)

    async def _handle_api(self, request: Request) -> Response:
        if request.raw_path.startswith(_EMULATOR):
            from fogbank.clouds.gcp.firestore import emulator  # noqa: PLC0415 - loaded on first use

            return await emulator.handle(self.parts, request)
        if _CHANNEL.fullmatch(request.raw_path):
            return await self.channels.handle(request)
        return await self.rest.handle(request)

    def watch(self, watch: Watch) -> None:
        """Have calls over gRPC noted, too."""
        self._watch = watch

    def grpc(self) -> GrpcApplication:
        """Return the application that answers calls over gRPC."""
        from fogbank.wire.grpc.calls import GrpcApplication  # noqa: PLC0415 - loaded on first use
        from fogbank.wire.grpc.watching import CallWatch  # noqa: PLC0415 - loaded on first use

        watch = None if self._watch is None else CallWatch(self._watch, self.front)
        return GrpcApplication(self.methods, watch=watch)

    @property
    def parts(self) -> Parts:
        """What the services stand on."""
        if self._parts is None:
            from fogbank.clouds.gcp.firestore.transactions import Transactions  # noqa: PLC0415 - loaded on first use
            from fogbank.clouds.gcp.parts import Parts  # noqa: PLC0415 - loaded on first use
            from fogbank.connectors.waiting_room import WaitingRoom  # noqa: PLC0415 - loaded on first use
            from fogbank.wire.grpc.types import protobuf_types  # noqa: PLC0415 - loaded on first use

            self._parts = Parts(
                self._store,
                self._clock,
                self._ids,
                self._invoker,
                protobuf_types(),
                WaitingRoom(self._clock),
                self._receiver,
                Transactions(self._store, self._clock, self._ids),
                self._checks_indexes,
                self._firestore_rules,
            )
        return self._parts

    @property
    def methods(self) -> Methods:
        """The methods of all services."""
        if self._methods is None:
            from fogbank.clouds.gcp.services import gcp_services  # noqa: PLC0415 - loaded on first use
            from fogbank.wire.grpc.service import Methods  # noqa: PLC0415 - loaded on first use

            parts = self.parts
            self._methods = Methods(parts.types, gcp_services(parts))
        return self._methods

    @property
    def channels(self) -> ChannelApplication:
        """Streams of web pages."""
        if self._channels is None:
            from fogbank.wire.google.webchannel.application import (  # noqa: PLC0415 - loaded on first use
                ChannelApplication,
            )

            self._channels = ChannelApplication(self.methods, self._clock, self._ids)
        return self._channels

    @property
    def rest(self) -> RestApplication:
        """The REST side of all services."""
        if self._rest is None:
            from fogbank.wire.google.rest import RestApplication  # noqa: PLC0415 - loaded on first use

            self._rest = RestApplication(self.methods)
        return self._rest
