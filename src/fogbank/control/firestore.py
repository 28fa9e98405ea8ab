"""The endpoints of what Firebase's command line does with Firestore: files of indexes and of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.control.replies import RefusedError, allow, json_reply, read_query
from fogbank.wire.http import BodyTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.gcp.firestore.names import Database
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.http import Request, Response

PATH: Final = "/_fogbank/firestore"
_INDEXES: Final = f"{PATH}/indexes"
_RULES: Final = f"{PATH}/rules"
RULES_BYTES_MAX: Final = 262_144


class FirestoreEndpoint:
    """Answers what is asked of Firestore's databases."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        from fogbank.wire.grpc.status import GrpcError  # noqa: PLC0415 - loaded on first use

        try:
            if path == _INDEXES:
                allow(request, path, "GET", "POST")
                return await (self._take_indexes(request) if request.method == "POST" else self._indexes(request))
            if path == _RULES:
                allow(request, path, "GET", "PUT")
                return await (self._set_rules(request) if request.method == "PUT" else self._rules(request))
        except GrpcError as error:
            raise RefusedError(400, error.message) from None
        except BodyTooLargeError as error:
            raise RefusedError(413, str(error)) from None
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _indexes(self, request: Request) -> Response:
        from fogbank.clouds.gcp.firestore.indexing import files  # noqa: PLC0415 - loaded on first use

        values = read_query(request, "database", "missing")
        missing = values.get("missing", "false") == "true"
        return json_reply(200, await files.make_file(self._parts(), _database(values), missing=missing))

    async def _take_indexes(self, request: Request) -> Response:
        from fogbank.clouds.gcp.firestore.indexing import files  # noqa: PLC0415 - loaded on first use

        database = _database(read_query(request, "database"))
        defined = await files.take_file(self._parts(), database, await request.read(files.FILE_BYTES_MAX))
        return json_reply(200, {"defined": defined})

    async def _rules(self, request: Request) -> Response:
        from fogbank.clouds.gcp.firestore.rules import keeping  # noqa: PLC0415 - loaded on first use
        from fogbank.clouds.gcp.firestore.service import find  # noqa: PLC0415 - loaded on first use

        database = _database(read_query(request, "database"))

        async def read(tx: Tx, now_us: int) -> str | None:
            return await keeping.released_text(tx, now_us, await find(tx, now_us, database))

        return json_reply(200, {"rules": await self._parts().store.read(read)})

    async def _set_rules(self, request: Request) -> Response:
        from fogbank.clouds.gcp.firebaserules import releases  # noqa: PLC0415 - loaded on first use

        database = _database(read_query(request, "database"))
        try:
            text = (await request.read(RULES_BYTES_MAX)).decode()
        except UnicodeDecodeError:
            raise RefusedError(400, "Rules are text in UTF-8.") from None
        await releases.set_rules(self._parts(), database, text)
        return json_reply(200, {"set": True})


def _database(values: dict[str, str]) -> Database:
    from fogbank.clouds.gcp.firestore.names import read_database  # noqa: PLC0415 - loaded on first use

    if "database" not in values:
        raise RefusedError(400, "The parameter database is missing: projects/PROJECT/databases/DATABASE.")
    return read_database(values["database"])
