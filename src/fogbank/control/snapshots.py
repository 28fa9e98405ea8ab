"""The endpoints of the server's whole state: snapshots by name, and files of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from fogbank.connectors.snapshots.snapshots import SnapshotNameError, SnapshotNotFoundError
from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, json_reply, read_query
from fogbank.storage.images.model import ImageError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.connectors.snapshots.differences import Difference
    from fogbank.connectors.snapshots.snapshots import Snapshot, Snapshots
    from fogbank.wire.http import Request

PATH: Final = "/_fogbank/snapshots"
EXPORT_PATH: Final = "/_fogbank/export"
IMPORT_PATH: Final = "/_fogbank/import"


class SnapshotsEndpoint:
    """`GET` lists; `PUT …/NAME` saves, `DELETE …/NAME` removes.

    `POST …/NAME/restore` goes back, and `GET …/NAME/diff` tells what is other now, or in the snapshot `with`.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        name, _, action = path[len(PATH) + 1 :].partition("/")
        name = unquote(name)
        try:
            if not name:
                allow(request, path, "GET", "HEAD")
                read_query(request)
                return json_reply(200, {"snapshots": [_show(each) for each in self._snapshots.all()]})
            return await self._handle_one(request, path, name, action)
        except SnapshotNotFoundError as error:
            raise RefusedError(404, str(error)) from None
        except SnapshotNameError as error:
            raise RefusedError(400, str(error)) from None
        except ImageError as error:
            raise RefusedError(409, f"The snapshot {name} can't be used: {error}.") from None
        except OSError as error:
            raise RefusedError(500, f"The snapshot {name} can't be read or written: {error}.") from None

    async def _handle_one(self, request: Request, path: str, name: str, action: str) -> Response:
        if not action:
            allow(request, path, "PUT", "DELETE")
            read_query(request)
            if request.method == "PUT":
                return json_reply(200, _show(await self._snapshots.save(name)))
            self._snapshots.delete(name)
            return json_reply(200, {"deleted": name})
        if action == "restore":
            allow(request, path, "POST")
            read_query(request)
            return json_reply(200, _show(await self._snapshots.restore(name)))
        if action == "diff":
            allow(request, path, "GET", "HEAD")
            values = read_query(request, "with")
            found = await self._snapshots.diff(name, values.get("with"))
            return json_reply(200, {"differences": [_show_difference(each) for each in found]})
        raise RefusedError(404, f"There is nothing at {path}.")


class ExportEndpoint:
    """`GET /_fogbank/export`: a file of everything, in parts."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path != EXPORT_PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, path, "GET")
        read_query(request)
        headers = [
            (b"Content-Type", b"application/octet-stream"),
            (b"Content-Disposition", b'attachment; filename="state.fogbank"'),
        ]
        return Response(200, headers, self._snapshots.export())


class ImportEndpoint:
    """`POST /_fogbank/import`: such a file comes in the place of everything."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path != IMPORT_PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, path, "POST", "PUT")
        read_query(request)
        try:
            taken = await self._snapshots.import_(_parts(request))
        except ImageError as error:
            raise RefusedError(400, f"Nothing was imported: {error}.") from None
        except OSError as error:
            raise RefusedError(500, f"Nothing was imported: {error}.") from None
        return json_reply(200, {"taken": iso(taken.taken_us), "version": taken.version, "bytes": taken.bytes})


async def _parts(request: Request) -> AsyncIterator[bytes]:
    if request.stream is None:
        yield request.body
        return
    async for part in request.stream:
        yield part


def _show(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "taken": iso(snapshot.taken_us),
        "version": snapshot.version,
        "bytes": snapshot.bytes,
    }


def _show_difference(difference: Difference) -> dict[str, Any]:
    shown = difference._asdict()
    counts = {name: shown.pop(name) for name in ("added", "removed", "changed")}
    contents = shown.pop("contents")
    return {**shown, contents: counts} if contents else shown
