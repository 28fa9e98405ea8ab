"""The programs in the documentation run as they are printed, page by page.

In a page, blocks of `python` run one after another in one interpreter; with a file's name behind the word they are
saved under it instead. Blocks of `sh` run in a shell. Everything else (`js`, `yaml`, indented blocks) is for reading.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fogbank.cli.running.variables import variables
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PORT = 4566
BLOCK = re.compile(r"^```(python|sh)(?: ([\w.]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS_MAX = 60


class Block(NamedTuple):
    """A block of code in a page."""

    language: str
    file: str
    code: str


def blocks_of(page: Path) -> list[Block]:
    return [Block(*match) for match in BLOCK.findall(page.read_text())]


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


@pytest.fixture
def environment(server: ServerProcess, tmp_path: Path) -> dict[str, str]:
    """The variables of a shell in which `fogbank` is installed and `fogbank env` was evaluated."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    return {**inherited, **variables(server.url), "PATH": path, "FOGBANK_URL": server.url, "TMPDIR": str(tmp_path)}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        timeout=SECONDS_MAX,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=lambda page: page.stem)
def test_the_programs_of_a_page_run(
    page: Path, server: ServerProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    # Pages name the default port; here the server has another.
    address = server.url.removeprefix("http://")
    blocks = [block._replace(code=block.code.replace(f"127.0.0.1:{PORT}", address)) for block in blocks_of(page)]
    for block in blocks:
        if block.file:
            (tmp_path / block.file).write_text(block.code)
    programs = [block.code for block in blocks if block.language == "python" and not block.file]
    if programs:
        (tmp_path / "page.py").write_text("\n".join(programs))
        run([sys.executable, "-W", "error", "page.py"], tmp_path, environment)
    for block in blocks:
        if block.language == "sh":
            run(["bash", "-euo", "pipefail", "-c", block.code], tmp_path, environment)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
