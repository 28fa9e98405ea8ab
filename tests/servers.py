"""Fogbank as a process of its own, as users run it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Self
from urllib.parse import urlsplit


class ServerProcess:
    """`fogbank up` with flags, in a folder; `lines` is what it printed until it was ready."""

    def __init__(
        self, *flags: str, environment: dict[str, str] | None = None, folder: str | os.PathLike[str] | None = None
    ) -> None:
        command = [sys.executable, "-m", "fogbank", "up", "--port", "0", *flags]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ready."):
                break
        else:
            assert self.process.stderr is not None
            raise AssertionError(f"it did not start: {self.process.stderr.read()}")
        self.url = next(line.split()[1] for line in self.lines if line.strip().startswith("Endpoint"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End it as Ctrl-C would; returns the exit status and what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self._wait()

    def _wait(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


class RawClient:
    """A client of JSON protocols without an SDK: quick, and it never retries by itself."""

    def __init__(self, url: str, account: str = "000000000000") -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        self._account = account

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        """Call an operation; raises `OSError` or `http.client.HTTPException` if no answer comes."""
        prefix, version = {
            "sqs": ("AmazonSQS", "1.0"),
            "dynamodb": ("DynamoDB_20120810", "1.0"),
            "events": ("AWSEvents", "1.1"),
        }[service]
        scope = f"{self._account}/20260101/us-east-1/{service}/aws4_request"
        headers = {
            "X-Amz-Target": f"{prefix}.{operation}",
            "Content-Type": f"application/x-amz-json-{version}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        return self._ask("POST", "/", members, headers)

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call an operation of a REST API; raises as above."""
        return self._ask(method, path, body or {}, {"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        self._connection.request(method, path, json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise AssertionError(f"{method} {path} {headers.get('X-Amz-Target', '')}: {response.status} {text!r}")
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()


def wait_until(what: Any, seconds: float = 20) -> Any:
    """Return the first result that is true."""
    end = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.02)
    return result
