"""Functions' code on disk: fetched from the store once, unpacked, shared by all instances that run it."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import stat
import zipfile
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from fogbank.storage import blobs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fogbank.storage import Store

UNPACKED_BYTES_MAX: Final = 262_144_000
FILES_MAX: Final = 100_000
COPY_BYTES: Final = 1_048_576


class InvalidArchiveError(Exception):
    """The archive can't be unpacked: not a zip file, too large, or with paths that lead out of it."""


class CodeMissingError(Exception):
    """The store no longer has the code."""


def check_archive(data: bytes) -> int:
    """Return the unpacked size of an archive, or raise `InvalidArchiveError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _check(archive)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InvalidArchiveError(str(error)) from None


class CodeFolders:
    """Unpacked code by digest, below one folder. Safe to call for the same code many times at once."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._root = root
        self._unpacking: dict[bytes, asyncio.Task[Path]] = {}

    async def folder(self, *digests: bytes) -> Path:
        """Return the folder that holds codes, unpacked over each other in their order; first if needed."""
        key = digests[0] if len(digests) == 1 else sha256(b"".join(digests)).digest()
        path = self._root / key.hex()
        if path.exists():
            return path
        task = self._unpacking.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._unpack(digests, path))
            self._unpacking[key] = task
            task.add_done_callback(lambda _: self._unpacking.pop(key, None))
        return await asyncio.shield(task)

    async def _unpack(self, digests: Sequence[bytes], path: Path) -> Path:
        archives = []
        for digest in digests:
            data = await self._store.scan(blobs.fetch, digest)
            if data is None:
                raise CodeMissingError(digest.hex())
            archives.append(data)
        return await asyncio.get_running_loop().run_in_executor(None, unpack, archives, path)


def unpack(archives: Sequence[bytes], path: Path) -> Path:
    """Unpack archives into a folder that appears only when it is complete; later ones replace files of earlier ones."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for data in archives:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                _check(archive)
                for entry in archive.infolist():
                    _extract(archive, entry, part)
    except BaseException as error:
        shutil.rmtree(part, ignore_errors=True)
        if isinstance(error, zipfile.BadZipFile | OSError | ValueError):
            raise InvalidArchiveError(str(error)) from None
        raise
    if path.exists():
        shutil.rmtree(part)
    else:
        part.rename(path)
    return path


def _check(archive: zipfile.ZipFile) -> int:
    entries = archive.infolist()
    size = sum(entry.file_size for entry in entries)
    if size > UNPACKED_BYTES_MAX:
        msg = f"Unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes"
        raise InvalidArchiveError(msg)
    if len(entries) > FILES_MAX:
        msg = f"more than {FILES_MAX} files"
        raise InvalidArchiveError(msg)
    for entry in entries:
        parts = entry.filename.split("/")
        if entry.filename.startswith("/") or ".." in parts or "\0" in entry.filename:
            msg = f"the path {entry.filename!r} leads out of the archive"
            raise InvalidArchiveError(msg)
    return size


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    target = root / entry.filename
    mode = entry.external_attr >> 16
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        link = archive.read(entry).decode()
        if link.startswith("/") or not (target.parent / link).resolve().is_relative_to(root.resolve()):
            msg = f"the link {entry.filename!r} leads out of the archive"
            raise InvalidArchiveError(msg)
        target.unlink(missing_ok=True)
        target.symlink_to(link)
        return
    if target.is_symlink():
        target.unlink()
    with archive.open(entry) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, COPY_BYTES)
    # Readable by whoever runs it, whatever the archive's author had; executable where the author said so.
    target.chmod(0o755 if mode & 0o111 else 0o644)
