"""Who may publish and receive: keys and signed tokens ("Authenticate publishing clients"); bearers aren't verified."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote

from fogbank.clouds.azure.eventgrid.errors import unauthorized
from fogbank.clouds.azure.keys import sign
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Collection

    from fogbank.wire.http import Request

_FORMATS: Final = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S")
_SIGNED: Final = "SharedAccessSignature "
_KEY: Final = "SharedAccessKey "


def check(request: Request, keys: Collection[str], now_us: int) -> None:
    """Raise the error for a request that has neither a key nor a token made with one."""
    authorization = request.header(b"authorization")
    key = request.header(b"aeg-sas-key")
    if authorization.startswith(_KEY):
        key = authorization.removeprefix(_KEY)
    token = request.header(b"aeg-sas-token")
    if authorization.startswith(_SIGNED):
        token = authorization.removeprefix(_SIGNED)
    if key:
        if not any(hmac.compare_digest(key.encode(), each.encode()) for each in keys):
            raise unauthorized("The request authorization key is not authorized for this resource.")
    elif token:
        _check_token(token, keys, now_us)
    elif not authorization.startswith("Bearer "):
        raise unauthorized(
            "Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key."
        )


def _check_token(token: str, keys: Collection[str], now_us: int) -> None:
    signed, _, signature = token.partition("&s=")
    given = unquote(signature)
    if not any(hmac.compare_digest(sign(key, signed).encode(), given.encode()) for key in keys):
        raise unauthorized("The request authorization token is not authorized for this resource.")
    expires = parse_qs(signed).get("e", [""])[0]
    if _moment(expires) <= now_us:
        raise unauthorized(f"The request authorization token has expired: {expires}.")


def _moment(text: str) -> int:
    """Return a time as clients write it into tokens, in microseconds."""
    found = None
    try:
        # A plus sign that wasn't escaped has become a space.
        found = datetime.fromisoformat(text.replace(" ", "+") if text[10:11] == "T" else text)
    except ValueError:
        for form in _FORMATS:
            try:
                found = datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
    if found is None:
        raise unauthorized(f"The expiry of the request authorization token is no time: {text}.")
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * SECOND_US)
