"""Google's clients for Node.js: each script in the folder `js` that ends in .mjs is a file of tests for Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

FOLDER = Path(__file__).parent / "js"
SCRIPTS = [path.name for path in sorted(FOLDER.glob("*.mjs"))]
SECONDS_MAX = 120


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(server: ThreadedServer, project: str, script: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (FOLDER / "node_modules" / "@google-cloud" / script.removesuffix(".mjs")).is_dir():
        pytest.skip("needs Node: the packages of tests/conformance/gcp/js are not installed (make toolchains)")
    host = server.url.removeprefix("http://")
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", script],
        cwd=FOLDER,
        env={
            "PATH": os.environ["PATH"],
            "FIRESTORE_EMULATOR_HOST": host,
            "PUBSUB_EMULATOR_HOST": host,
            "FOGBANK_HOST": host,
            "FOGBANK_PROJECT": project,
            # Nobody is asked whether this is one of Google's machines.
            "METADATA_SERVER_DETECTION": "none",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
