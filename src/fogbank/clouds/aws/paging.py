"""Pagination tokens: opaque texts that carry where a list goes on."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TypeVar

import msgspec

T = TypeVar("T")


class InvalidTokenError(Exception):
    """The token isn't one of ours."""


def write_token(place: object) -> str:
    """Return the token of a place: a key, or a tuple of keys."""
    return urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read_token(token: str, kind: type[T]) -> T:
    """Return the place of a token, or raise `InvalidTokenError`."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=kind)
    except (msgspec.MsgspecError, Base64Error, ValueError):
        raise InvalidTokenError(token) from None
