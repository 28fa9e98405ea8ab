"""Requests of WebChannel: they begin sessions, bring maps, open back channels, end sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from fogbank.wire.google.webchannel.framing import FormError, read_form, read_headers, write_chunk
from fogbank.wire.google.webchannel.sessions import NOOP_SECONDS, Session
from fogbank.wire.grpc.service import Call
from fogbank.wire.grpc.status import HTTP_STATUSES, GrpcError
from fogbank.wire.http import BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.wire.grpc.metadata import Metadata
    from fogbank.wire.grpc.service import Methods
    from fogbank.wire.http import Request

VERSION: Final = "8"
SESSIONS_MAX: Final = 10_000
# The largest requests of Firestore have 10 MiB; in a form they are longer.
BODY_BYTES_MAX: Final = 32 * 1_048_576
_PATH: Final = re.compile(r"(/[\w.]+/\w+)/channel")
_SESSION_PARAMETER: Final = "X-HTTP-Session-Id"
_KEPT_MILLIS: Final = 1_000 * NOOP_SECONDS
_PLAIN: Final = (
    (b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-cache, no-store, max-age=0"),
    (b"X-Content-Type-Options", b"nosniff"), (b"X-Accel-Buffering", b"no"),
)  # fmt: skip


class ChannelApplication:
    """Answers them for the streaming methods of services."""

    def __init__(self, methods: Methods, clock: Clock, ids: Ids) -> None:
        self._methods = methods
        self._clock = clock
        self._ids = ids
        self._sessions: dict[str, Session] = {}

    def close(self) -> None:
        """End all sessions."""
        for session in list(self._sessions.values()):
            session.close()

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        given = dict(parse_qsl(request.raw_query, keep_blank_values=True))
        match = _PATH.fullmatch(request.raw_path)
        if match is None or given.get("VER") != VERSION:
            return _plain(400, f"Fogbank speaks WebChannel's version {VERSION}.")
        try:
            if "SID" not in given or given["SID"] == "null":
                return await self._begin(request, match[1], given)
            session = self._sessions.get(given["SID"])
            if session is None:
                return _plain(400, "Error: Unknown SID")
            return await self._go_on(request, session, given)
        except GrpcError as error:
            return _plain(HTTP_STATUSES[error.code], error.message)
        except (FormError, ValueError) as error:
            return _plain(400, f"Error: {error}")
        except BodyTooLargeError as error:
            return _plain(413, str(error))

    async def _begin(self, request: Request, path: str, given: dict[str, str]) -> Response:
        if request.method != "POST":
            return _plain(405, "A session begins by POST.")
        if len(self._sessions) >= SESSIONS_MAX:
            return _plain(503, f"There are {SESSIONS_MAX} sessions already.")
        method = self._methods.find(path)
        if not (method.client_streaming and method.server_streaming):
            return _plain(400, f"{method.name} doesn't stream in both directions.")
        posted = read_form(await request.read(BODY_BYTES_MAX))
        call = Call(request.origin, _metadata(request, posted.headers, given))
        session = Session(self._ids.token(), method, call, self._methods.types, self._clock, self._forget)
        session.take(posted.offset, posted.maps)
        self._sessions[session.id] = session
        session.begin()
        # Behind the session's id: no other host, the version, how long the client may hear nothing.
        response = _chunk([[0, ["c", session.id, "", int(VERSION), int(given.get("CVER") or 0), _KEPT_MILLIS]]])
        if given.get(_SESSION_PARAMETER):
            response.headers.append((b"X-HTTP-Session-Id", session.id.encode()))
        return response

    async def _go_on(self, request: Request, session: Session, given: dict[str, str]) -> Response:
        if given.get("TYPE") == "terminate":
            session.close()
            return _plain(200, "")
        after = int(given.get("AID") or 0)
        if request.method == "GET" and given.get("RID") == "rpc":
            back = session.open_back(after, streaming=given.get("CI") == "0")
            return Response(200, list(_PLAIN), back)
        if request.method != "POST":
            return _plain(405, "Maps come by POST.")
        posted = read_form(await request.read(BODY_BYTES_MAX))
        session.acknowledge(after)
        session.take(posted.offset, posted.maps)
        return _chunk(session.state)

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.id, None)


def _metadata(request: Request, posted: Metadata, given: dict[str, str]) -> Metadata:
    """Return the headers of a call: those that stand in the form or the query count before the request's own."""
    own: Metadata = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.items()]
    return [*posted, *read_headers(given.get("$httpHeaders", "")), *own]


def _chunk(value: Any) -> Response:
    return Response(200, list(_PLAIN), write_chunk(value))


def _plain(status: int, text: str) -> Response:
    return Response(status, list(_PLAIN), text.encode())
