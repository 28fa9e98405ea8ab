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


class ServerUrl(click.ParamType[str]):
    """Where a server is: scheme, host and port, without a slash at the end."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a URL."""
        text = str(value).rstrip("/")
        if not _is_place(text):
            self.fail(f"{value} is not the URL of a server, such as http://{DEFAULT_HOST}:{DEFAULT_PORT}", param, ctx)
        return text


def url_option(function: F) -> F:
    """Add the option that says where the server is."""
    return _option("--url")(function)


def server_option(function: F) -> F:
    """Add that option to a command for which a URL is something else."""
    return _option("--server")(function)


def _option(name: str) -> Callable[[F], F]:
    return click.option(
        name,
        type=ServerUrl(),
        metavar="URL",
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
        raise click.ClickException(_silent(url, error)) from None
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
        raise click.ClickException(_silent(url, error)) from None
    finally:
        connection.close()
    return size


def _connect(url: str, timeout_seconds: float) -> HTTPConnection:
    parts = urlsplit(url)
    assert parts.hostname is not None, "the option reads only URLs that have one"
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout_seconds)


def _is_place(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and not (parts.path or parts.query or parts.fragment)


def _silent(url: str, error: Exception) -> str:
    """Say why there is no answer of ours."""
    if isinstance(error, ConnectionRefusedError):
        return f"No Fogbank answers at {url}: nothing listens there. fogbank up starts one."
    if isinstance(error, msgspec.DecodeError):
        return f"No Fogbank answers at {url}: what listens there is something else."
    return f"No Fogbank answers at {url}: {error}"
