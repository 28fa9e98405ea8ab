"""Firebase's client for web pages: as pages have it, over WebChannel and REST, and as Node has it, over gRPC."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud.firestore_bundle import FirestoreBundle

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

FOLDER = Path(__file__).parent / "js"
SECONDS_MAX = 120


def run(server: ThreadedServer, project: str, build: str, only: str = "", **more: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node: there is none on PATH")
    if not (FOLDER / "node_modules" / "firebase").is_dir():
        pytest.skip(
            "needs Node: the packages of tests/conformance/gcp/firestore/js are not installed (make toolchains)"
        )
    # The client keeps timers when it is told to end.
    options = ["--test", "--test-force-exit", "--test-reporter=spec"]
    if only:
        options.append(f"--test-name-pattern={only}")
    done = subprocess.run(
        [node, *options, "documents.test.mjs"],
        cwd=FOLDER,
        env={
            "PATH": os.environ["PATH"],
            "FIRESTORE_EMULATOR_HOST": server.url.removeprefix("http://"),
            "METADATA_SERVER_DETECTION": "none",
            "FOGBANK_HOST": server.url.removeprefix("http://"),
            "FOGBANK_PROJECT": project,
            "FOGBANK_BUILD": build,
            **more,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages(server: ThreadedServer, db: Any, project: str, tmp_path: Path) -> None:
    path = tmp_path / "bundle.txt"
    made = FirestoreBundle("latest")
    for name, n in (("x", 3), ("y", 4)):
        db.document(f"notes/{name}").set({"n": n})
        made.add_document(db.document(f"notes/{name}").get())
    path.write_text(made.build())
    run(server, project, "page", FOGBANK_BUNDLE=str(path))


def test_pages_that_poll(server: ThreadedServer, project: str) -> None:
    run(server, project, "page", "listeners|network", FOGBANK_LONG_POLLING="1")


def test_node(server: ThreadedServer, project: str) -> None:
    run(server, project, "node", "listeners|transactions|rules")
