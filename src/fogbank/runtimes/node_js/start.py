"""Node.js functions: run by the machine's Node, which is started beforehand where that makes no difference."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fogbank.runtimes import inside
from fogbank.runtimes.contract import Start
from fogbank.runtimes.model import EPHEMERAL_MIB
from fogbank.runtimes.nursery import BARE, Own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.runtimes.model import Launch, Workspace

INSIDE: Final = Path(inside.__file__).parent
STEM: Final = INSIDE / "node_stem.js"
# What Node, its libraries and the loader of programs read once, when a process starts (nodejs.org, "Command-line API",
# "Environment variables"; ld.so(8); mallopt(3)), by how it begins; and what is read later.
_READ_AT_START: Final = ("NODE_", "UV_", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_CERT_", "LC_", "LANGUAGE", "ICU_")
_READ_LATER: Final = frozenset({"NODE_ENV", "NODE_PATH", "NODE_TLS_REJECT_UNAUTHORIZED"})
_ENV: Final = "/usr/bin/env"
# The time zone in which stems are.
_ZONE: Final = ":UTC"
_LANGUAGES: Final = frozenset({"C.UTF-8", "en_US.UTF-8"})
# What the runtime itself needs beside the heap.
_OTHER_MIB: Final = 32
_HEAP_MIB_MIN: Final = 64


def node_start(
    worker: Path,
    launch: Launch,
    workspace: Workspace,
    lines: Sequence[str] = (),
    *,
    flags: Sequence[str] = (),
    options: Sequence[str] = (),
    modules: Sequence[str] = (),
    own_place: str = "",
) -> Start:
    """Return how an instance is started whose worker is that script; raises `FileNotFoundError` without Node.

    `flags` are Node's for all functions of a contract. With `options` of one function's own, or variables that a
    running Node doesn't heed, it is started for its function alone; otherwise it may have been before, with `modules`
    loaded; with `own_place`, where its code is seen, for the function alone, but ahead of time.
    """
    if launch.debug_port:
        # It waits for a debugger there before it begins.
        options = [*options, f"--inspect-brk=127.0.0.1:{launch.debug_port}"]
    command = node_command(worker, launch.memory_mib, [*flags, *options])
    if options or _has_own_start(launch, workspace):
        return Start(BARE, lines, lambda _: command)
    if own_place:
        variables = tuple(sorted(launch.environment.items()))
        own = Own(launch.key, str(workspace.code), own_place, variables, launch.memory_mib)
        waiting = (*node_command(STEM, launch.memory_mib, flags), str(worker), *modules)
        return Start(BARE._replace(program=waiting, own=own), lines, lambda _: command)
    # Setting the time zone later takes longer than all the rest.
    wanted = launch.environment.get("TZ")
    zone = [] if wanted == _ZONE else [_ENV, "-u", "TZ"] if wanted is None else [_ENV, f"TZ={wanted}"]
    waiting = (*zone, *node_command(STEM, launch.memory_mib, flags), str(worker), *modules)
    return Start(BARE._replace(program=waiting), lines, lambda _: command)


def node_command(script: Path, memory_mib: int, flags: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a script; raises `FileNotFoundError` where there is no Node."""
    program = shutil.which("node")
    if program is None:
        msg = "there is no Node.js on this machine: install it (apt install nodejs, or nodejs.org) or put it on PATH"
        raise FileNotFoundError(msg)
    # The heap is what the function has, less what the runtime itself needs.
    heap = max(_HEAP_MIB_MIN, memory_mib - _OTHER_MIB)
    return [program, f"--max-old-space-size={heap}", *flags, str(script)]


def _has_own_start(launch: Launch, workspace: Workspace) -> bool:
    """Whether something of a function has to be there when its Node starts."""
    environment = launch.environment
    if launch.ephemeral_mib != EPHEMERAL_MIB:
        return True
    if workspace.layers is not None and (workspace.layers / "lib").is_dir():
        # Libraries for native modules, which the loader looks for as LD_LIBRARY_PATH said at the start.
        return True
    if environment.get("LANG", "C.UTF-8") not in _LANGUAGES:
        return True
    return any(name.startswith(_READ_AT_START) and name not in _READ_LATER for name in environment)
