"""Pages of lists: sizes and tokens (Google's AIP-158)."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING, Final, TypeVar

from fogbank.clouds.gcp.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
PAGE_SIZE_MAX: Final = 1_000


def read_page_size(asked: int, most: int = PAGE_SIZE_MAX) -> int:
    """Return how many there may be on a page."""
    if asked < 0:
        raise invalid("page_size", f"page_size must not be negative, but is {asked}.")
    return min(asked or most, most)


def read_page_token(token: str) -> str:
    """Return the key after which a list goes on."""
    try:
        key = b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True).decode()
    except (Base64Error, ValueError):
        key = "\0"
    if "\0" in key:
        raise invalid("page_token", "The page_token is not one that this method returned.")
    return key


def write_page_token(key: str) -> str:
    """Return the token of a key."""
    return urlsafe_b64encode(key.encode()).rstrip(b"=").decode()


def page(keyed: Sequence[tuple[str, T]], size: int, token: str) -> tuple[list[T], str]:
    """Return one page of what is sorted by its keys, and the next page's token."""
    limit = read_page_size(size)
    after = read_page_token(token)
    rest = [(key, value) for key, value in keyed if key > after] if after else list(keyed)
    shown = rest[:limit]
    return [value for _, value in shown], write_page_token(shown[-1][0]) if len(rest) > limit else ""
