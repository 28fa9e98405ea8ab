"""AWS Identity and Access Management: what its operations stand on, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.aws.api import Call, Input
from fogbank.clouds.aws.iam.errors import duplicate_tags
from fogbank.clouds.aws.identities import account_scope
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.clouds.aws.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.identity.model import Name
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

PAGE: Final = 100


class Iam(NamedTuple):
    """The parts of the server that IAM uses."""

    store: Store
    ids: Ids


class Tag(Input):
    """A tag."""

    Key: str
    Value: str


class Paged(Input, kw_only=True):
    """The input of an operation that lists something in pages."""

    Marker: str | None = None
    MaxItems: int = PAGE


def in_account(call: Call, name: str) -> Name:
    """Return the engine's name of a role or policy of the caller's account."""
    return account_scope(call.account), name


def after_marker(request: Paged) -> str:
    """Return the key behind which the page begins."""
    if request.Marker is None:
        return ""
    try:
        return read_token(request.Marker, str)
    except InvalidTokenError:
        msg = "Invalid Marker."
        raise invalid(msg) from None


def in_pages(member: str, items: Sequence[Any], request: Paged, key: Callable[[Any], str]) -> dict[str, Any]:
    """Return the reply with a page of items, of which one more than the page holds was looked for."""
    page = items[: request.MaxItems]
    reply: dict[str, Any] = {member: page, "IsTruncated": len(items) > len(page)}
    if len(items) > len(page):
        reply["Marker"] = write_token(key(page[-1]))
    return reply


def read_tags(tags: list[Tag] | None) -> dict[str, str]:
    """Return tags by their keys, which may not differ in case alone."""
    named = {tag.Key: tag.Value for tag in tags or ()}
    if len({key.lower() for key in named}) < len(tags or ()):
        raise duplicate_tags()
    return named


def show_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """Show tags in the order of their keys."""
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
