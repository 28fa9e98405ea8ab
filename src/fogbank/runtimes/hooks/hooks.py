"""Hooks: scripts in folders that are named for the stages of a server's life, run when it comes to them.

LocalStack, "Initialization Hooks" (https://docs.localstack.cloud/references/init-hooks/): `boot.d`, `start.d`,
`ready.d` and `shutdown.d`, whose files, and those of folders in them, are run in the order of their names; `.sh` and
`.py`. A script that fails is noted, and the next one is run all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STAGES: Final = ("boot", "start", "ready", "shutdown")
SUFFIXES: Final = (".sh", ".py")
# How long one script may take, and one that the server's end waits for.
SCRIPT_SECONDS_MAX: Final = 600.0
SHUTDOWN_SECONDS_MAX: Final = 60.0
SCRIPTS_MAX: Final = 1_000
_log = logging.getLogger(__name__)


class State(Enum):
    """How far a script has come."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"


class Script:
    """A script of a stage; `problem` is what went wrong, "" for nothing."""

    __slots__ = ("path", "problem", "stage", "state")

    def __init__(self, stage: str, path: Path) -> None:
        self.stage = stage
        self.path = path
        self.state = State.WAITING
        self.problem = ""


class Hooks:
    """The scripts in some folders, in the order in which they are run, and which stages are over."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.scripts = [
            Script(stage, path) for stage in STAGES for folder in folders for path in _find(folder / f"{stage}.d")
        ]
        self.completed = dict.fromkeys(STAGES, False)

    @property
    def failed(self) -> list[Script]:
        """Those that have failed."""
        return [script for script in self.scripts if script.state is State.FAILED]

    async def run(self, stage: str, variables: Mapping[str, str]) -> None:
        """Run the scripts of a stage, one after another, with some variables in their environment."""
        seconds = SHUTDOWN_SECONDS_MAX if stage == "shutdown" else SCRIPT_SECONDS_MAX
        for script in self.scripts:
            if script.stage == stage:
                script.state = State.RUNNING
                try:
                    script.problem = await _execute(script.path, {**os.environ, **variables}, seconds)
                except asyncio.CancelledError:
                    script.problem = "the server was told to end"
                    raise
                except OSError as error:
                    script.problem = f"it can't be run: {error.strerror}"
                finally:
                    script.state = State.FAILED if script.problem else State.SUCCESSFUL
                if script.problem:
                    _log.error("the hook %s failed: %s", script.path, script.problem)
        self.completed[stage] = True


def _find(folder: Path) -> list[Path]:
    """Return the scripts below a folder; what can't be run as one is left alone, and said so."""
    found = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix in SUFFIXES and path.is_file():
            found.append(path)
        elif path.is_file():
            _log.warning("%s is no hook: hooks end in %s", path, " or ".join(SUFFIXES))
    if len(found) > SCRIPTS_MAX:
        _log.warning("%s has %d hooks; only the first %d are run", folder, len(found), SCRIPTS_MAX)
    return found[:SCRIPTS_MAX]


async def _execute(path: Path, environment: Mapping[str, str], seconds: float) -> str:
    """Run a script to its end; returns what went wrong. Whatever it has started ends with it, if it is cut short."""
    if path.suffix == ".py":
        command = [sys.executable, str(path)]
    else:
        command = [str(path)] if os.access(path, os.X_OK) else ["/bin/sh", str(path)]
    # What it prints stands with the server's log; standard output is the banner's.
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr.fileno(), start_new_session=True
    )
    try:
        status = await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return f"it took more than {seconds:g} seconds"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if status < 0:
        return f"it was ended by signal {-status}"
    return f"it ended with status {status}" if status else ""
