"""The Extensions API of one instance: who has registered, who waits for an event, who still works.

AWS Lambda Developer Guide, "Using the Lambda Extensions API to create extensions" (version 2020-01-01). External
extensions are programs of their own, internal ones register from within the runtime. An invocation is over when the
runtime has answered and every extension asks for its next event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.kernel.clock import wake
from fogbank.runtimes.lambda_runtime_api.replies import accepted, error, found
from fogbank.runtimes.link import Delivered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.kernel.ids import Ids
    from fogbank.wire.http import Request, Response

PREFIX: Final = "/2020-01-01/extension/"
# AWS Lambda Developer Guide, "Lambda quotas" and "Extensions API".
EXTENSIONS_MAX: Final = 10
BODY_BYTES_MAX: Final = 1_048_576
INVOKE: Final = "INVOKE"
SHUTDOWN: Final = "SHUTDOWN"
_IDENTIFIER: Final = b"lambda-extension-identifier"


class Facts(NamedTuple):
    """What an extension is told of its function."""

    name: str
    version: str
    handler: str
    account: str


class Registration(msgspec.Struct):
    """The body of a registration."""

    events: list[str] = []


class Extension:
    """One that has registered. `asking` is done with the event that it asks for, None while it works."""

    def __init__(self, name: str, identifier: str, events: Sequence[str], *, external: bool) -> None:
        self.name = name
        self.identifier = identifier
        self.events = frozenset(events)
        self.external = external
        self.asking: asyncio.Future[tuple[str, bytes]] | None = None
        self.waiting_event: tuple[str, bytes] | None = None

    @property
    def settled(self) -> bool:
        """Whether it has nothing to do."""
        return self.waiting_event is None and self.asking is not None and not self.asking.done()


class Extensions:
    """All extensions of an instance; `external` names the programs that are started beside it."""

    def __init__(self, ids: Ids, facts: Facts, external: Sequence[str]) -> None:
        self._ids = ids
        self._facts = facts
        # Programs that haven't registered yet.
        self.missing = set(external)
        self._names = frozenset(external)
        self._by_identifier: dict[str, Extension] = {}
        self._closed = False
        self._ending = False
        loop = asyncio.get_running_loop()
        # Done when every program that was started has registered.
        self.registered: asyncio.Future[None] = loop.create_future()
        # Done with what one of them reports, or what is to be said of one that has ended.
        self.failed: asyncio.Future[Delivered] = loop.create_future()
        self._idle: asyncio.Future[None] | None = None
        if not external:
            self.registered.set_result(None)

    @property
    def everyone(self) -> list[Extension]:
        """Those that have registered."""
        return list(self._by_identifier.values())

    def find(self, request: Request) -> Extension | None:
        """Return the extension that a request is from."""
        return self._by_identifier.get(request.header(_IDENTIFIER))

    async def handle(self, request: Request) -> Response:
        """Answer a call of the Extensions API."""
        name = request.raw_path[len(PREFIX) :]
        if request.method == "POST" and name == "register":
            return await self._register(request)
        if not request.header(_IDENTIFIER):
            return error(403, "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
        extension = self.find(request)
        if extension is None:
            return error(403, "Extension.UnknownExtensionIdentifier", "Unknown extension")
        if request.method == "GET" and name == "event/next":
            return await self._next(extension)
        if request.method == "POST" and name in ("init/error", "exit/error"):
            return await self._report(request, extension)
        return error(404, "NotFound", f"There is nothing at {request.raw_path}")

    def idle(self) -> asyncio.Future[None]:
        """Return what is done when all of them ask for their next event, or one has failed."""
        self._closed = True
        if self._idle is None or self._idle.done():
            self._idle = asyncio.get_running_loop().create_future()
        self._look()
        return self._idle

    def invoke(self, event: Mapping[str, Any]) -> None:
        """Tell of an invocation those that want to hear of it."""
        self._tell(INVOKE, event)

    def shut_down(self, reason: str, deadline_ms: int) -> int:
        """Tell of the end those that want to hear of it; returns how many programs these are."""
        self._ending = True
        self._tell(SHUTDOWN, {"shutdownReason": reason, "deadlineMs": deadline_ms})
        return sum(each.external and SHUTDOWN in each.events for each in self.everyone)

    async def _register(self, request: Request) -> Response:
        name = request.header(b"lambda-extension-name")
        if not name:
            return error(403, "Extension.InvalidExtensionName", "Empty extension name")
        try:
            events = msgspec.json.decode(await request.read(BODY_BYTES_MAX) or b"{}", type=Registration).events
        except (msgspec.DecodeError, UnicodeDecodeError):
            return error(403, "InvalidRequestFormat", "Request body is not an object with events")
        external = name in self._names
        allowed = (INVOKE, SHUTDOWN) if external else (INVOKE,)
        if any(event not in allowed for event in events):
            return error(403, "Extension.InvalidEventType", f"{name}: it may register for {', '.join(allowed)}")
        if self._closed:
            return error(403, "Extension.RegistrationClosed", "Extension registration closed already")
        if any(each.name == name for each in self.everyone):
            return error(403, "Extension.AlreadyRegistered", f"Extension {name} already registered")
        if len(self._by_identifier) >= EXTENSIONS_MAX:
            return error(403, "Extension.TooManyExtensions", f"Extension limit ({EXTENSIONS_MAX}) reached")
        identifier = self._ids.uuid()
        self._by_identifier[identifier] = Extension(name, identifier, events, external=external)
        self.missing.discard(name)
        if not self.missing:
            wake(self.registered)
        facts = self._facts
        told = {"functionName": facts.name, "functionVersion": facts.version, "handler": facts.handler}
        if "accountId" in request.header(b"lambda-extension-accept-feature"):
            told["accountId"] = facts.account
        return found(told, (b"Lambda-Extension-Identifier", identifier.encode()))

    async def _next(self, extension: Extension) -> Response:
        if extension.asking is not None:
            return error(403, "Extension.InvalidExtensionState", f"Extension {extension.name} already asks")
        extension.asking = asyncio.get_running_loop().create_future()
        if extension.waiting_event is not None:
            event, extension.waiting_event = extension.waiting_event, None
            extension.asking.set_result(event)
        self._look()
        try:
            number, body = await extension.asking
        except asyncio.CancelledError:
            # Its connection is gone, so it is, too.
            self._fail(extension.name, "Extension.Crash", b"")
            raise
        finally:
            extension.asking = None
        return found(body, (b"Lambda-Extension-Event-Identifier", number.encode()))

    async def _report(self, request: Request, extension: Extension) -> Response:
        kind = request.header(b"lambda-extension-function-error-type")
        if not kind:
            return error(403, "Extension.MissingHeader", "Missing Lambda-Extension-Function-Error-Type header")
        self._fail(extension.name, kind, await request.read(BODY_BYTES_MAX))
        return accepted()

    def miss(self) -> None:
        """Take note that a program has ended: without registering, or while it had something to do."""
        busy = [each.name for each in self.everyone if each.external and not each.settled]
        self._fail(min(self.missing or busy or self._names), "Extension.Crash", b"")

    def _fail(self, name: str, kind: str, body: bytes) -> None:
        if self._ending or self.failed.done():
            return
        message = f"The extension {name} has ended"
        told = body or msgspec.json.encode({"errorType": kind, "errorMessage": message})
        self.failed.set_result(Delivered(told, kind))
        wake(self.registered)
        self._look()

    def _tell(self, kind: str, event: Mapping[str, Any]) -> None:
        body = msgspec.json.encode({"eventType": kind, **event})
        for extension in self.everyone:
            if kind in extension.events:
                told = (self._ids.uuid(), body)
                if extension.asking is not None and not extension.asking.done():
                    extension.asking.set_result(told)
                else:
                    extension.waiting_event = told

    def _look(self) -> None:
        idle = self.failed.done() or all(each.settled for each in self.everyone)
        if idle and self._idle is not None:
            wake(self._idle)
