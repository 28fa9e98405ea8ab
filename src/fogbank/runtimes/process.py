"""A process of user code: started with nothing of ours but its arguments, watched, ended with all it started.

Sandbox tier A, which works everywhere: a session of its own, a clean environment, no inherited descriptors,
resource limits, a private folder for temporary files. Ending it kills the whole tree: its descendants, its
session, and what has left both, which is recognised by the token in its environment. For that the server adopts
orphans (`PR_SET_CHILD_SUBREAPER`) instead of leaving them to init.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOKEN_VARIABLE: Final = "FOGBANK_INSTANCE"  # noqa: S105 - a name, not a secret
OPEN_FILES_MAX: Final = 1_024
FILE_BYTES_MAX: Final = 512 * 1_048_576
SANDBOX: Final = "tier A, own session, limits, clean environment, private temporary folder"
_KILL_ROUNDS_MAX: Final = 100
_REAP_AGAIN_SECONDS: Final = 0.02
_PR_SET_CHILD_SUBREAPER: Final = 36
_LIMITS: Final = (
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    (resource.RLIMIT_FSIZE, FILE_BYTES_MAX),
)


class Process:
    """A started process. `exited` is done with its wait status once it has ended."""

    def __init__(self, popen: subprocess.Popen[bytes], token: str) -> None:
        self.pid = popen.pid
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._popen = popen
        self._token = token
        self._watch()

    @classmethod
    def start(
        cls, command: Sequence[str], environment: dict[str, str], folder: Path, output: int, token: str
    ) -> Process:
        """Start a command in a folder; what it prints goes to the descriptor `output`."""
        _adopt_orphans()
        popen = subprocess.Popen(  # noqa: S603 - running users' code is what this is for
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, TOKEN_VARIABLE: token},
            cwd=folder,
            start_new_session=True,
            close_fds=True,
        )
        if sys.platform == "linux":
            for kind, limit in _LIMITS:
                with contextlib.suppress(ProcessLookupError, ValueError, PermissionError):
                    resource.prlimit(popen.pid, kind, (limit, limit))
        return cls(popen, token)

    @property
    def running(self) -> bool:
        """Whether it hasn't ended."""
        return not self.exited.done()

    def resident_bytes(self) -> int:
        """Memory that the whole tree holds now."""
        return sum(_status_bytes(pid, "VmRSS:") for pid in _tree(self.pid))

    def peak_bytes(self) -> int:
        """The most memory that the process itself has held."""
        return _status_bytes(self.pid, "VmHWM:")

    def kill(self) -> None:
        """End the process and everything that it started, at once."""
        for _ in range(_KILL_ROUNDS_MAX):
            tree = set(_tree(self.pid)) if self.running else set()
            victims = tree | self._strays()
            if not victims:
                break
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            if self.pid in victims:
                self._popen.wait()
                self._ended()
            _UNREAPED.update(victims - {self.pid})
            _reap()

    def _strays(self) -> set[int]:
        """Return processes of ours that left the tree: orphans of the session, or with our token."""
        strays = set()
        for pid in _children(os.getpid()):
            if pid != self.pid and pid not in _UNREAPED and (_session(pid) == self.pid or self._is_ours(pid)):
                strays |= set(_tree(pid))
        return strays

    def _is_ours(self, pid: int) -> bool:
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"{TOKEN_VARIABLE}={self._token}".encode() in variables

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            waiting = loop.run_in_executor(None, self._popen.wait)
            waiting.add_done_callback(lambda _: self._ended())
            return

        def on_end() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._popen.wait()
            self._ended()

        loop.add_reader(descriptor, on_end)

    def _ended(self) -> None:
        if not self.exited.done():
            self.exited.set_result(self._popen.returncode)


# Killed processes that were adopted from instances and whose ends nobody has collected yet.
_UNREAPED: Final[set[int]] = set()


def _reap() -> None:
    """Collect the ends of killed processes; those that take their time are looked at again."""
    for pid in list(_UNREAPED):
        try:
            done, _status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            done = pid
        if done or not Path(f"/proc/{pid}").exists():
            _UNREAPED.discard(pid)
    if _UNREAPED:
        asyncio.get_running_loop().call_later(_REAP_AGAIN_SECONDS, _reap)


@cache
def _adopt_orphans() -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - not needed before the first function runs

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and its descendants, parents first."""
    todo = [pid]
    while todo:
        pid = todo.pop()
        yield pid
        todo += _children(pid)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else "Z"


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if fields else 0


def _status_bytes(pid: int, name: str) -> int:
    try:
        with Path(f"/proc/{pid}/status").open() as file:
            for line in file:
                if line.startswith(name):
                    return int(line.split()[1]) * 1_024
    except OSError:
        pass
    return 0
