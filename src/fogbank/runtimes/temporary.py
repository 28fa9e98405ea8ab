"""The server's folder for what instances need while they live; what killed servers have left goes at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

PREFIX: Final = "fogbank-instances-"
_LOCK: Final = "lock"


class TemporaryFolder:
    """A new folder, locked for as long as this process lives."""

    def __init__(self) -> None:
        # It has another name until it is locked, or who sweeps could take it for one that was left.
        unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
        # Other users, as whom instances run, pass through to folders of their own.
        unlocked.chmod(0o711)
        self._lock = os.open(unlocked / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix("new-")))

    def close(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep() -> None:
    """Remove the folders of servers that are gone: nobody holds their locks. May take a while."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
