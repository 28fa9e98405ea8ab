"""The endpoints by which Azure's clients get tokens: Microsoft Entra's, and those of a host with a managed identity.

Microsoft identity platform, "OAuth 2.0 client credentials flow"
(https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow); Azure App Service, "REST
endpoint reference" of managed identities
(https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference). Who asks isn't
verified, as nobody's credentials are; a request that lacks what Entra asks for is refused in Entra's words.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec

from fogbank.clouds.azure.hosts import APP_SERVICE_PATH, CONFIGURATION, INSTANCE_PATH, KEYS, MACHINE_PATH, TOKEN
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import KIB, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

KEY: Final = "azure.identity"
LIVES_SECONDS: Final = 86_400
BODY_BYTES_MAX: Final = 64 * KIB
DEFAULT_TENANT: Final = "00000000-0000-0000-0000-0000f09ba000"
DEFAULT_CLIENT: Final = "00000000-0000-0000-0000-0000f09ba001"
# What each kind of grant must bring beside the client's id.
_GRANTS: Final = {
    "client_credentials": (),
    "password": ("username", "password"),
    "refresh_token": ("refresh_token",),
    "urn:ietf:params:oauth:grant-type:jwt-bearer": ("assertion",),
}


async def handle(parts: Parts, request: Request) -> Response:
    """Answer a request."""
    path = request.raw_path
    if path in (APP_SERVICE_PATH, MACHINE_PATH):
        return await _managed(parts, request)
    if path == INSTANCE_PATH:
        return _json(200, _describe_instance(request))
    if match := CONFIGURATION.fullmatch(path):
        return _json(200, _describe_tenant(request, match["tenant"]))
    if KEYS.fullmatch(path):
        return _json(200, {"keys": [(await parts.signer.key(KEY)).jwk]})
    match = TOKEN.fullmatch(path)
    if match is None or request.method != "POST":
        return _json(404, {"error": "not_found", "error_description": f"There is nothing at {request.method} {path}."})
    form = _read(await request.read(BODY_BYTES_MAX))
    missing = _missing(form, "resource" if match["v2"] is None else "scope")
    if missing:
        text = f"The request body must contain the following parameter: '{missing}'."
        return _refused(parts, 900_144, "invalid_request", text)
    if form["grant_type"] not in _GRANTS:
        text = f"The app requested an unsupported grant type '{form['grant_type']}'."
        return _refused(parts, 70_003, "unsupported_grant_type", text)
    audience = form.get("resource") or form["scope"].split()[0].removesuffix("/.default")
    token = await _token(parts, match["tenant"], audience, form["client_id"])
    lives = LIVES_SECONDS if match["v2"] else str(LIVES_SECONDS)
    return _json(200, {"token_type": "Bearer", "expires_in": lives, "ext_expires_in": lives, "access_token": token})


async def _managed(parts: Parts, request: Request) -> Response:
    """Answer for the identity of the host that the client believes to run on."""
    is_machine = request.raw_path == MACHINE_PATH
    asked = request.header(b"metadata").lower() == "true" if is_machine else request.header(b"x-identity-header")
    if not asked:
        return _json(
            400 if is_machine else 401,
            {"error": "invalid_request", "error_description": "Required metadata header not specified"},
        )
    query = _read(request.raw_query.encode())
    resource = query.get("resource")
    if not resource:
        text = "Required query variable 'resource' is missing"
        return _json(400, {"error": "invalid_request", "error_description": text})
    client = query.get("client_id", DEFAULT_CLIENT)
    expires = parts.clock.wall() // SECOND_US + LIVES_SECONDS
    return _json(
        200,
        {
            "access_token": await _token(parts, DEFAULT_TENANT, resource, client),
            "client_id": client,
            "expires_in": str(LIVES_SECONDS),
            "expires_on": str(expires),
            "not_before": str(expires - LIVES_SECONDS),
            "resource": resource,
            "token_type": "Bearer",
        },
    )


async def _token(parts: Parts, tenant: str, audience: str, client: str) -> str:
    """Return an access token; by the machine's time, since clients' clocks don't follow ours."""
    key = await parts.signer.key(KEY)
    now = parts.clock.wall() // SECOND_US
    # An application's object in the tenant has an id of its own, always the same.
    digest = md5(f"{tenant}/{client}".encode(), usedforsecurity=False).hexdigest()
    subject = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
    return key.token(
        {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + LIVES_SECONDS,
            "appid": client,
            "appidacr": "1",
            "idtyp": "app",
            "oid": subject,
            "sub": subject,
            "tid": tenant,
            "ver": "1.0",
        }
    )


def _missing(form: Mapping[str, str], target: str) -> str:
    """Return the first parameter that a request for a token lacks; nothing if it lacks none."""
    wanted = ("grant_type", "client_id", target, *_GRANTS.get(form.get("grant_type", ""), ()))
    missing = next((name for name in wanted if not form.get(name)), "")
    if (
        not missing
        and form["grant_type"] == "client_credentials"
        and not (form.get("client_secret") or form.get("client_assertion"))
    ):
        return "client_assertion' or 'client_secret"
    return missing


def _describe_instance(request: Request) -> dict[str, Any]:
    query = _read(request.raw_query.encode())
    endpoint = query.get("authorization_endpoint", f"{request.origin}/{DEFAULT_TENANT}/oauth2/v2.0/authorize")
    authority = endpoint.partition("/oauth2/")[0]
    host = authority.partition("://")[2].partition("/")[0]
    return {
        "tenant_discovery_endpoint": f"{authority}/v2.0/.well-known/openid-configuration",
        "api-version": query.get("api-version", "1.1"),
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _describe_tenant(request: Request, tenant: str) -> dict[str, Any]:
    base = f"{request.origin}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "tenant_region_scope": "NA",
        "cloud_instance_name": "microsoftonline.com",
    }


def _refused(parts: Parts, number: int, error: str, text: str) -> Response:
    moment = datetime.fromtimestamp(parts.clock.wall() // SECOND_US, UTC)
    trace, correlation = parts.ids.uuid(), parts.ids.uuid()
    stamp = f"{moment:%Y-%m-%d %H:%M:%SZ}"
    where = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
    return _json(
        400,
        {
            "error": error,
            "error_description": f"AADSTS{number}: {text} {where}",
            "error_codes": [number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        },
    )


def _read(data: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(data.decode("latin-1")).items()}


def _json(status: int, value: Any) -> Response:
    headers = [(b"Content-Type", b"application/json; charset=utf-8"), (b"Cache-Control", b"no-store, no-cache")]
    return Response(status, headers, msgspec.json.encode(value))
