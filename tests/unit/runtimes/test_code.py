"""Code on disk: unpacked whole or not at all, never outside its folder."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from fogbank.runtimes import code
from fogbank.runtimes.code import CodeFolders, CodeMissingError, InvalidArchiveError, check_archive, unpack
from fogbank.storage import blobs

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.storage import Store


def archive(*entries: tuple[str, bytes, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            file.writestr(info, content)
    return buffer.getvalue()


PLAIN = stat.S_IFREG | 0o600
PROGRAM = stat.S_IFREG | 0o700
LINK = stat.S_IFLNK | 0o777


def test_files_folders_links_and_modes(tmp_path: Path) -> None:
    data = archive(
        ("app.py", b"x = 1", PLAIN),
        ("bin/run", b"#!/bin/sh", PROGRAM),
        ("lib/a/b.txt", b"b", PLAIN),
        ("lib/empty/", b"", stat.S_IFDIR | 0o755),
        ("lib/link", b"a/b.txt", LINK),
    )
    assert check_archive(data) > 0
    folder = unpack([data], tmp_path / "code")
    assert (folder / "app.py").read_bytes() == b"x = 1"
    assert (folder / "lib/link").read_bytes() == b"b"
    assert (folder / "lib/empty").is_dir()
    assert stat.S_IMODE((folder / "app.py").stat().st_mode) == 0o644, "readable whoever runs it"
    assert os.access(folder / "bin/run", os.X_OK)


@pytest.mark.parametrize(
    "entry",
    [
        ("../outside", b"x", PLAIN),
        ("/etc/outside", b"x", PLAIN),
        ("a/../../outside", b"x", PLAIN),
        ("link", b"/etc/passwd", LINK),
        ("link", b"../../outside", LINK),
    ],
)
def test_paths_that_lead_out_are_refused_and_leave_nothing(tmp_path: Path, entry: tuple[str, bytes, int]) -> None:
    with pytest.raises(InvalidArchiveError, match="leads out"):
        unpack([archive(("app.py", b"", PLAIN), entry)], tmp_path / "code")
    assert list(tmp_path.iterdir()) == []


def test_archives_that_are_none_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"", b"not a zip", archive(("a", b"x", PLAIN))[:-10]):
        with pytest.raises(InvalidArchiveError):
            check_archive(data)
    monkeypatch.setattr(code, "UNPACKED_BYTES_MAX", 100)
    with pytest.raises(InvalidArchiveError, match="must be smaller than 100 bytes"):
        check_archive(archive(("bomb", b"0" * 101, PLAIN)))
    monkeypatch.setattr(code, "FILES_MAX", 1)
    with pytest.raises(InvalidArchiveError, match="more than 1 files"):
        unpack([archive(("a", b"", PLAIN), ("b", b"", PLAIN))], tmp_path / "code")
    assert list(tmp_path.iterdir()) == []


async def test_code_is_unpacked_once_however_many_ask(store: Store, tmp_path: Path) -> None:
    data = archive(("app.py", b"x", PLAIN))
    digest = blobs.digest_of(data)
    await store.run(blobs.hold, digest, data, "me")
    folders = CodeFolders(store, tmp_path / "code")
    found = await asyncio.gather(*(folders.folder(digest) for _ in range(5)))
    assert set(found) == {tmp_path / "code" / digest.hex()}
    await store.run(blobs.drop, digest, "me")
    assert await folders.folder(digest) == found[0]
    with pytest.raises(CodeMissingError):
        await folders.folder(blobs.digest_of(b"other"))


async def test_layers_are_unpacked_over_each_other(store: Store, tmp_path: Path) -> None:
    digests = []
    for content in (b"first", b"second"):
        data = archive(("python/shared.py", content, PLAIN), (content.decode(), b"", PLAIN))
        digests.append(blobs.digest_of(data))
        await store.run(blobs.hold, digests[-1], data, "test")
    folder = await CodeFolders(store, tmp_path / "code").folder(*digests)
    assert (folder / "python" / "shared.py").read_bytes() == b"second"
    assert sorted(path.name for path in folder.iterdir()) == ["first", "python", "second"]
