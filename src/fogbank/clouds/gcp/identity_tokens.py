"""OpenID Connect tokens of service accounts, and the keys by which receivers check them.

Google Cloud, "Authentication for push subscriptions", "Using HTTP Target tasks with authentication tokens": claims;
https://www.googleapis.com/oauth2/v1/certs (certificates by key) and /v3/certs (JSON Web Keys), which are paths of
ours, too.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.connectors.signing import Signer

KEY: Final = "gcp.identity"
ISSUER: Final = "https://accounts.google.com"
LIVES_SECONDS: Final = 3_600
_V1: Final = "/oauth2/v1/certs"
_V3: Final = "/oauth2/v3/certs"
PATHS: Final = frozenset({_V1, _V3})


async def identity_token(signer: Signer, email: str, audience: str, now_us: int) -> str:
    """Return a token that says who calls."""
    key = await signer.key(KEY)
    now = now_us // SECOND_US
    # Accounts have numbers of 21 digits.
    subject = str(int(sha256(email.encode()).hexdigest(), 16))[:21]
    claims: dict[str, Any] = {
        "aud": audience,
        "azp": subject,
        "email": email,
        "email_verified": True,
        "exp": now + LIVES_SECONDS,
        "iat": now,
        "iss": ISSUER,
        "sub": subject,
    }
    return key.token(claims)


async def certificates(signer: Signer, path: str) -> Response:
    """Return the public keys."""
    key = await signer.key(KEY)
    shown = {key.id: key.certificate.decode()} if path == _V1 else {"keys": [key.jwk]}
    headers = [(b"Content-Type", b"application/json; charset=UTF-8"), (b"Cache-Control", b"public, max-age=3600")]
    return Response(200, headers, msgspec.json.encode(shown))
