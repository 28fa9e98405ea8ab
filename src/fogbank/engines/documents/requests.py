"""Requests that are carried out once, however often they are sent: told by a token, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.engines.documents.errors import OtherRequestError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.storage import Tx


class Request(NamedTuple):
    """A request that may be sent again: whose it is, its token, a digest of all that it asks for.

    It is remembered for `window_seconds` after it was carried out.
    """

    scope: str
    token: str
    digest: bytes
    window_seconds: int


async def admit(tx: Tx, now_us: int, request: Request) -> bool:
    """Tell whether a request is new, and remember it; what undoes the transaction forgets it again.

    One with the same token that is under way elsewhere is waited for. Raises `OtherRequestError`.
    """
    values = (request.scope, request.token, request.digest, now_us + request.window_seconds * SECOND_US)
    if await tx.run(
        "INSERT INTO document_request (scope, token, digest, until_us) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (scope, token) DO NOTHING",
        *values,
    ):
        return True
    # Whoever finds it expired takes its place; of two, the second waits for the first and finds it alive.
    if await tx.run(
        "UPDATE document_request SET digest = $3, until_us = $4 WHERE scope = $1 AND token = $2 AND until_us <= $5",
        *values,
        now_us,
    ):
        return True
    row = await tx.one(
        "SELECT digest FROM document_request WHERE scope = $1 AND token = $2", request.scope, request.token
    )
    if row is None:
        # It was being forgotten just now.
        return await admit(tx, now_us, request)
    if bytes(row[0]) != request.digest:
        raise OtherRequestError
    return False


async def forget_expired(tx: Tx, now_us: int) -> None:
    """Forget requests that may be carried out again."""
    await tx.run("DELETE FROM document_request WHERE until_us <= $1", now_us)
