"""Instances, zygotes and the server itself are killed; nothing is lost, and nothing is left over."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes.nursery import STEMS_READY_IN_USE
from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.conftest import boto3_client
from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

ECHO = "def handler(event, context): return event"


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(each) for each in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def zygotes_of(server: ThreadedServer) -> list[int]:
    nursery = server.app.runner._nursery
    return [each._process.pid for each in nursery._zygotes.values() if each._process is not None and not each.ended]


def left_over(server: ThreadedServer) -> dict[str, int]:
    runner = server.app.runner
    folder = runner._temporary.path / "instances"
    groups = runner._groups
    return {
        "processes": len([pid for zygote in zygotes_of(server) for pid in descendants(zygote)]),
        "folders": len(list(folder.iterdir())) if folder.exists() else 0,
        "groups": len([path for path in groups._memory.iterdir() if path.is_dir()]) if groups else 0,
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


def test_nothing_is_left_over_after_many_invocations_of_every_kind(account: str) -> None:
    with ThreadedServer(Settings(port=0, memory=True)) as server:
        lambda_ = boto3_client(server, account)("lambda")
        deploy(lambda_, "warm-up", ECHO)
        invoke(lambda_, name="warm-up")
        lambda_.delete_function(FunctionName="warm-up")
        stock = server.app.runner._nursery._stock
        wait_for(lambda: all(len(stems) == STEMS_READY_IN_USE for stems in stock.values()))
        wait_for(lambda: left_over(server)["folders"] == 0)
        before = left_over(server)
        source = """
            import os, subprocess, tempfile
            def handler(event, context):
                tempfile.mkstemp()
                if event == "fail": raise ValueError
                if event == "exit": os._exit(3)
                if event == "die": os.kill(os.getpid(), 9)
                if event == "child": subprocess.Popen(["sleep", "300"], start_new_session=True)
                return event
        """
        deploy(lambda_, "f", source, Timeout=5)
        chance = random.Random(1)
        for _ in range(300):
            kind = chance.choices(["ok", "fail", "exit", "die", "child"], [80, 10, 3, 3, 4])[0]
            invoke(lambda_, kind)
        lambda_.delete_function(FunctionName="f")
        wait_for(lambda: {**left_over(server), "descriptors": 0} == {**before, "descriptors": 0})
        assert left_over(server)["descriptors"] <= before["descriptors"] + 3


@pytest.mark.parametrize("seed", range(5))
def test_no_queued_event_is_lost_however_processes_are_killed(
    timed_client: Callable[..., Any], timed_server: ThreadedServer, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    lambda_ = timed_client("lambda")
    record = tmp_path / "record"
    source = f"""
        import time
        def handler(event, context):
            time.sleep(0.02)
            with open({str(record)!r}, "a") as file:
                file.write(f"{{event}}\\n")
    """
    # Longer than the clock is ever moved on, or what runs meanwhile would be late.
    deploy(lambda_, "f", source, Timeout=900)
    for number in range(60):
        lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps(number))
        if chance.random() < 0.15:
            zygotes = zygotes_of(timed_server)
            victims = zygotes if chance.random() < 0.3 else [pid for each in zygotes for pid in descendants(each)]
            if victims:
                kill(chance.choice(victims))

    def handled() -> set[str]:
        return set(record.read_text().split()) if record.exists() else set()

    wanted = {str(number) for number in range(60)}
    for _ in range(4):
        wait_for(lambda: timed_server.app.runner.running == 0)
        if handled() >= wanted:
            break
        # What failed is tried again after one and after two minutes more.
        timed_server.advance(61)
        time.sleep(0.3)
    wait_for(lambda: handled() >= wanted)


def test_a_server_that_is_killed_leaves_no_process_behind(account: str) -> None:
    with ServerProcess("--memory") as server:
        lambda_ = boto3_client(server, account)("lambda")
        deploy(lambda_, "idle", ECHO)
        invoke(lambda_, name="idle")
        deploy(lambda_, "busy", "import time\ndef handler(event, context): time.sleep(300)", Timeout=600)
        lambda_.invoke(FunctionName="busy", InvocationType="Event", Payload=b"{}")
        wait_for(lambda: len(descendants(server.process.pid)) >= 5)
        processes = descendants(server.process.pid)
        server.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


def test_what_a_killed_server_has_left_is_removed_by_the_next(tmp_path: Path) -> None:
    environment = {"TMPDIR": str(tmp_path)}
    with ServerProcess("--memory", environment=environment) as server:
        left = [path for path in tmp_path.iterdir() if path.name.startswith("fogbank-instances-")]
        assert len(left) == 1
        with ServerProcess("--memory", environment=environment):
            time.sleep(0.3)
            assert left[0].exists(), "somebody lives there"
        server.kill()
    with ServerProcess("--memory", environment=environment):
        wait_for(lambda: not left[0].exists())
    assert not list(tmp_path.glob("fogbank-instances-*"))


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
