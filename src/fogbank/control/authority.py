"""The certificate of the local authority, for those who are to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.control.replies import RefusedError, allow, error_reply, read_query
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.wire.http import Request
    from fogbank.wire.tls.authority import Authority

PATH: Final = "/_fogbank/ca"


class AuthorityEndpoint:
    """`GET /_fogbank/ca`: the certificate as PEM."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path != PATH:
            raise RefusedError(404, f"There is nothing at {path}.")
        allow(request, path, "GET", "HEAD")
        read_query(request)
        try:
            return Response(200, [(b"Content-Type", b"application/x-pem-file")], self._authority.certificate)
        except OSError as error:
            return error_reply(500, f"The certificate authority can't be made or read: {error}")
