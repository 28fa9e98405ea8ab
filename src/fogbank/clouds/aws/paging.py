"""Pages of lists, and their tokens: opaque texts that carry where a list goes on."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def page(
    member: str, found: Sequence[Any], limit: int, key: Callable[[Any], str], show: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return a page of a list of which one more than `limit` was found."""
    reply: dict[str, Any] = {member: [show(each) for each in found[:limit]]}
    if len(found) > limit:
        reply["NextToken"] = write_token(key(found[limit - 1]))
    return reply
