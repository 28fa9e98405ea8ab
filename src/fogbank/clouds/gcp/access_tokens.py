"""Tokens for Google's clients: the endpoint of OAuth 2.0, and a machine's metadata server.

Google Identity, "Using OAuth 2.0 for Server to Server Applications"
(https://developers.google.com/identity/protocols/oauth2/service-account); Compute Engine, "About VM metadata"
(https://cloud.google.com/compute/docs/metadata/overview). Who asks isn't verified, as nobody's credentials are, but a
request that Google would refuse for its form or its age is refused here, too.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from fogbank.clouds.gcp.identity_tokens import LIVES_SECONDS, identity_token
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import KIB, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.gcp.parts import Parts
    from fogbank.connectors.signing import Signer
    from fogbank.wire.http import Request

TOKEN_PATHS: Final = frozenset({"/token", "/oauth2/v4/token"})
METADATA: Final = "/computeMetadata/v1"
DEFAULT_PROJECT: Final = "fogbank"
DEFAULT_EMAIL: Final = f"fogbank@{DEFAULT_PROJECT}.iam.gserviceaccount.com"
BODY_BYTES_MAX: Final = 64 * KIB
# Google allows for clocks that are not the same, and for tokens of an hour.
SKEW_SECONDS: Final = 300
_BY_JWT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TIMEFRAME: Final = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    " Check your iat and exp values in the JWT claim."
)
_FLAVOR: Final = (b"Metadata-Flavor", b"Google")


def is_token_request(request: Request) -> bool:
    """Whether a request asks for a token, or anything of the metadata server."""
    path = request.raw_path
    return (request.method == "POST" and path in TOKEN_PATHS) or path.startswith(METADATA)


async def handle(parts: Parts, signer: Signer, request: Request) -> Response:
    """Answer a request for a token or for metadata."""
    if request.raw_path.startswith(METADATA):
        return await _metadata(parts, signer, request)
    values = {name: each[-1] for name, each in parse_qs((await request.read(BODY_BYTES_MAX)).decode("latin-1")).items()}
    kind = values.get("grant_type", "")
    if kind == "refresh_token":
        return _json(200, _access_token(parts))
    if kind != _BY_JWT:
        return _refused("unsupported_grant_type", f"Invalid grant_type: {kind}")
    claims = _read_claims(values.get("assertion", ""))
    if claims is None:
        return _refused("invalid_grant", "Invalid JWT: Failed audience check or malformed token.")
    issued, expires = claims.get("iat"), claims.get("exp")
    # By the machine's time: the client's clock doesn't follow ours.
    now = parts.clock.wall() // SECOND_US
    if not isinstance(issued, int) or not isinstance(expires, int) or not _is_timely(issued, expires, now):
        return _refused("invalid_grant", _TIMEFRAME)
    audience = claims.get("target_audience")
    if isinstance(audience, str):
        token = await identity_token(signer, str(claims.get("iss", "")), audience, parts.clock.wall())
        return _json(200, {"id_token": token})
    return _json(200, _access_token(parts))


def _is_timely(issued: int, expires: int, now: int) -> bool:
    return issued <= now + SKEW_SECONDS and now - SKEW_SECONDS <= expires <= issued + LIVES_SECONDS + SKEW_SECONDS


def _access_token(parts: Parts) -> dict[str, Any]:
    return {
        "access_token": f"ya29.{parts.ids.uuid().replace('-', '')}",
        "expires_in": LIVES_SECONDS - 1,
        "token_type": "Bearer",
    }


def _read_claims(assertion: str) -> dict[str, Any] | None:
    """Return what a JSON Web Token says; None for what is none."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = msgspec.json.decode(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, msgspec.DecodeError):
        return None
    return claims if isinstance(claims, dict) and isinstance(claims.get("iss"), str) else None


async def _metadata(parts: Parts, signer: Signer, request: Request) -> Response:
    """Answer as the metadata server of a virtual machine does."""
    if request.header(b"metadata-flavor") != "Google":
        return Response(403, [_FLAVOR], b"Missing required header: Metadata-Flavor")
    path = request.raw_path.removeprefix(METADATA).strip("/")
    query = parse_qs(urlsplit(f"?{request.raw_query}").query)
    account = f"instance/service-accounts/{DEFAULT_EMAIL}"
    path = path.replace("instance/service-accounts/default", account)
    texts: Mapping[str, str] = {
        "": "instance/\nproject/\n",
        "instance/zone": "projects/000000000000/zones/us-central1-a",
        "instance/region": "projects/000000000000/regions/us-central1",
        "instance/service-accounts": f"{DEFAULT_EMAIL}/\ndefault/\n",
        f"{account}/email": DEFAULT_EMAIL,
        f"{account}/scopes": "https://www.googleapis.com/auth/cloud-platform",
        "project/project-id": DEFAULT_PROJECT,
        "project/numeric-project-id": "000000000000",
        "universe/universe-domain": "googleapis.com",
    }
    if path in texts:
        return Response(200, [_FLAVOR, (b"Content-Type", b"application/text")], texts[path].encode())
    if path == account and query.get("recursive", ["false"])[-1].lower() == "true":
        scopes = [texts[f"{account}/scopes"]]
        return _json(200, {"aliases": ["default"], "email": DEFAULT_EMAIL, "scopes": scopes}, _FLAVOR)
    if path == f"{account}/token":
        return _json(200, _access_token(parts), _FLAVOR)
    if path == f"{account}/identity":
        if not query.get("audience"):
            return Response(400, [_FLAVOR], b"non-empty audience parameter required")
        token = await identity_token(signer, DEFAULT_EMAIL, query["audience"][-1], parts.clock.wall())
        return Response(200, [_FLAVOR, (b"Content-Type", b"text/html")], token.encode())
    return Response(404, [_FLAVOR], b"Not Found")


def _refused(error: str, description: str) -> Response:
    return _json(400, {"error": error, "error_description": description})


def _json(status: int, value: Any, *headers: tuple[bytes, bytes]) -> Response:
    shown = (b"Content-Type", b"application/json; charset=utf-8")
    return Response(status, [shown, (b"Cache-Control", b"no-store"), *headers], msgspec.json.encode(value))
