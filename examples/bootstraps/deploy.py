"""Builds and deploys both functions."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::000000000000:role/bootstraps"
RUNTIME = "provided.al2023"
GO = "words"
SHELL = "greet"
# Statically linked, from the standard library alone.
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local"}


def zipped(folder: Path) -> bytes:
    """Return a folder's files as an archive; `bootstrap` stays executable, as Lambda needs it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return buffer.getvalue()


def built() -> bytes:
    """Compile the Go program into an archive that has nothing but `bootstrap`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "go",
            "build",
            "-ldflags=-s -w",
            "-o",
            f"{folder}/bootstrap",
            str(HERE / "go" / "main.go"),
        ]
        subprocess.run(command, check=True, env={**os.environ, **GO_ENVIRONMENT})
        return zipped(Path(folder))


def deploy_go(lambda_: Any) -> None:
    """Deploy the Go program; a runtime that is the function itself needs no handler, but Lambda asks for one."""
    create(lambda_, GO, "bootstrap", built())


def deploy_shell(lambda_: Any) -> None:
    """Deploy the shell script and its function."""
    create(lambda_, SHELL, "greet.handler", zipped(HERE / "shell"))


def create(lambda_: Any, name: str, handler: str, code: bytes) -> None:
    lambda_.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler=handler,
        Role=ROLE,
        Code={"ZipFile": code},
        MemorySize=128,
        Timeout=10,
    )
