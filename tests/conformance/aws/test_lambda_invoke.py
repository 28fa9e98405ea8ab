"""AWS Lambda through boto3: invocations, their failures, their logs."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.aws.functions import ROLE, deploy, running, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def invoke(client: Any, event: Any = None, name: str = "f", **wanted: Any) -> tuple[Any, dict[str, Any]]:
    """Return the decoded payload and the whole reply."""
    if event is not None:
        wanted["Payload"] = json.dumps(event)
    reply = client.invoke(FunctionName=name, **wanted)
    text = reply["Payload"].read()
    return (json.loads(text) if text else None), reply


def log_of(reply: dict[str, Any]) -> str:
    return b64decode(reply["LogResult"]).decode()


def wait_for(what: Callable[[], Any], seconds: float = 15) -> Any:
    """Return the first result that is true."""
    end = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.02)
    return result


def test_a_function_gets_its_event_and_returns_its_result(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context): return {'got': event}")
    payload, reply = invoke(lambda_, {"name": "김철수", "n": [1, 2.5, None, True]})
    assert payload == {"got": {"name": "김철수", "n": [1, 2.5, None, True]}}
    assert (reply["StatusCode"], reply["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in reply
    assert invoke(lambda_)[0] == {"got": {}}, "without a payload the event is an empty object"


def test_the_context_and_the_environment_are_lambda_s(lambda_: Any, account: str) -> None:
    deploy(
        lambda_,
        "f",
        """
        import os, sys
        def handler(event, context):
            return {
                "context": {
                    "name": context.function_name, "version": context.function_version,
                    "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
                    "id": context.aws_request_id, "group": context.log_group_name,
                    "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
                    "client": context.client_context.custom if context.client_context else None,
                },
                "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0],
                "fds": len(os.listdir("/proc/self/fd")),
            }
        """,
        Timeout=7,
        MemorySize=192,
        Environment={"Variables": {"STAGE": "test", "PATH": "/usr/bin:/bin"}},
    )
    custom = b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    payload, reply = invoke(lambda_, ClientContext=custom)
    context, env = payload["context"], payload["env"]
    assert context["arn"] == f"arn:aws:lambda:us-east-1:{account}:function:f"
    assert (context["name"], context["version"], context["memory"]) == ("f", "$LATEST", "192")
    assert context["id"] == reply["ResponseMetadata"]["RequestId"]
    assert context["group"] == "/aws/lambda/f"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", context["stream"])
    assert 6000 < context["left"] <= 7000
    assert context["client"] == {"k": "v"}
    assert (env["STAGE"], env["PATH"]) == ("test", "/usr/bin:/bin")
    assert (env["AWS_REGION"], env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("us-east-1", "192")
    assert env["LAMBDA_TASK_ROOT"] == payload["cwd"] == payload["path"]
    assert "HOME" not in env, "nothing of the server's own environment"
    assert payload["fds"] < 12, "nothing of the server's own descriptors"


def test_instances_are_reused_and_replaced_when_the_function_changes(lambda_: Any) -> None:
    source = """
        import os, subprocess
        NAME, calls = os.urandom(8).hex(), []
        subprocess.Popen(["sleep", "300.MARK"])
        def handler(event, context):
            calls.append(1)
            return [NAME, len(calls), VALUE]
    """.replace("MARK", str(os.getpid()))
    deploy(lambda_, "f", source.replace("VALUE", "1"))
    first = invoke(lambda_)[0]
    assert invoke(lambda_)[0] == [first[0], 2, 1]
    lambda_.update_function_code(FunctionName="f", ZipFile=zipped(source.replace("VALUE", "2")))
    second = invoke(lambda_)[0]
    assert second[1:] == [1, 2]
    assert second[0] != first[0]
    lambda_.update_function_configuration(FunctionName="f", Timeout=4)
    assert invoke(lambda_)[0][0] != second[0]
    wait_for(lambda: len(running(f"sleep 300.{os.getpid()}")) == 1)


def test_concurrent_invocations_run_in_instances_of_their_own(lambda_: Any) -> None:
    deploy(
        lambda_,
        "f",
        "import os, time\nNAME = os.urandom(8).hex()\ndef handler(event, context): time.sleep(0.5); return NAME",
        Timeout=20,
    )
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(invoke(lambda_)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4


def test_an_error_of_the_handler_is_reported_as_lambda_reports_it(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context):\n    raise ValueError('bad ' + event['x'])")
    payload, reply = invoke(lambda_, {"x": "값"}, LogType="Tail")
    assert reply["StatusCode"] == 200
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorMessage"] == "bad 값"
    assert payload["errorType"] == "ValueError"
    assert payload["requestId"] == reply["ResponseMetadata"]["RequestId"]
    assert "in handler" in payload["stackTrace"][0]
    log = log_of(reply)
    assert "[ERROR] ValueError: bad 값\nTraceback (most recent call last):" in log
    assert invoke(lambda_, {"x": "again"})[0]["errorMessage"] == "bad again", "the instance lives on"


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (
            "import nothing_like_it\ndef handler(e, c): ...",
            "Runtime.ImportModuleError",
            "Unable to import module 'app'",
        ),
        ("def other(e, c): ...", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("def handler(e, c) ...", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("raise RuntimeError('at import')", "RuntimeError", "at import"),
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "Unable to marshal response"),
    ],
)
def test_errors_of_initialisation_and_of_the_result(lambda_: Any, source: str, kind: str, message: str) -> None:
    deploy(lambda_, "f", source)
    payload, reply = invoke(lambda_)
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert message in payload["errorMessage"]


def test_a_function_that_takes_too_long_is_ended(lambda_: Any) -> None:
    deploy(lambda_, "f", "import time\ndef handler(event, context): print('begun'); time.sleep(30)", Timeout=1)
    began = time.monotonic()
    payload, reply = invoke(lambda_, LogType="Tail")
    assert time.monotonic() - began < 10
    number = reply["ResponseMetadata"]["RequestId"]
    assert reply["FunctionError"] == "Unhandled"
    assert payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {number} Error: Task timed out after 1.00 seconds",
    }
    log = log_of(reply)
    assert "begun" in log
    assert re.search(rf"\d\d:\d\d:\d\d\.\d\d\dZ {number} Task timed out after 1\.00 seconds", log)


def test_a_quarter_of_an_hour_passes_on_the_clock(
    timed_client: Callable[..., Any], timed_server: ThreadedServer
) -> None:
    lambda_ = timed_client("lambda")
    deploy(lambda_, "f", "import time\ndef handler(event, context): time.sleep(3600)", Timeout=900)
    found: list[Any] = []
    call = threading.Thread(target=lambda: found.append(invoke(lambda_)))
    call.start()
    wait_for(lambda: timed_server.app.runner.running == 1)
    # The deadline is counted from when the function was given its event.
    time.sleep(1)
    timed_server.advance(899)
    assert call.is_alive()
    timed_server.advance(1)
    call.join(10)
    payload, reply = found[0]
    assert (payload["errorType"], reply["FunctionError"]) == ("Sandbox.Timedout", "Unhandled")
    assert payload["errorMessage"].endswith("Task timed out after 900.00 seconds")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 11)", "Runtime exited with error: signal: segmentation fault"),
        ("x = bytearray(400 * 2**20); time.sleep(30)", "Runtime exited with error: signal: killed"),
        ("x = [str(n) * 200 for n in range(10**7)]; time.sleep(30)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_function_whose_process_ends_is_reported_and_replaced(lambda_: Any, how: str, said: str) -> None:
    source = f"import os, time\ndef handler(event, context):\n    if event.get('die'): {how}\n    return 'alive'"
    if "bytearray" in how:
        source = source.replace("time.sleep", "x[::4096] = b'1' * len(x[::4096]); time.sleep")
    deploy(lambda_, "f", source, Timeout=20)
    payload, reply = invoke(lambda_, {"die": True}, LogType="Tail")
    number = reply["ResponseMetadata"]["RequestId"]
    assert reply["FunctionError"] == "Unhandled"
    assert payload == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {number} Error: {said}"}
    assert f"RequestId: {number} Error: {said}" in log_of(reply)
    assert invoke(lambda_, {})[0] == "alive"


def test_what_a_function_started_ends_with_it(lambda_: Any) -> None:
    mark = f"sleep 301.{os.getpid()}"
    deploy(
        lambda_,
        "f",
        """
        import os, subprocess, time
        def handler(event, context):
            command = event["command"].split()
            subprocess.Popen(command)
            subprocess.Popen(command, start_new_session=True)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execvp(command[0], command)
                os._exit(0)
            time.sleep(300)
        """,
        Timeout=2,
    )
    call = threading.Thread(target=invoke, args=(lambda_, {"command": mark}))
    call.start()
    wait_for(lambda: len(running(mark)) == 3)
    call.join()
    wait_for(lambda: not running(mark))


def test_output_without_end_is_bounded(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context):\n    while True: print('x' * 1000)", Timeout=2)
    payload, reply = invoke(lambda_, LogType="Tail")
    assert payload["errorType"] == "Sandbox.Timedout"
    assert "the rest was dropped" in log_of(reply)


def test_payloads_at_and_over_the_limits(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context): return 'x' * event['n'] if 'n' in event else len(event['s'])")
    room = 6_291_556
    assert len(invoke(lambda_, {"n": room - 2})[0]) == room - 2
    payload, reply = invoke(lambda_, {"n": room})
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert invoke(lambda_, {"n": 1})[0] == "x", "the next one runs in a new instance"
    assert invoke(lambda_, {"s": "x" * 6_000_000})[0] == 6_000_000
    with pytest.raises(lambda_.exceptions.RequestTooLargeException):
        invoke(lambda_, {"s": "x" * room})
    with pytest.raises(lambda_.exceptions.RequestTooLargeException):
        invoke(lambda_, {"s": "x" * 1_048_576}, InvocationType="Event")


def test_a_payload_that_is_not_json_is_refused(lambda_: Any) -> None:
    deploy(lambda_, "f", "def handler(event, context): return event")
    with pytest.raises(
        lambda_.exceptions.InvalidRequestContentException, match="Could not parse request body into json"
    ):
        lambda_.invoke(FunctionName="f", Payload="{not json")
    with pytest.raises(ClientError, match="Client context"):
        lambda_.invoke(FunctionName="f", ClientContext="%%%")


def test_a_dry_run_runs_nothing(lambda_: Any) -> None:
    deploy(lambda_, "f", "raise RuntimeError('must not run')")
    assert lambda_.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.invoke(FunctionName="missing", InvocationType="DryRun")


def test_the_sdk_in_a_function_finds_fogbank_as_the_function_s_role(
    client: Callable[..., Any], lambda_: Any, account: str
) -> None:
    client("sqs").create_queue(QueueName="q")
    deploy(
        lambda_,
        "f",
        """
        import boto3
        def handler(event, context):
            who = boto3.client("sts").get_caller_identity()
            return boto3.client("sqs").list_queues()["QueueUrls"], who["Arn"]
        """,
        Timeout=30,
    )
    (url,), arn = invoke(lambda_)[0]
    assert url.endswith(f"/{account}/q")
    assert arn == f"arn:aws:sts::{account}:assumed-role/{ROLE.rpartition('/')[2]}/f"


def test_the_log_has_lambda_s_lines_and_the_function_s(lambda_: Any) -> None:
    deploy(
        lambda_,
        "f",
        """
        import logging, sys
        logging.getLogger().setLevel("INFO")
        def handler(event, context):
            print("one"); print("two\\nthree"); sys.stderr.write("four\\n")
            logging.info("five\\nand six")
        """,
    )
    _, reply = invoke(lambda_, LogType="Tail")
    number = reply["ResponseMetadata"]["RequestId"]
    lines = log_of(reply).splitlines()
    assert lines[0].startswith("INIT_START Runtime Version: python:3.")
    assert lines[1] == f"START RequestId: {number} Version: $LATEST"
    assert lines[2:6] == ["one", "two", "three", "four"]
    assert lines[6].startswith("[INFO]\t")
    assert lines[6].endswith(f"{number}\tfive")
    assert lines[7] == "and six"
    assert lines[8] == f"END RequestId: {number}"
    assert re.fullmatch(
        rf"REPORT RequestId: {number}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB"
        r"\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        lines[9],
    )
    _, warm = invoke(lambda_, LogType="Tail")
    assert "Init" not in log_of(warm)


# Asynchronous invocations


def test_an_asynchronous_invocation_runs_once_when_it_succeeds(lambda_: Any, tmp_path: Path) -> None:
    deploy(lambda_, "f", "def handler(event, context): open(event['file'], 'a').write(context.aws_request_id + '\\n')")
    file = tmp_path / "ran"
    reply = lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"file": str(file)}))
    assert reply["StatusCode"] == 202
    assert reply["Payload"].read() == b""
    assert wait_for(lambda: file.exists() and file.read_text()) == reply["ResponseMetadata"]["RequestId"] + "\n"


def test_an_asynchronous_invocation_is_tried_three_times(
    timed_client: Callable[..., Any], timed_server: ThreadedServer, tmp_path: Path
) -> None:
    lambda_ = timed_client("lambda")
    deploy(
        lambda_,
        "f",
        "def handler(event, context): open(event['file'], 'a').write(context.aws_request_id + '\\n'); 1 / 0",
    )
    file = tmp_path / "ran"
    lambda_.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"file": str(file)}))

    def runs() -> int:
        return len(file.read_text().split()) if file.exists() else 0

    wait_for(lambda: runs() == 1 and timed_server.app.runner.running == 0)
    timed_server.advance(59)
    assert runs() == 1
    timed_server.advance(1)
    wait_for(lambda: runs() == 2 and timed_server.app.runner.running == 0)
    timed_server.advance(119)
    assert runs() == 2
    timed_server.advance(1)
    wait_for(lambda: runs() == 3 and timed_server.app.runner.running == 0)
    timed_server.advance(3600)
    assert runs() == 3
    assert len(set(file.read_text().split())) == 1, "all attempts have the same request id"
