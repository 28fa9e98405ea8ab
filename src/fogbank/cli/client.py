"""How commands talk to a running server."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from fogbank.settings import DEFAULT_HOST, DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import SupportsRead

F = TypeVar("F", bound="Callable[..., Any]")
TIMEOUT_SECONDS: Final = 30.0
CHUNK_BYTES: Final = 262_144


class Target(Protocol):
    """Where bytes are written to."""

    def write(self, part: bytes, /) -> int:
        """Write some; returns how many."""


def url_option(function: F) -> F:
    """Add the option that says where the server is."""
    return _option("--url")(function)


def server_option(function: F) -> F:
    """Add that option to a command for which a URL is something else."""
    return _option("--server")(function)


def _option(name: str) -> Callable[[F], F]:
    return click.option(
        name,
        envvar="FOGBANK_URL",
        default=f"http://{DEFAULT_HOST}:{DEFAULT_PORT}",
        show_default=True,
        show_envvar=True,
        help="The running server.",
    )


def ask(
    url: str,
    method: str,
    path: str,
    body: bytes | SupportsRead[bytes] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Any:
    """Send a request to our own endpoints and return the JSON of the reply; errors end the command."""
    connection = _connect(url, timeout_seconds)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = msgspec.json.decode(response.read())
    except (OSError, HTTPException, msgspec.DecodeError) as error:
        msg = f"No Fogbank answers at {url}: {error}"
        raise click.ClickException(msg) from None
    finally:
        connection.close()
    if response.status >= 400:
        raise click.ClickException(answer.get("error", f"HTTP {response.status}"))
    return answer


def fetch(url: str, path: str, target: Target, timeout_seconds: float) -> int:
    """Write what our own endpoints answer into a file and return its length in bytes; errors end the command."""
    connection = _connect(url, timeout_seconds)
    size = 0
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status >= 400:
            answer = msgspec.json.decode(response.read())
            raise click.ClickException(answer.get("error", f"HTTP {response.status}"))
        while part := response.read(CHUNK_BYTES):
            size += target.write(part)
    except (OSError, HTTPException, msgspec.DecodeError) as error:
        msg = f"No Fogbank answers at {url}: {error}"
        raise click.ClickException(msg) from None
    finally:
        connection.close()
    return size


def _connect(url: str, timeout_seconds: float) -> HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        msg = f"{url} is not the URL of a server."
        raise click.ClickException(msg)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout_seconds)
