"""Saved files are noticed, soon and once."""

from __future__ import annotations

import os
import resource
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fogbank.cli.dev import watching
from fogbank.cli.dev.watching import Inotify, Looking, files_of, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fogbank.cli.dev.watching import Watch


@pytest.fixture(params=[Inotify, Looking])
def watching_(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    (tmp_path / "app.py").write_text("1")
    (tmp_path / "lib").mkdir()
    (tmp_path / "__pycache__").mkdir()
    make: Callable[[Iterable[Path]], Watch] = request.param
    made = make([tmp_path])
    yield made
    made.close()


def test_what_is_saved_is_told_within_a_tenth_of_a_second(watching_: Watch, tmp_path: Path) -> None:
    saved_at = []

    def save() -> None:
        time.sleep(0.05)
        (tmp_path / "app.py").write_text("longer")
        saved_at.append(time.monotonic())

    saving = threading.Thread(target=save)
    saving.start()
    assert watching_.wait(10) == {tmp_path / "app.py"}
    saving.join()
    # A busy machine may be late; the watch itself isn't.
    assert time.monotonic() - saved_at[0] < 5
    assert watching_.wait(0.12) == set(), "once is enough"


def test_new_removed_and_replaced_files_are_told(watching_: Watch, tmp_path: Path) -> None:
    (tmp_path / "lib" / "new.py").write_text("1")
    assert tmp_path / "lib" / "new.py" in watching_.wait(10)
    (tmp_path / "app.py.new").write_text("other")
    (tmp_path / "app.py.new").rename(tmp_path / "app.py")
    assert tmp_path / "app.py" in watching_.wait(10)
    (tmp_path / "app.py").unlink()
    assert tmp_path / "app.py" in watching_.wait(10)


def test_it_watches_in_a_process_with_thousands_of_open_files(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        watching_ = Inotify([tmp_path])
        (tmp_path / "app.py").write_text("1")
        assert watching_.wait(10) == {tmp_path / "app.py"}
        watching_.close()
    finally:
        for file in taken:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_new_folders_are_watched_too(watching_: Watch, tmp_path: Path) -> None:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    watching_.wait(0.2)
    (tmp_path / "more" / "deep" / "x.py").write_text("1")
    assert tmp_path / "more" / "deep" / "x.py" in watching_.wait(10)


def test_what_tools_leave_about_is_not_told(watching_: Watch, tmp_path: Path) -> None:
    for name in ("__pycache__/app.pyc", "app.py~", ".app.py.swp", "4913", ".#app.py"):
        (tmp_path / name).write_text("x")
    assert watching_.wait(0.15) == set()


def test_without_inotify_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(Inotify):
        def __init__(self, folders: Iterable[Path]) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(watching, "Inotify", Refused)
    assert isinstance(watch([tmp_path]), Looking)


def test_files_come_in_order_without_what_is_ignored(tmp_path: Path) -> None:
    for name in ("b.py", "a/c.py", "a/x.pyc", ".git/config", "node_modules/m/index.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [str(path.relative_to(tmp_path)) for path in files_of(tmp_path)]
    assert found == ["b.py", "a/c.py", "node_modules/m/index.js"]
