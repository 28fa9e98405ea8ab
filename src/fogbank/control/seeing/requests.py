"""`/_fogbank/requests`: the latest requests, what became of them, and why."""

from __future__ import annotations

import asyncio
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.connectors.watching.names import find_known
from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.wire.http import Request as HttpRequest
from fogbank.wire.http import Response as HttpResponse
from fogbank.wire.watching.log import BODY_BYTES_MAX, ENTRIES_MAX
from fogbank.wire.watching.model import Seen, Sent
from fogbank.wire.watching.showing import read_failure, shown

if TYPE_CHECKING:
    from fogbank.storage import Store
    from fogbank.wire.http import Request, Response
    from fogbank.wire.watching.log import Entry, RequestLog

PATH: Final = "/_fogbank/requests"
WAIT_SECONDS_MAX: Final = 20
LIMIT: Final = 100
NUMBER_MAX: Final = 10**12
FAILED_FROM: Final = 400
_ONE: Final = re.compile(rf"{PATH}/(\d{{1,13}}|last)(/explanation)?")
_STATUS: Final = re.compile(r"error|ok|[0-9]{1,3}|[1-5]xx")
_FILTERS: Final = ("cloud", "service", "operation", "status")


class Told(NamedTuple):
    """An entry with all that can be told of it."""

    entry: Entry
    seen: Seen
    code: str
    message: str

    @property
    def failed(self) -> bool:
        """Whether the request was refused, or had no answer."""
        return not 0 < self.entry.status < FAILED_FROM


class RequestsEndpoint:
    """Shows what the log of requests holds.

    `GET /_fogbank/requests?after=&limit=&wait=&cloud=&service=&operation=&status=` lists: without `after` the latest,
    with it the first ones behind that number, waiting up to `wait` seconds for one. `cloud`, `service` and `operation`
    are patterns, `status` a number, `4xx`, `error` or `ok`. Below the path stands a request by its number, or `last`,
    which is the last one that failed (of those to a service, if there are such), and its `/explanation`.
    """

    def __init__(self, store: Store, log: RequestLog) -> None:
        self._store = store
        self._log = log

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        allow(request, path, "GET", "HEAD")
        if match := _ONE.fullmatch(path):
            read_query(request)
            told = self._find(match[1])
            if match[2]:
                from fogbank.control.seeing.explaining import explain  # noqa: PLC0415 - loaded on first use

                explanation = explain(told, await self._store.scan(find_known) if told.failed else [])
                return json_reply(200, {**_brief(told), "explanation": explanation})
            return json_reply(200, _whole(told))
        if path != PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        return await self._list(read_query(request, "after", "limit", "wait", *_FILTERS))

    async def _list(self, values: dict[str, str]) -> Response:
        limit = read_number(values, "limit", 1, ENTRIES_MAX, LIMIT)
        wait = read_number(values, "wait", 0, WAIT_SECONDS_MAX, 0)
        after = read_number(values, "after", 0, NUMBER_MAX, 0)
        if not _STATUS.fullmatch(values.get("status", "ok")):
            raise RefusedError(400, f"status must be a number, 4xx, error or ok, not {values['status']!r}.")
        if "after" not in values:
            found = [each for each in map(tell, self._log.entries()) if _fits(each, values)][:limit]
            return self._reply(found[::-1], self._log.last)
        # The numbers of a server that is gone are behind those of this one.
        seen = after = min(after, self._log.last)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            behind = [tell(entry) for entry in self._log.entries(seen)][::-1]
            found = [each for each in behind if _fits(each, values)]
            seen = self._log.last
            left = until - loop.time()
            if found or left <= 0:
                cut = found[:limit]
                return self._reply(cut, cut[-1].entry.number if len(found) > limit else seen)
            await self._log.wait(seen, left)

    def _reply(self, found: list[Told], last: int) -> Response:
        return json_reply(200, {"requests": [_brief(each) for each in found], "last": last})

    def _find(self, which: str) -> Told:
        if which == "last":
            failed = [told for told in map(tell, self._log.entries()) if told.failed]
            # Libraries look for what needn't be there, such as an attribute of their machine: that is no service's.
            found = next((told for told in failed if told.seen.service), failed[0] if failed else None)
            if found is None:
                raise RefusedError(404, "No request has failed, of those that are kept.")
            return found
        entry = self._log.find(int(which))
        if entry is None:
            raise RefusedError(404, f"There is no request {which}, or it isn't kept any more.")
        return tell(entry)


def tell(entry: Entry) -> Told:
    """Return what can be told of an entry."""
    front: Any = entry.front
    request = entry.request
    seen = front.describe_call(request) if isinstance(request, Sent) else front.describe(request)
    failure = entry.failure
    code, message = read_failure(failure) if isinstance(failure, HttpResponse) else failure or ("", "")
    return Told(entry, seen, code, message)


def _fits(told: Told, values: dict[str, str]) -> bool:
    cloud = told.entry.cloud
    for name, text in (("cloud", cloud), ("service", told.seen.service), ("operation", told.seen.operation)):
        pattern = values.get(name)
        if pattern is not None and not fnmatchcase(text.lower(), pattern.lower()):
            return False
    status = values.get("status")
    if status is None:
        return True
    if status in ("error", "ok"):
        return told.failed == (status == "error")
    if status.endswith("xx"):
        return told.entry.status // 100 == int(status[0])
    return told.entry.status == int(status)


def _brief(told: Told) -> dict[str, Any]:
    """Return what a list shows of a request; `took_us` is in µs, a status of 0 means that there was no answer."""
    entry, seen = told.entry, told.seen
    return {
        "id": entry.number,
        "at": iso(entry.at_us),
        "cloud": entry.cloud,
        "service": seen.service,
        "operation": seen.operation,
        "scope": seen.scope,
        "resources": list(seen.resources),
        "status": entry.status,
        "code": told.code,
        "message": told.message,
        "took_us": entry.took_ns // 1_000,
        "faults": list(entry.faults),
    }


def _whole(told: Told) -> dict[str, Any]:
    request = told.entry.request
    size = told.entry.body_bytes
    facts: dict[str, Any] = {"protocol": "gRPC", "method": "POST", "path": ""}
    if isinstance(request, HttpRequest):
        facts = {"protocol": f"HTTP/{request.version}", "method": request.method, "path": request.path}
    else:
        facts["path"] = request.path
    cut = size > BODY_BYTES_MAX
    return {**_brief(told), **facts, "body_bytes": size, "cut": cut, "parameters": shown(told.seen.parameters)}
