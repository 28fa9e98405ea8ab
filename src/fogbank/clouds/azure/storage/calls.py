"""Requests of Azure Storage: which account, which of its resources, and what is asked of it.

"Addressing queue service resources", "Addressing Table service resources"; emulators have the account as the first
segment of the path. Tables of Cosmos DB are asked for in the same way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from fogbank.clouds.azure.hosts import COSMOS_EMULATOR, COSMOS_TABLE_HOSTS, QUEUE_HOSTS, TABLE_HOSTS, is_cosmos_table
from fogbank.clouds.azure.storage.errors import StorageError

if TYPE_CHECKING:
    from fogbank.wire.http import Request

SECONDARY: Final = "-secondary"
QUEUE: Final = "queue"
TABLE: Final = "table"
_HOSTS: Final = {QUEUE: QUEUE_HOSTS, TABLE: (*TABLE_HOSTS, *COSMOS_TABLE_HOSTS)}
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}(-secondary)?")
_COSMOS_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]")


class StorageCall(NamedTuple):
    """A request to a service (`queue`, `table`): `path` are the segments below the account, `query` has small names.

    `secondary`: it was sent to where a copy of the account would be. `root` is the path that the account's own begin
    with; `cosmos`: the account is one of Cosmos DB.
    """

    request: Request
    account: str
    secondary: bool
    path: tuple[str, ...]
    query: dict[str, str]
    service: str
    root: str = ""
    cosmos: bool = False

    @property
    def version(self) -> str:
        """The version of the protocol that the client speaks; every one is taken."""
        return self.request.header(b"x-ms-version") or self.query.get("sv") or "2026-02-06"


def read_call(request: Request, host: str, service: str) -> StorageCall:
    """Return what a request asks for, or raise the `StorageError` that it is refused with."""
    segments = [unquote(segment) for segment in request.raw_path.split("/")[1:]]
    if segments and not segments[-1]:
        segments.pop()
    cosmos = service == TABLE and is_cosmos_table(request, host)
    root = ""
    for suffix in _HOSTS[service]:
        if host.endswith(suffix):
            account = host.removesuffix(suffix)
            break
    else:
        if cosmos and segments[:1] != [COSMOS_EMULATOR]:
            account = COSMOS_EMULATOR
        else:
            account = segments.pop(0) if segments else ""
            root = f"/{account}"
    if not (_COSMOS_ACCOUNT if cosmos else _ACCOUNT).fullmatch(account):
        raise StorageError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    query = {name.lower(): value for name, value in parse_qsl(request.raw_query, keep_blank_values=True)}
    path = tuple(segments)
    if cosmos:
        return StorageCall(request, account, False, path, query, service, root, cosmos)
    secondary = account.endswith(SECONDARY)
    return StorageCall(request, account.removesuffix(SECONDARY), secondary, path, query, service, root)
