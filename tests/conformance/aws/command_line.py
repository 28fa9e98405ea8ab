"""The AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_MAX = 60


class CommandLine:
    """Runs `aws` in the shell of somebody who has set credentials there.

    Version 1 of the CLI takes the endpoint of Amazon SQS from `--endpoint-url` only, not from AWS_ENDPOINT_URL.
    """

    def __init__(self, program: str, endpoint: str, account: str, home: Path) -> None:
        self._start = [program, "--endpoint-url", endpoint]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        }

    def __call__(self, *arguments: str) -> Any:
        """Return what a command printed: text as it is where `--output` asks for it, else the value in the JSON."""
        done = self._run(arguments)
        assert done.returncode == 0, done.stderr
        if "--output" in arguments:
            return done.stdout
        return json.loads(done.stdout) if done.stdout.strip() else None

    def error(self, *arguments: str) -> str:
        """Return what a command complained of."""
        done = self._run(arguments)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stderr

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._start, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
