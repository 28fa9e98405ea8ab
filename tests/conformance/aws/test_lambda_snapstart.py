"""AWS Lambda's SnapStart: published versions whose instances are forked from one that is initialised."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import deploy, running
from tests.conformance.aws.test_lambda_functions import refused
from tests.conformance.aws.test_lambda_invoke import invoke, log_of, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOURCE = """
    import os, random, subprocess, sys, time
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    told = []
    NUMBER = random.random()
    BEGAN = time.time_ns()
    print("initialised")

    @register_before_snapshot
    def before():
        told.append("before")

    @register_after_restore
    def after():
        told.append("after")
        if "FAIL" in os.environ:
            raise ValueError("no connection")

    def handler(event, context):
        print("handled")
        if "sleep" in event:
            subprocess.Popen(["sleep", event["sleep"]])
        if "exit" in event:
            os._exit(3)
        if "hang" in event:
            while True: pass
        if "grow" in event:
            return len(bytearray(event["grow"] * 1_000_000))
        if "wait" in event:
            open(event["wait"] + str(os.getpid()), "w").close()
            while len([each for each in os.listdir(os.path.dirname(event["wait"])) if each.startswith("here")]) < 2:
                time.sleep(0.002)
        return {"began": BEGAN, "init": NUMBER, "random": random.random(), "pid": os.getpid(), "told": told,
                "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "stream": context.log_stream_name,
                "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], "key": os.environ["AWS_ACCESS_KEY_ID"]}
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def snapshotted(client: Any, source: str = SOURCE, **settings: Any) -> dict[str, Any]:
    settings = {"Runtime": "python3.12", "SnapStart": {"ApplyOn": "PublishedVersions"}, "MemorySize": 256} | settings
    return deploy(client, "f", source, Publish=True, **settings)


def test_versions_say_that_they_are_optimised(lambda_: Any) -> None:
    snapshotted(lambda_)
    for qualifier, status in (("1", "On"), ("$LATEST", "Off")):
        shown = lambda_.get_function_configuration(FunctionName="f", Qualifier=qualifier)
        assert shown["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": status}
    changed = lambda_.update_function_configuration(FunctionName="f", SnapStart={"ApplyOn": "None"})
    assert changed["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"Runtime": "python3.11"}, "python3.11 is not supported for SnapStart enabled functions"),
        ({"Runtime": "nodejs20.x", "Handler": "index.handler"}, "nodejs20.x is not supported for SnapStart"),
        ({"EphemeralStorage": {"Size": 1024}}, "more than 512 MB of ephemeral storage"),
    ],
)
def test_snapshots_that_are_refused(lambda_: Any, settings: dict[str, Any], match: str) -> None:
    with refused(match):
        snapshotted(lambda_, **settings)


def test_no_instances_of_a_snapshot_are_provisioned(lambda_: Any) -> None:
    snapshotted(lambda_)
    with refused("Provisioned Concurrency is not supported for SnapStart"):
        lambda_.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1)


def test_instances_share_one_initialisation_and_nothing_that_is_random(lambda_: Any, tmp_path: Path) -> None:
    snapshotted(lambda_)
    found: list[Any] = []

    def one() -> None:
        found.append(invoke(lambda_, {"wait": f"{tmp_path}/here"}, Qualifier="1", LogType="Tail"))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first, reply), (second, _) = found
    assert first["pid"] != second["pid"], "two instances"
    assert (first["began"], first["init"]) == (second["began"], second["init"]), "one initialisation"
    assert first["random"] != second["random"]
    assert first["told"] == second["told"] == ["before", "after"]
    assert first["kind"] == "snap-start"
    assert first["key"] != second["key"]
    assert first["environment"] != second["environment"]
    log = log_of(reply)
    assert "handled" in log
    assert "initialised" not in log
    assert "Restore Duration: " in log
    again, _ = invoke(lambda_, Qualifier="1")
    assert again["pid"] in (first["pid"], second["pid"]), "a warm instance"
    other, _ = invoke(lambda_)
    assert (other["kind"], other["told"]) == ("on-demand", []), "$LATEST has no snapshot"


def test_forks_end_by_themselves(lambda_: Any) -> None:
    snapshotted(lambda_, Timeout=20)
    first, _ = invoke(lambda_, Qualifier="1")
    assert invoke(lambda_, {"exit": 1}, Qualifier="1")[0]["errorMessage"].endswith("exit status 3")
    second, _ = invoke(lambda_, Qualifier="1")
    assert second["pid"] != first["pid"]
    assert invoke(lambda_, {"grow": 400}, Qualifier="1")[0]["errorType"] == "Runtime.ExitError"
    third, _ = invoke(lambda_, Qualifier="1")
    assert first["began"] == second["began"] == third["began"], "from the same template"


def test_a_fork_that_takes_too_long_is_ended_with_all_that_it_started(lambda_: Any) -> None:
    snapshotted(lambda_, Timeout=1)
    first, _ = invoke(lambda_, {"sleep": "86431"}, Qualifier="1")
    assert running("sleep 86431")
    assert invoke(lambda_, {"hang": 1}, Qualifier="1")[0]["errorType"] == "Sandbox.Timedout"
    wait_for(lambda: not running("sleep 86431"))
    assert invoke(lambda_, Qualifier="1")[0]["began"] == first["began"]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("1 / 0", "ZeroDivisionError"),
        (
            """
            from snapshot_restore_py import register_before_snapshot
            register_before_snapshot(lambda: {}["missing"])
            def handler(event, context): return 1
            """,
            "KeyError",
        ),
    ],
)
def test_a_template_that_can_t_be_made(lambda_: Any, source: str, kind: str) -> None:
    snapshotted(lambda_, source)
    for _ in range(2):
        payload, reply = invoke(lambda_, Qualifier="1")
        assert (payload["errorType"], reply["FunctionError"]) == (kind, "Unhandled")


def test_a_hook_that_fails_after_a_restore(lambda_: Any) -> None:
    snapshotted(lambda_, Environment={"Variables": {"FAIL": "1"}})
    payload, _ = invoke(lambda_, Qualifier="1")
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no connection")


def test_templates_go_with_their_function(lambda_: Any) -> None:
    source = """
        import subprocess
        subprocess.Popen(["sleep", "86432"])
        def handler(event, context): return 1
    """
    snapshotted(lambda_, source)
    assert invoke(lambda_, Qualifier="1")[0] == 1
    assert running("sleep 86432")
    lambda_.delete_function(FunctionName="f")
    wait_for(lambda: not running("sleep 86432"))
