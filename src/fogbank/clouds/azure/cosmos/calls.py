"""Requests of Cosmos DB: which account, which of its resources, and what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec

from fogbank.clouds.azure.cosmos.errors import bad_request, too_large
from fogbank.clouds.azure.cosmos.numbers import in_range
from fogbank.clouds.azure.hosts import COSMOS_EMULATOR, COSMOS_HOSTS
from fogbank.kernel.scope import Scope
from fogbank.wire.http import BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Name
    from fogbank.wire.http import Request

# "Azure Cosmos DB service quotas", "Per-request limits".
BODY_BYTES_MAX: Final = 2 * 1024 * 1024
JSON: Final = (b"Content-Type", b"application/json")
# The account that emulators have.
EMULATOR: Final = COSMOS_EMULATOR
DATABASES: Final = "dbs"


class CosmosCall(NamedTuple):
    """A request: `path` are its segments without escapes, `now_us` is when it came."""

    request: Request
    account: str
    path: tuple[str, ...]
    now_us: int

    @property
    def scope(self) -> str:
        """The scope of the account's collections."""
        return scope_of(self.account)

    @property
    def databases(self) -> Name:
        """The collection of the account's databases."""
        return self.scope, DATABASES

    @property
    def container(self) -> Name:
        """The collection that a request's container is."""
        return self.scope, f"{self.path[1]}/{self.path[3]}"

    def header(self, name: bytes) -> str:
        """Return a header's value, "" for none."""
        value = self.request.headers.get(name)
        return "" if value is None else value.decode("latin-1")

    def is_set(self, name: bytes) -> bool:
        """Whether a header says true."""
        return self.header(name).lower() == "true"

    async def read_json(self) -> Any:
        """Return the body's value."""
        return decode_json(await self.read_body())

    async def read_body(self) -> bytes:
        """Return the body."""
        try:
            return await self.request.read(BODY_BYTES_MAX)
        except BodyTooLargeError:
            raise too_large() from None

    async def read_object(self) -> dict[str, Any]:
        """Return the body's object."""
        found = await self.read_json()
        if not isinstance(found, dict):
            raise bad_request("The request payload is invalid. Ensure to provide a valid request payload.")
        return found


def scope_of(account: str) -> str:
    """Return the scope of an account's collections."""
    return Scope("azure", "cosmos", account).key


def read_call(request: Request, host: str, now_us: int) -> CosmosCall:
    """Return what a request asks for."""
    path = request.raw_path.strip("/")
    segments = tuple(path.split("/")) if path else ()
    if "%" in path:
        segments = tuple(map(unquote, segments))
    account = EMULATOR
    for suffix in COSMOS_HOSTS:
        if host.endswith(suffix):
            # Names of regions stand behind the account's.
            account = host.removesuffix(suffix)
            break
    return CosmosCall(request, account, segments, now_us)


def decode_json(data: bytes) -> Any:
    """Return the value of a JSON text."""
    try:
        return in_range(data, msgspec.json.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request("The request payload is invalid. Ensure to provide a valid request payload.") from None


def json_response(status: int, value: Any, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    """Return a reply with a JSON value."""
    return Response(status, [JSON, *(headers or ())], msgspec.json.encode(value))
