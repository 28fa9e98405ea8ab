"""`fogbank up`: run the server."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from fogbank import __version__
from fogbank.app import App
from fogbank.cli.output import json_option, print_line
from fogbank.settings import SANDBOXES, Settings, SettingsError, load_settings
from fogbank.storage import StoreUnavailableError
from fogbank.storage.folder import FolderInUseError
from fogbank.storage.migrations import NewerDatabaseError

if TYPE_CHECKING:
    from collections.abc import Coroutine


@click.command("up")
@click.option("--host", help="Address to listen on (127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one (4566).")
@click.option("--tls-port", type=int, help="Port to listen on with TLS (the port after --port).")
@click.option(
    "--ca", type=click.Path(file_okay=False), help="Folder of the certificate authority (~/.config/fogbank/ca)."
)
@click.option("--data", type=click.Path(file_okay=False), help="Folder that keeps everything (.fogbank).")
@click.option("--memory", is_flag=True, default=None, help="Keep everything in memory only.")
@click.option("--database", metavar="URL", help="Keep everything in PostgreSQL: postgresql://…")
@click.option("--insecure", is_flag=True, default=None, help="Allow an address that others can reach.")
@click.option("--shared", type=click.Path(file_okay=False), help="Folder that functions see, too, and may write into.")
@click.option(
    "--sandbox", type=click.Choice(SANDBOXES), help="strict: start only where functions can be isolated (auto)."
)
@click.option("--strict", is_flag=True, default=None, help="Refuse what only the real clouds have reasons to refuse.")
@click.option("--smtp", metavar="HOST:PORT", help="Mail server to send e-mails on to; all stay in the outbox, too.")
@click.option(
    "--alias-ports",
    is_flag=True,
    default=None,
    help="Also listen where clients look for emulators: 8081, 10001, 10002 (off).",
)
@click.option(
    "--firestore-index-check",
    is_flag=True,
    default=None,
    help="Refuse Firestore queries whose index isn't defined (off).",
)
@click.option("--firestore-rules", metavar="FILE", help="Security rules of Firestore databases that have none (open).")
@json_option
def command(*, as_json: bool, **flags: Any) -> None:
    """Run Fogbank until Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = load_settings(flags)
        _run(_serve(settings, as_json=as_json))
    except (SettingsError, FolderInUseError, StoreUnavailableError, NewerDatabaseError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415 - the standard loop does where it can't be installed
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(settings: Settings, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with App(settings) as app:
        if as_json:
            print_line(facts(app))
        else:
            print(banner(app), flush=True)
        await stop.wait()
        print("Stopping.", file=sys.stderr, flush=True)


def facts(app: App) -> dict[str, Any]:
    """Return the same for programs: one line, printed once the server answers."""
    return {
        "version": __version__,
        "endpoint": app.url,
        "tls": app.tls_url or None,
        "aliases": [{"port": port, "service": what} for port, what in app.aliases.items()],
        "data": app.store.description,
        "sandbox": app.sandbox,
        "ready": True,
    }


def banner(app: App) -> str:
    """Return what is printed once the server answers; its last line is what test containers wait for."""
    return "\n".join(
        (
            f"Fogbank {__version__}",
            f"  Endpoint     {app.url}",
            f"  TLS          {app.tls_url or 'the port after the endpoint is taken: only through the proxy'}",
            *(f"  Alias        port {port}, {what}" for port, what in app.aliases.items()),
            f"  Data         {app.store.description}",
            f"  Sandbox      {app.sandbox}",
            "  Credentials  not verified: anything is accepted, policies are kept but not evaluated",
            "Ready.",
        )
    )
