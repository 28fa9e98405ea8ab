"""The AWS SDK for JavaScript v3: each script in the folder `js` but `settings.mjs` is a file of tests for Node."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

FOLDER = Path(__file__).parent / "js"
SCRIPTS = [path.name for path in sorted(FOLDER.glob("*.mjs")) if path.name != "settings.mjs"]
SECONDS_MAX = 120


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(node: str, server: ThreadedServer, account: str, script: str) -> None:
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", script],
        cwd=FOLDER,
        env={"FOGBANK_ENDPOINT": server.url, "FOGBANK_ACCOUNT": account},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
