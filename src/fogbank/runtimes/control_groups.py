"""Control groups: exact limits on memory and processes, where the kernel lets this server set them.

Linux kernel documentation, "Control Group v2" and "Memory Resource Controller" (version 1). Where neither can be
used, memory is watched instead (`process.py`).
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path("/sys/fs/cgroup")
PROCESSES_MAX: Final = 1_024


class _Files(NamedTuple):
    """The names of a version's files."""

    limit: str
    swap_limit: str
    peak: str
    events: str


_V1: Final = _Files(
    "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"
)
_V2: Final = _Files("memory.max", "memory.swap.max", "memory.peak", "memory.events")


class Group:
    """The control groups of one instance: of memory, and of processes, which are the same in version 2."""

    def __init__(self, memory: Path, processes: Path, files: _Files) -> None:
        self._memory = memory
        self._processes = processes
        self._files = files
        for path in {memory, processes}:
            path.mkdir()
        (processes / "pids.max").write_text(str(PROCESSES_MAX))
        # Kept open, because it is read after every invocation.
        try:
            self._peak = os.open(memory / files.peak, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._peak = -1

    @property
    def paths(self) -> list[str]:
        """The folders whose groups a process has to join."""
        return sorted({str(self._memory), str(self._processes)})

    def take(self, pid: int) -> None:
        """Take a process in, and what it starts from now on."""
        for path in self.paths:
            (Path(path) / "cgroup.procs").write_text(str(pid))

    def limit(self, memory_bytes: int) -> None:
        """Let the kernel end what holds more memory."""
        (self._memory / self._files.limit).write_text(str(memory_bytes))
        with contextlib.suppress(OSError):
            # Without accounting of swap there is no such file.
            swap = memory_bytes if self._files is _V1 else 0
            (self._memory / self._files.swap_limit).write_text(str(swap))

    def peak_bytes(self) -> int:
        """The most memory that was held; 0 where the kernel doesn't say."""
        try:
            return int(os.pread(self._peak, 32, 0))
        except (OSError, ValueError):
            return 0

    def ended_by_memory(self) -> bool:
        """Whether the kernel has ended a process for holding too much."""
        try:
            lines = (self._memory / self._files.events).read_text().splitlines()
        except OSError:
            return False
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)

    def remove(self) -> bool:
        """Remove the groups; False while processes are still on their way out."""
        if self._peak >= 0:
            os.close(self._peak)
            self._peak = -1
        try:
            for path in {self._memory, self._processes}:
                if path.exists():
                    path.rmdir()
        except OSError:
            return False
        return True


class ControlGroups:
    """Makes instances' groups below one of the server's own."""

    def __init__(self, memory: Path, processes: Path, files: _Files) -> None:
        self._memory = memory
        self._processes = processes
        self._files = files

    def make(self, name: str) -> Group:
        """Make the groups of one instance."""
        return Group(self._memory / name, self._processes / name, self._files)

    def close(self) -> None:
        """Remove the server's own groups; those of instances are gone by then."""
        for path in {self._memory, self._processes}:
            with contextlib.suppress(OSError):
                path.rmdir()


def find_control_groups() -> ControlGroups | None:
    """Return what makes groups, or None where this process may not."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    places = dict(line.split(":", 2)[1:] for line in lines)
    name = f"fogbank-{os.getpid()}"
    try:
        if "memory" in places and "pids" in places:
            memory, processes = (_own(ROOT / kind, places[kind]) / name for kind in ("memory", "pids"))
            files = _V1
        elif "" in places and _delegates(_own(ROOT, places[""])):
            memory = processes = _own(ROOT, places[""]) / name
            files = _V2
        else:
            return None
        for path in {memory, processes}:
            _sweep(path.parent)
            path.mkdir()
            if files is _V2:
                (path / "cgroup.subtree_control").write_text("+memory +pids")
        ControlGroups(memory, processes, files).make("probe").remove()
    except OSError:
        return None
    return ControlGroups(memory, processes, files)


def _sweep(folder: Path) -> None:
    """Remove what servers have left that were killed."""
    for left in folder.glob("fogbank-*"):
        if Path(f"/proc/{left.name.removeprefix('fogbank-')}").exists():
            continue
        for path in (*left.iterdir(), left):
            if path.is_dir():
                with contextlib.suppress(OSError):
                    path.rmdir()


def _own(mount: Path, place: str) -> Path:
    """Return the folder of this process's group; in a container the mount may begin at it."""
    own = mount / place.lstrip("/")
    return own if own.is_dir() else mount


def _delegates(own: Path) -> bool:
    """Whether groups below may limit memory and processes."""
    try:
        given = (own / "cgroup.subtree_control").read_text().split()
        if not {"memory", "pids"} <= set(given):
            (own / "cgroup.subtree_control").write_text("+memory +pids")
    except OSError:
        return False
    return True
