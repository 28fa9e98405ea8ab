"""HTTP requests that Cloud Scheduler and Cloud Tasks send: addresses, methods, headers, tokens, outcomes, retries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.identity_tokens import identity_token
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.connectors.delivery.posting import is_address
from fogbank.wire.grpc.status import Code

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.delivery_model import Delivery

METHODS: Final = ("POST", "POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
URL_CHARS_MAX: Final = 2_083
BACKOFF_SECONDS_MAX: Final = 30 * 86_400
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
# What a delivery keeps of the token that its request carries.
EMAIL: Final = "token-email"
AUDIENCE: Final = "token-audience"
_CODES: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.ABORTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def check_target(target: Any, url: str, field: str) -> None:
    """Raise the error for a request that can't be sent."""
    if not is_address(url) or len(url) > URL_CHARS_MAX:
        raise invalid(field, f"{field} must be an address that begins with http:// or https://, not {url[:100]!r}.")
    if not 0 <= target.http_method < len(METHODS):
        raise invalid(field, f"There is no HTTP method {target.http_method}.")
    if target.HasField("oauth_token"):
        raise unsupported("oauth_token: there are no Google APIs here that would check it; oidc_token is supported")
    if target.HasField("oidc_token") and "@" not in target.oidc_token.service_account_email:
        raise invalid(f"{field}.oidc_token", "service_account_email must be the address of a service account.")
    if target.body and METHODS[target.http_method] not in ("POST", "PUT", "PATCH"):
        raise invalid(field, f"A request by {METHODS[target.http_method]} has no body.")
    for name, value in target.headers.items():
        if not _HEADER.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise invalid(field, f"Invalid header {name!r}.")


def headers_of(target: Any, agent: str) -> dict[str, str]:
    """Return the headers that were asked for, and those that are there anyway."""
    asked = {name: value for name, value in target.headers.items() if not _is_taken(name)}
    names = {name.lower() for name in asked}
    if target.body and "content-type" not in names:
        asked["Content-Type"] = "application/octet-stream"
    return {**asked, "User-Agent": agent}


def _is_taken(name: str) -> bool:
    """Whether a header is the sender's own to set."""
    lower = name.lower()
    return lower in ("host", "content-length", "user-agent") or lower.startswith(
        ("x-google-", "x-appengine-", "x-cloudtasks-", "x-cloudscheduler")
    )


def token_facts(target: Any, url: str) -> dict[str, str]:
    """Return what a delivery must keep for its token."""
    if not target.HasField("oidc_token"):
        return {}
    token = target.oidc_token
    return {EMAIL: token.service_account_email, AUDIENCE: token.audience or url}


async def sign(signer: Signer, delivery: Delivery, now_us: int) -> Delivery:
    """Return a delivery with its token, if it has one."""
    email = delivery.facts.get(EMAIL)
    if email is None:
        return delivery
    token = await identity_token(signer, email, delivery.facts[AUDIENCE], now_us)
    headers = {**delivery.headers, "Authorization": f"Bearer {token}"}
    return msgspec.structs.replace(delivery, headers=headers)


def code_of(answer: Answer) -> Code:
    """Return the canonical code of an outcome."""
    if answer.ok:
        return Code.OK
    return _CODES.get(answer.status, Code.UNAVAILABLE if answer.status == 0 else Code.UNKNOWN)


def delays_of(least: float, most: float, doublings: int) -> tuple[float, ...]:
    """Return the seconds between attempts: doubled so many times, then longer by the same, up to the most.

    Google Cloud, "RetryConfig": 10 s at least, 300 s at most and 3 doublings make 10, 20, 40, 80, 160, 240, 300 s.
    """
    delays = [min(least, most)]
    step = least * 2 ** min(doublings, 64)
    while delays[-1] < most and len(delays) < 1_000:
        before = delays[-1]
        delays.append(min(most, before * 2 if len(delays) <= doublings else before + step))
        if delays[-1] <= before:
            break
    return tuple(delays)
