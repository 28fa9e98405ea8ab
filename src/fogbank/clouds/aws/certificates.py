"""The certificates of the keys that AWS's services sign with: anyone may fetch them, where signatures say they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.connectors.signing import Signer
    from fogbank.wire.http import Request

SNS_KEY: Final = "aws.sns"
_PREFIX: Final = "/SimpleNotificationService-"
_SUFFIX: Final = ".pem"


def sns_certificate_path(key_id: str) -> str:
    """Return the path of the certificate of SNS's key."""
    return f"{_PREFIX}{key_id}{_SUFFIX}"


class Certificates:
    """Answers requests for certificates."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def claims(self, request: Request) -> bool:
        """Tell by the path."""
        return request.raw_path.startswith(_PREFIX)

    async def handle(self, request: Request) -> Response:
        """Answer with the certificate that the path names."""
        key = await self._signer.key(SNS_KEY)
        if request.raw_path != sns_certificate_path(key.id):
            return Response(404, [(b"Content-Type", b"text/plain")], b"There is no such certificate.\n")
        if request.method not in ("GET", "HEAD"):
            return Response(405, [(b"Content-Type", b"text/plain"), (b"Allow", b"GET, HEAD")], b"Use GET.\n")
        return Response(200, [(b"Content-Type", b"application/x-x509-ca-cert")], key.certificate)
