"""The endpoints of what is kept of invocations: list, show, replay."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from fogbank.connectors.invoker import LoopError
from fogbank.control.records import brief, context_for, read_replay, whole
from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.engines.functions import history
from fogbank.engines.functions.errors import FunctionNotFoundError, InvocationNotFoundError
from fogbank.engines.functions.history import NEWEST, Choice
from fogbank.runtimes.model import Invocation
from fogbank.runtimes.runner import BusyError
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from fogbank.connectors.invocation_history import InvocationHistory
    from fogbank.connectors.invoker import Invoker
    from fogbank.engines.functions.history import Kept
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/invocations"
LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 1_000
WAIT_SECONDS_MAX: Final = 30
REPLAY_BYTES_MAX: Final = 8_388_608
_ONE: Final = re.compile(PATH + r"/([\w.-]{1,128})")
_REPLAY: Final = re.compile(_ONE.pattern + "/replay")
_STATUSES: Final = {"ok": True, "error": False}


class Invocations:
    """Answers what is asked of invocations."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, invoker: Invoker, recorder: InvocationHistory) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._invoker = invoker
        self._recorder = recorder

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path == PATH:
            allow(request, path, "GET", "HEAD")
            return await self._list(request)
        if match := _ONE.fullmatch(path):
            allow(request, path, "GET", "HEAD")
            read_query(request)
            return json_reply(200, whole(await self._find(match[1])))
        if match := _REPLAY.fullmatch(path):
            allow(request, path, "POST")
            read_query(request)
            return json_reply(200, whole(await self._replay(request, match[1])))
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _list(self, request: Request) -> Response:
        values = read_query(request, "function", "status", "limit", "before", "after", "wait")
        choice = _read_choice(values)
        limit = read_number(values, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT)
        if "after" in values:
            if "before" in values:
                raise RefusedError(400, "before and after exclude each other.")
            after = read_number(values, "after", 0, NEWEST, 0)
            wait_s = read_number(values, "wait", 0, WAIT_SECONDS_MAX, 0)
            found = await self._following(choice, after, limit, wait_s)
            follows: str | None = str(found[-1].number if found else after)
        else:
            if "wait" in values:
                raise RefusedError(400, "wait needs after: it waits for what is newer.")
            before = read_number(values, "before", 0, NEWEST, NEWEST)
            await self._recorder.flush()
            found = await self._store.scan(history.latest, choice, before, limit)
            follows = str(found[-1].number) if len(found) == limit else None
        return json_reply(200, {"invocations": [brief(kept) for kept in found], "next": follows})

    async def _following(self, choice: Choice, after: int, limit: int, wait_s: int) -> list[Kept]:
        """Return what is newer; where nothing is, wait for it for so many seconds of real time."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + wait_s
        with self._store.signals.listen(history.topic()) as listener:
            timer = loop.call_at(ends, listener.tell)
            try:
                while True:
                    await self._recorder.flush()
                    found = await self._store.scan(history.following, choice, after, limit)
                    if found or loop.time() >= ends:
                        return found
                    await listener.wait(None)
            finally:
                timer.cancel()

    async def _find(self, identifier: str) -> Kept:
        await self._recorder.flush()
        try:
            return await self._store.scan(history.find, identifier)
        except InvocationNotFoundError:
            raise RefusedError(404, f"No invocation {identifier} is kept.") from None

    async def _replay(self, request: Request, identifier: str) -> Kept:
        kept = await self._find(identifier)
        try:
            event = read_replay(await request.read(REPLAY_BYTES_MAX), kept)
        except BodyTooLargeError as error:
            raise RefusedError(413, str(error)) from None
        invocation = Invocation(self._ids.uuid(), event, context_for(kept, event))
        name, version = (kept.scope, kept.function), kept.summary.qualifier
        try:
            await self._invoker.invoke(name, invocation, version, source="replay")
        except FunctionNotFoundError:
            what = f"version {version} of the function" if version else "function"
            raise RefusedError(404, f"The {what} {kept.function} is gone.") from None
        except BusyError:
            raise RefusedError(429, f"The function {kept.function} is busy; try again.") from None
        except LoopError:
            raise RefusedError(409, f"The event is part of a loop, which {kept.function} may not run in.") from None
        return await self._find(invocation.id)


def _read_choice(values: dict[str, str]) -> Choice:
    status = values.get("status")
    if status is not None and status not in _STATUSES:
        raise RefusedError(400, f"status must be ok or error, not {status!r}.")
    if values.get("function", "-").rpartition("/")[2] == "":
        raise RefusedError(400, "function must be a function's name, which its scope and a / may precede.")
    scope, _, name = values.get("function", "").rpartition("/")
    return Choice(name or None, scope or None, None if status is None else _STATUSES[status])
