"""The host names of function URLs: `{url-id}.lambda-url.{region}.` and what the server itself is called."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_HOST: Final = re.compile(r"([a-z0-9]{32})\.lambda-url\.([a-z0-9-]+)\.[^/]+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:\[[^\]]*\]|[\d.]+)(:\d+)?")
_AWS: Final = ".amazonaws.com"


class UrlHost(NamedTuple):
    """What a host name says: which URL, in which region."""

    number: str
    region: str


def read_host(host: str) -> UrlHost | None:
    """Return what a host name says, None if it isn't one of a function URL."""
    match = _HOST.fullmatch(host)
    return None if match is None else UrlHost(match[1].lower(), match[2].lower())


def write_url(origin: str, number: str, region: str) -> str:
    """Return the URL by which whoever reached us at `origin` reaches a function.

    Names below an IP address can't be; below localhost they lead to this machine (RFC 6761, section 6.3).
    """
    scheme, _, host = origin.partition("://")
    name = host.partition(":")[0]
    address = _ADDRESS.fullmatch(host)
    if address is not None:
        host = f"localhost{address[1] or ''}"
    elif name.endswith(_AWS):
        host = "on.aws"
    return f"{scheme}://{number}.lambda-url.{region}.{host}/"
