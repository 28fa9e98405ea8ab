"""The examples of tests with other frameworks, run as their readers run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "testing"
SECONDS_MAX = 110


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where `fogbank` is installed, and no server is known."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOGBANK_"))}
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    return subprocess.run(
        command, cwd=folder, env=found, timeout=SECONDS_MAX, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_unittest() -> None:
    done = run(ROOT, sys.executable, "-W", "error::ResourceWarning", "-m", "examples.testing.with_unittest")
    assert done.returncode == 0, done.stdout
    assert "Ran 2 tests" in done.stdout


def test_vitest() -> None:
    program = shutil.which("npx")
    if program is None or not (EXAMPLES / "vitest" / "node_modules").is_dir():
        pytest.skip("needs Node and the packages of examples/testing/vitest (make toolchains)")
    done = run(EXAMPLES / "vitest", program, "--no-install", "vitest", "run")
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_junit(tmp_path: Path) -> None:
    program = shutil.which("mvn")
    if program is None:
        pytest.skip("needs Maven: there is no mvn on PATH")
    folder = shutil.copytree(EXAMPLES / "junit", tmp_path / "junit", ignore=shutil.ignore_patterns("target"))
    done = run(folder, program, "--offline", "--batch-mode", "test")
    if "could not be resolved" in done.stdout or "has not been downloaded" in done.stdout:
        pytest.skip("needs JUnit and Maven's plugins in the local repository: mvn -f examples/testing/junit test")
    assert done.returncode == 0, done.stdout
    assert "Tests run: 2, Failures: 0, Errors: 0, Skipped: 0" in done.stdout
