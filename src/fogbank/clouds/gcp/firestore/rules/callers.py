"""Who calls: a server, for whom rules don't hold, or a web or mobile client, with a user or without one.

As with Google's emulator (https://firebase.google.com/docs/emulator-suite/connect_firestore): the token `owner` is an
administrator's; tokens of Firebase Authentication say who the user is, and needn't be signed; whoever has no token is
nobody. Any other token is a server's.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from fogbank.wire.grpc.service import Call

_BEARER: Final = ("bearer ", "firebase ")
_ISSUER: Final = "https://securetoken.google.com/"


class Caller(NamedTuple):
    """A client; `auth` is what rules see of its user, None for nobody."""

    auth: dict[str, Any] | None


NOBODY: Final = Caller(None)


def read_caller(call: Call) -> Caller | None:
    """Return the client that calls; None for a server."""
    for key, value in call.metadata:
        if key == "authorization" and isinstance(value, str):
            return read_authorization(value)
    return NOBODY


# Clients send the same with each request; what is made of it isn't changed.
@lru_cache(maxsize=1_024)
def read_authorization(value: str) -> Caller | None:
    """Return whom an Authorization header is of; None for a server."""
    scheme = next((each for each in _BEARER if value[: len(each)].lower() == each), None)
    if scheme is None:
        return NOBODY if not value.strip() else None
    token = value[len(scheme) :].strip()
    if token.count(".") != 2:
        return None
    try:
        claims = msgspec.json.decode(_decoded(token.split(".")[1]))
    except (msgspec.DecodeError, Base64Error, ValueError):
        return None
    if not isinstance(claims, dict) or not str(claims.get("iss", "")).startswith(_ISSUER):
        return None
    uid = claims.get("user_id") or claims.get("sub")
    return Caller({"uid": uid, "token": claims})


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
