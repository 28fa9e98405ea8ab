"""Requests of Azure Storage: which account, which of its resources, and what is asked of it.

"Addressing queue service resources", "Addressing Table service resources"; emulators have the account as the first
segment of the path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from fogbank.clouds.azure.hosts import QUEUE_HOSTS, TABLE_HOSTS
from fogbank.clouds.azure.storage.errors import StorageError

if TYPE_CHECKING:
    from fogbank.wire.http import Request

SECONDARY: Final = "-secondary"
QUEUE: Final = "queue"
TABLE: Final = "table"
_HOSTS: Final = {QUEUE: QUEUE_HOSTS, TABLE: TABLE_HOSTS}
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}(-secondary)?")


class StorageCall(NamedTuple):
    """A request to a service (`queue`, `table`): `path` are the segments below the account, `query` has small names.

    `secondary`: it was sent to where a copy of the account would be.
    """

    request: Request
    account: str
    secondary: bool
    path: tuple[str, ...]
    query: dict[str, str]
    service: str

    @property
    def version(self) -> str:
        """The version of the protocol that the client speaks; every one is taken."""
        return self.request.header(b"x-ms-version") or self.query.get("sv") or "2026-02-06"


def read_call(request: Request, host: str, service: str) -> StorageCall:
    """Return what a request asks for, or raise the `StorageError` that it is refused with."""
    segments = [unquote(segment) for segment in request.raw_path.split("/")[1:]]
    if segments and not segments[-1]:
        segments.pop()
    for suffix in _HOSTS[service]:
        if host.endswith(suffix):
            account = host.removesuffix(suffix)
            break
    else:
        account = segments.pop(0) if segments else ""
    if not _ACCOUNT.fullmatch(account):
        raise StorageError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    query = {name.lower(): value for name, value in parse_qsl(request.raw_query, keep_blank_values=True)}
    secondary = account.endswith(SECONDARY)
    return StorageCall(request, account.removesuffix(SECONDARY), secondary, tuple(segments), query, service)
