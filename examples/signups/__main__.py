"""Run the sign-ups on a Fogbank of their own, kill it in the middle, and see that nothing is lost.

python -m examples.signups
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from examples.signups import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNUPS = 200
PUBLISHERS = 8
PATIENCE_SECONDS = 60


class Server:
    """A Fogbank on a port and a data folder that stay the same when it is started again."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> float:
        """Start it; returns the seconds until it was ready."""
        began = time.perf_counter()
        command = [sys.executable, "-m", "fogbank", "up", "--port", str(self.port), "--data", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("Ready."):
                return time.perf_counter() - began
        raise SystemExit("Fogbank did not start.")

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.communicate()


def announce(topic: str, number: int) -> int:
    """Publish a sign-up until that is acknowledged; returns how often it had to be tried again."""
    end = time.monotonic() + PATIENCE_SECONDS
    tries = 0
    while True:
        try:
            pipeline.publish(topic, number)
            return tries
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            tries += 1
            time.sleep(0.05)


def run(server: Server) -> dict[str, Any]:
    """Publish all sign-ups, the server killed amid the second half; returns what happened."""
    facts: dict[str, Any] = {"started in": f"{server.start() * 1000:.0f} ms"}
    topic = pipeline.build()
    # The first one alone, to see that everything is in place.
    again = announce(topic, 0)
    wait_for(1)
    with (
        ThreadPoolExecutor(PUBLISHERS) as publishers,
        click.progressbar(length=SIGNUPS, label=f"Publishing {SIGNUPS} sign-ups ", file=sys.stderr) as bar,
    ):
        acknowledged = [publishers.submit(announce, topic, number) for number in range(1, SIGNUPS)]
        for count, each in enumerate(as_completed(acknowledged), start=2):
            again += each.result()
            bar.update(1)
            if count == SIGNUPS // 2:
                facts["in the table when killed"] = len(pipeline.registered())
                server.end(signal.SIGKILL)
                facts["started again in"] = f"{server.start() * 1000:.0f} ms"
    facts["publishes tried again"] = again
    with click.progressbar(length=SIGNUPS, label="Waiting for the function ", file=sys.stderr) as bar:
        facts["users"] = wait_for(SIGNUPS, lambda count: bar.update(count - bar.pos))
    return facts


def wait_for(count: int, show: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Return the users in the table once there are so many, or time is up."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        users = pipeline.registered()
        show(len(users))
        if len(users) >= count or time.monotonic() > end:
            return users
        time.sleep(0.05)


def report(facts: dict[str, Any]) -> bool:
    """Print what happened; True if every sign-up is in the table exactly as it was sent."""
    users = facts.pop("users")
    exact = [number for number in range(SIGNUPS) if users.get(f"user-{number:04d}") == pipeline.signup(number)]
    print("\nSign-ups: SNS topic → SQS queue → Lambda function → DynamoDB table\n")
    rows = {
        "acknowledged": SIGNUPS,
        "in the table, exactly as sent": len(exact),
        "missing or changed": SIGNUPS - len(exact),
        "server killed with SIGKILL after": f"{SIGNUPS // 2} sign-ups",
        **facts,
    }
    width = max(map(len, rows)) + 2
    for name, value in rows.items():
        print(f"  {name:<{width}}{value}")
    print("\n  id          name      greeting")
    for number in (0, SIGNUPS // 2 - 1, SIGNUPS // 2, SIGNUPS - 1):
        user = users.get(f"user-{number:04d}", {"id": f"user-{number:04d}", "name": "-", "greeting": "missing"})
        print(f"  {user['id']:<12}{user['name']:<7}{user['greeting']}")
    held = len(exact) == SIGNUPS == len(users)
    print(f"\n{'Nothing was lost.' if held else 'Something was lost.'}")
    return held


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fogbank-demo-", ignore_cleanup_errors=True) as folder:
        server = Server(folder)
        os.environ.update(
            {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
                "AWS_ACCESS_KEY_ID": "000000000000",
                "AWS_SECRET_ACCESS_KEY": "fogbank",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        )
        try:
            held = report(run(server))
        finally:
            server.end(signal.SIGTERM)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
