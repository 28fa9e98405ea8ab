"""`fogbank run`: run a program whose SDKs land here, with nothing changed in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from fogbank.cli.client import ServerUrl
from fogbank.cli.progress import Progress
from fogbank.cli.running.environment import environment
from fogbank.cli.running.proxy import Place, Proxy
from fogbank.clouds.hosts import is_cloud
from fogbank.settings import DEFAULT_HOST, DEFAULT_PORT
from fogbank.wire.tls.authority import default_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

# What shells answer for a program that isn't there, that can't be run, and that a signal ended.
NOT_FOUND: Final = 127
NOT_RUNNABLE: Final = 126
BY_SIGNAL: Final = 128
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option(
    "--url", type=ServerUrl(), metavar="URL", envvar="FOGBANK_URL", show_envvar=True,
    help=f"The running server (http://{DEFAULT_HOST}:{DEFAULT_PORT}, or one for the program alone if none runs there).",
)  # fmt: skip
@click.option("--data", type=click.Path(file_okay=False), help="Folder for the server that is started (in memory).")
@click.option("--offline", is_flag=True, help="Refuse what goes neither to a cloud's host nor to this machine.")
@click.argument("arguments", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENTS]…")
def command(url: str | None, data: str | None, *, offline: bool, arguments: tuple[str, ...]) -> None:
    """Run a program that finds the clouds here, without an endpoint set anywhere in it.

    The exit status is the program's.
    """
    sys.exit(asyncio.run(_run(url, data, arguments, offline=offline)))


async def _run(url: str | None, data: str | None, arguments: Sequence[str], *, offline: bool) -> int:
    async with contextlib.AsyncExitStack() as stack:
        found = url or f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
        authority = _authority(found)
        if authority is None:
            if url is not None:
                msg = f"No Fogbank answers at {url}."
                raise click.ClickException(msg)
            with Progress("Starting a server"):
                found = await stack.enter_async_context(_server(data))
            authority = _authority(found)
            assert authority is not None, "it said that it was ready"
        elif data is not None:
            msg = f"--data is for a server that is started, and one runs at {found} already."
            raise click.ClickException(msg)
        parts = urlsplit(found)
        proxy = Proxy(Place(parts.hostname or DEFAULT_HOST, parts.port or 80), is_cloud, offline=offline)
        stack.push_async_callback(proxy.close)
        port = await proxy.listen()
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fogbank-run-")))
        values = environment(os.environ, found, port, authority, (default_folder().parent, own))
        status = await _execute(arguments, values)
    for host in sorted(proxy.refused):
        print(f"fogbank run: refused {host}, since it is offline", file=sys.stderr)
    return status


def _authority(url: str) -> bytes | None:
    """Return the certificate of the server's authority; None if there is no server."""
    parts = urlsplit(url)
    assert parts.hostname is not None, "the option reads only URLs that have one"
    if parts.scheme != "http":
        msg = f"{url} is not the plain HTTP address of a server."
        raise click.ClickException(msg)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request("GET", "/_fogbank/ca")
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return body if response.status == 200 else None


@contextlib.asynccontextmanager
async def _server(data: str | None) -> AsyncIterator[str]:
    """Start a server of the program's own on a free port; ends it as Ctrl-C would."""
    place = ("--memory",) if data is None else ("--data", data)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fogbank", "up", "--port", "0", "-o", "json", *place,
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            msg = "No server could be started."
            raise click.ClickException(msg)
        yield str(json.loads(line)["endpoint"])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await process.wait()


async def _execute(arguments: Sequence[str], values: dict[str, str]) -> int:
    """Run the program to its end, passing on signals; returns its exit status as a shell would say it."""
    loop = asyncio.get_running_loop()
    started: asyncio.Future[asyncio.subprocess.Process] = loop.create_future()
    for number in _FORWARDED:
        # What comes before the program is there waits for it.
        loop.add_signal_handler(number, started.add_done_callback, partial(_forward, number))
    try:
        process = await asyncio.create_subprocess_exec(*arguments, env=values)
    except FileNotFoundError:
        print(f"fogbank run: {arguments[0]}: not found", file=sys.stderr)
        return NOT_FOUND
    except OSError as error:
        print(f"fogbank run: {arguments[0]}: {error.strerror}", file=sys.stderr)
        return NOT_RUNNABLE
    started.set_result(process)
    status = await process.wait()
    return status if status >= 0 else BY_SIGNAL - status


def _forward(number: signal.Signals, started: asyncio.Future[asyncio.subprocess.Process]) -> None:
    # A terminal has sent it to the program already; a second one would end what is being tidied up.
    if number is signal.SIGINT and sys.stdin.isatty():
        return
    with contextlib.suppress(ProcessLookupError):
        started.result().send_signal(number)
