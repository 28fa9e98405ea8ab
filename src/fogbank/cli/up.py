"""`fogbank up`: run the server."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fogbank import __version__
from fogbank.app import App, PortError, reachable
from fogbank.cli.output import json_option, print_line
from fogbank.control.seeding import SeedError
from fogbank.runtimes.hooks.hooks import Hooks, State
from fogbank.settings import CHOICES, DEFAULT_FOLDER, SANDBOXES, Settings, SettingsError, load_settings
from fogbank.storage import StoreUnavailableError
from fogbank.storage.migrations import NewerDatabaseError
from fogbank.storage.server.folder import FolderInUseError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fogbank.control.seeding.model import Seed

HOOK_FOLDERS: Final = (DEFAULT_FOLDER / "init", Path("/etc/localstack/init"))


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
@click.option("--log", type=click.Choice(CHOICES["log"]), help="Level from which on the server logs (warning).")
@click.option("--smtp", metavar="HOST:PORT", help="Mail server to send e-mails on to; all stay in the outbox, too.")
@click.option(
    "--alias-ports",
    is_flag=True,
    default=None,
    help="Also listen where clients look for emulators: 8081, 8902, 10001, 10002 (off).",
)
@click.option(
    "--firestore-index-check",
    is_flag=True,
    default=None,
    help="Refuse Firestore queries whose index isn't defined (off).",
)
@click.option("--firestore-rules", metavar="FILE", help="Security rules of Firestore databases that have none (open).")
@click.option(
    "--import", "import_from", type=click.Path(dir_okay=False), metavar="FILE", help="Begin with what was exported."
)
@click.option(
    "--export-on-exit", type=click.Path(dir_okay=False), metavar="FILE", help="Export everything when the server ends."
)
@click.option(
    "--announce",
    type=click.Choice(["testcontainers"]),
    help="Also print the lines that Testcontainers' modules for emulators wait for.",
)
@json_option
def command(announce: str | None, *, as_json: bool, **flags: Any) -> None:
    """Run Fogbank until Ctrl-C."""
    try:
        settings = load_settings(flags)
        logging.basicConfig(level=settings.log.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        _run(_serve(settings, _load_seed(), announces=announce is not None, as_json=as_json))
    except PortError as error:
        raise click.ClickException(_unheard(error)) from None
    except (SettingsError, SeedError, FolderInUseError, StoreUnavailableError, NewerDatabaseError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415 - the standard loop does where it can't be installed
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def _unheard(error: PortError) -> str:
    """Say why a port can't be listened on, and what can be done about it."""
    if error.errno != errno.EADDRINUSE:
        return f"Port {error.port} can't be listened on: {error.strerror}"
    from fogbank.cli.seeing.listeners import listener_of  # noqa: PLC0415 - loaded where something is in the way

    who = listener_of(error.port)
    flag = f"--{error.setting.replace('_', '-')}"
    return f"Port {error.port} is taken{who and f' by {who}'}; {flag} names another one, and {flag} 0 one that is free."


def _load_seed() -> Seed | None:
    if not Path("fogbank.toml").exists():
        return None
    from fogbank.control.seeding.model import load_seed  # noqa: PLC0415 - loaded where there is something to read

    return load_seed()


async def _serve(settings: Settings, seed: Seed | None, *, announces: bool, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    hooks = Hooks(HOOK_FOLDERS)
    # Where the server will be; nowhere yet if it takes any port that is free.
    variables = _variables(hooks, reachable(settings.host, settings.port)) if settings.port else {}
    for stage in ("boot", "start"):
        await _unless(stop, hooks.run(stage, variables))
    if stop.is_set():
        return
    async with App(settings, hooks=hooks) as app:
        variables = _variables(hooks, app.loopback_url)
        seeded = await _plant(app, seed)
        await _unless(stop, hooks.run("ready", variables))
        if not stop.is_set():
            if as_json:
                print_line(facts(app))
            else:
                print(banner(app, seeded), flush=True)
            for line in announcements(app) if announces else ():
                print(line, flush=True)
        await stop.wait()
        if not as_json:
            print("Stopping.", file=sys.stderr, flush=True)
        await hooks.run("shutdown", variables)


async def _plant(app: App, seed: Seed | None) -> int:
    """Have what is declared made; returns how much that is."""
    if seed is None or not seed.resources:
        return 0
    from fogbank.control.seeding.planting import plant  # noqa: PLC0415 - loaded where there is something to do

    return len(await plant(app.handle, seed))


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do some work, or cancel it when the server is told to end."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (doing, stopping):
            each.cancel()
        await asyncio.wait((doing, stopping))
    if not doing.cancelled():
        doing.result()


def _variables(hooks: Hooks, url: str) -> dict[str, str]:
    """Return what hooks find in their environment beside the server's own."""
    if not hooks.scripts:
        return {}
    from fogbank.cli.running.variables import variables  # noqa: PLC0415 - loaded where there are hooks

    return {**variables(url), "FOGBANK_URL": url}


def announcements(app: App) -> tuple[str, ...]:
    """Return the lines by which Testcontainers' modules know that an emulator is ready, of those that there are here.

    LocalStack's is the banner's last. Pub/Sub's module looks for "started", Firestore's for "running", and Cosmos DB's
    for a last line with a carriage return.
    """
    return (f"Pub/Sub: server started, listening on {app.port}", "Firestore: server is running", "Started\r")


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


def banner(app: App, seeded: int = 0) -> str:
    """Return what is printed once the server answers; its last line is what test containers wait for."""
    ran = sum(script.state is not State.WAITING for script in app.hooks.scripts)
    return "\n".join(
        (
            f"Fogbank {__version__}",
            f"  Endpoint     {app.url}",
            f"  TLS          {app.tls_url or 'the port after the endpoint is taken: only through the proxy'}",
            *(f"  Alias        port {port}, {what}" for port, what in app.aliases.items()),
            f"  Data         {app.store.description}",
            f"  Sandbox      {app.sandbox}",
            "  Credentials  not verified: anything is accepted, policies are kept but not evaluated",
            *(("  Reachable    by others, who may do everything",) if app.settings.exposed else ()),
            *(f"  Note         {note}" for note in (*app.settings.notes, *app.missing_services)),
            *((f"  Seed         {seeded} resources of fogbank.toml are there",) if seeded else ()),
            *((f"  Hooks        {ran} run, {len(app.hooks.failed)} failed",) if ran else ()),
            *(f"  Failed       {script.path}: {script.problem}" for script in app.hooks.failed),
            "Ready.",
        )
    )
