"""What `fogbank doctor` looks at."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from fogbank.app import ALIAS_PORTS, reachable
from fogbank.cli.client import ask
from fogbank.cli.seeing.listeners import listener_of
from fogbank.cli.seeing.runtimes import found_runtimes
from fogbank.settings import PORT_MAX
from fogbank.storage.inspection import inspect_folder
from fogbank.wire.tls.authority import CERTIFICATE, KEY, default_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.settings import Settings

OK: Final = "ok"
NOTE: Final = "note"
WRONG: Final = "wrong"
_ASK_SECONDS: Final = 3.0
# Who else may read or write a file.
_OTHERS: Final = 0o077
_AHEAD_SECONDS: Final = 1.0


class Finding(NamedTuple):
    """What a check has found: `state` is ok, note (it works, but) or wrong; `cure` is what helps, if anything does."""

    check: str
    state: str
    text: str
    cure: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a server with these settings needs."""
    return [
        *check_ports(settings),
        *check_authority(settings),
        check_sandbox(settings),
        *(Finding("runtimes", OK if each.version else NOTE, each.text) for each in found_runtimes()),
        check_data(settings),
        *check_clock(settings),
        *check_driver(settings),
    ]


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Look whether the ports are free, and whose they are if they aren't."""
    tls_port = settings.tls_port
    asked = tls_port is not None
    if tls_port is None and 0 < settings.port < PORT_MAX:
        tls_port = settings.port + 1
    yield _check_port(settings.host, settings.port, "the endpoint", WRONG, "Choose another one with --port.")
    if tls_port is not None:
        state, cure = (WRONG, "Choose another one with --tls-port.") if asked else (NOTE, "TLS goes by the proxy only.")
        main = settings.port if _server_at(reachable(settings.host, settings.port)) else 0
        yield _check_port(settings.host, tls_port, "TLS", state, cure, main)
    state = WRONG if settings.alias_ports else NOTE
    for port, what in ALIAS_PORTS.items():
        yield _check_port(settings.host, port, what, state, "Only --alias-ports needs it.")


def _check_port(host: str, port: int, what: str, taken: str, cure: str, main: int = 0) -> Finding:
    """Look at a port; `main` is that of a server which may have it beside its own."""
    name = f"{port} ({what})"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the server does it: what a server before left behind is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            # Two may bind a port, but only one listens.
            probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return Finding("ports", taken, f"{name} can't be listened on: {error.strerror}", cure)
        else:
            return Finding("ports", OK, f"{name} is free")
    if running := _server_at(reachable(host, port)):
        return Finding("ports", OK, f"{name}: Fogbank {running} answers there already")
    owner = listener_of(port)
    if main and owner and owner == listener_of(main):
        return Finding("ports", OK, f"{name}: the same server answers there")
    return Finding("ports", taken, f"{name} is taken{f' by {owner}' if owner else ' by another program'}", cure)


def _server_at(url: str) -> str:
    """Return the version of the server at a URL, nothing if there is none."""
    with contextlib.suppress(click.ClickException):
        answer = ask(url, "GET", "/_fogbank/health", timeout_seconds=_ASK_SECONDS)
        if isinstance(answer, dict) and answer.get("edition") == "fogbank":
            return str(answer["version"])
    return ""


def check_authority(settings: Settings) -> Iterator[Finding]:
    """Look at the certificate authority: whether it is there, whole, its owner's alone, valid, and trusted."""
    from fogbank.cli.seeing.trust import is_trusted, validity  # noqa: PLC0415 - dear to load

    folder = settings.ca or default_folder()
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not certificate.exists():
        yield Finding("authority", OK, f"{folder} isn't there yet; it is made when it is first needed")
        return
    try:
        mode = key.stat().st_mode
        problem = validity(certificate.read_bytes(), key.read_bytes())
    except OSError as error:
        yield Finding("authority", WRONG, f"{error.filename}: {error.strerror}", f"Remove {folder}: it is made anew.")
        return
    if problem:
        yield Finding("authority", WRONG, f"{certificate} {problem}", f"Remove {folder}: it is made anew.")
    elif mode & _OTHERS:
        yield Finding("authority", WRONG, f"others may read or write {key}", f"chmod 600 {key}")
    else:
        yield Finding("authority", OK, f"{certificate} is valid, its key the owner's alone")
    if is_trusted(certificate.read_bytes()):
        yield Finding("authority", OK, "the system trusts it")
    else:
        cure = "fogbank ca trust; programs below fogbank run trust it all the same."
        yield Finding("authority", NOTE, "the system doesn't trust it", cure)


def check_sandbox(settings: Settings) -> Finding:
    """Find out, by starting one, what sandbox functions get."""
    if sys.platform != "linux":
        return Finding("sandbox", NOTE, "functions are isolated on Linux only")
    try:
        name, note = asyncio.run(_tier(isolated=settings.sandbox != "process"))
    except OSError as error:
        return Finding("sandbox", WRONG, f"functions can't be run: {error}")
    text = f"tier {name}" + (f" (no more, because {note})" if note else "")
    if settings.sandbox == "strict" and name != "B":
        return Finding("sandbox", WRONG, text, "--sandbox strict asks for tier B.")
    return Finding("sandbox", NOTE if note else OK, text)


async def _tier(*, isolated: bool) -> tuple[str, str]:
    from fogbank.kernel.clock import Clock  # noqa: PLC0415 - with the runtimes
    from fogbank.kernel.ids import Ids  # noqa: PLC0415 - with the runtimes
    from fogbank.runtimes.lambda_runtime_api.python import PYTHON  # noqa: PLC0415 - dear to load
    from fogbank.runtimes.nursery import Nursery  # noqa: PLC0415 - dear to load

    with tempfile.TemporaryDirectory(prefix="fogbank-doctor-") as folder:
        nursery = Nursery(Path(folder), Ids(Clock()), None)
        try:
            await nursery.open(PYTHON, isolated=isolated)
        finally:
            await nursery.close()
    return nursery.tier.name, nursery.tier.note


def check_data(settings: Settings) -> Finding:
    """Look at the data folder: whether it can be written, who works in it, how new its database is."""
    if settings.memory or settings.database is not None:
        return Finding("data", OK, "in memory" if settings.memory else "in PostgreSQL")
    path = settings.data.absolute()
    state = inspect_folder(path)
    if not state.writable:
        what = "can't be written to" if state.exists else "can't be made"
        return Finding("data", WRONG, f"{path} {what}", "Give another folder with --data, or change its owner.")
    if state.broken:
        return Finding("data", WRONG, f"the database in {path} can't be read: {state.broken}")
    if state.version is not None and state.version > state.newest:
        text = f"{path} was written by a later Fogbank (migration {state.version}, this one knows {state.newest})"
        return Finding("data", WRONG, text, "Install that version, or give another folder with --data.")
    if state.locked:
        who = ", ".join(f"process {pid}" for pid in state.holders) or "another process"
        at = _server_at(reachable(settings.host, settings.port))
        cure = "" if at else "End it, or give another folder with --data."
        return Finding("data", NOTE if at else WRONG, f"{path} is in use by {who}", cure)
    if not state.exists:
        return Finding("data", OK, f"{path} isn't there yet; it is made when the server starts")
    older = state.version is not None and state.version < state.newest
    return Finding("data", OK, f"{path} can be written to" + (", and is brought up to this version" if older else ""))


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Look whether a running server's time is the machine's."""
    try:
        clock = ask(reachable(settings.host, settings.port), "GET", "/_fogbank/clock", timeout_seconds=_ASK_SECONDS)
        ahead, frozen = float(clock["ahead_seconds"]), bool(clock["frozen"])
    except (click.ClickException, KeyError, TypeError, AttributeError):
        return
    if frozen:
        yield Finding("clock", NOTE, "the running server's clock stands still", "fogbank clock resume")
    elif abs(ahead) > _AHEAD_SECONDS:
        where = "ahead of" if ahead > 0 else "behind"
        cure = "Signatures and tokens of real clouds' clients may be refused; time never goes back."
        yield Finding("clock", NOTE, f"the running server is {abs(ahead):g} s {where} this machine", cure)
    else:
        yield Finding("clock", OK, "the running server has this machine's time")


def check_driver(settings: Settings) -> Iterator[Finding]:
    """Look for the driver of PostgreSQL."""
    if find_spec("asyncpg") is not None:
        yield Finding("postgresql", OK, "its driver is there")
    elif settings.database is not None:
        yield Finding("postgresql", WRONG, "its driver isn't installed", "pip install asyncpg")
    else:
        yield Finding("postgresql", NOTE, "its driver isn't installed; only --database needs it", "pip install asyncpg")
