"""What was answered is in the outbox, once, even if the server is killed at once."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.e2e.test_pipeline import new_client
from tests.servers import ServerProcess, wait_until

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES = 50


def texts(server: ServerProcess) -> list[Any]:
    with urllib.request.urlopen(f"{server.url}/_fogbank/outbox?format=json&limit=1000") as answer:
        return sorted(message["text"] for message in json.load(answer)["messages"])


def test_a_killed_server_loses_no_mail(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    server = ServerProcess(*data)
    sns = new_client(server, "sns")
    for number in range(MESSAGES):
        sns.publish(PhoneNumber="+15550100", Message=f"m{number:02d}")
    server.kill()
    sns.close()
    with ServerProcess(*data) as server:
        wait_until(lambda: len(texts(server)) >= MESSAGES)
        assert texts(server) == [f"m{number:02d}" for number in range(MESSAGES)]
