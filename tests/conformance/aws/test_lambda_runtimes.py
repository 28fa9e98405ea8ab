"""Functions that aren't written in Python: Node.js, and programs of any kind that speak the Runtime API."""

from __future__ import annotations

import io
import json
import shutil
import textwrap
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.functions import ROLE
from tests.conformance.aws.test_lambda_invoke import invoke, log_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def create(client: Any, runtime: str, files: dict[str, str], handler: str = "index.handler", **settings: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            archive.writestr(entry, textwrap.dedent(text).lstrip())
    settings = {"Timeout": 20, "MemorySize": 256} | settings
    client.create_function(
        FunctionName="f", Runtime=runtime, Handler=handler, Role=ROLE, Code={"ZipFile": buffer.getvalue()}, **settings
    )


node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: there is none on PATH")


@node
@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("index.js", "exports.handler = async (event, context) => ({ got: event.a, id: context.awsRequestId });"),
        ("index.mjs", "export const handler = async (event, context) => ({ got: event.a, id: context.awsRequestId });"),
        (
            "index.js",
            """
            exports.handler = (event, context, done) => {
                setTimeout(() => done(null, { got: event.a, id: context.awsRequestId }), 5);
            };
            """,
        ),
        (
            "index.cjs",
            "exports.handler = (event, context, _) => context.succeed({ got: event.a, id: context.awsRequestId });",
        ),
    ],
)
def test_every_kind_of_node_handler_answers(lambda_: Any, name: str, source: str) -> None:
    create(lambda_, "nodejs20.x", {name: source})
    for value in (1, "둘"):
        payload, reply = invoke(lambda_, {"a": value})
        assert payload == {"got": value, "id": reply["ResponseMetadata"]["RequestId"]}


@node
def test_node_functions_log_and_live_as_lambda_s(lambda_: Any, account: str) -> None:
    source = """
        const started = Math.random();
        exports.handler = async (event, context) => {
            console.log("hello %s", "world", { a: 1 });
            console.error("two\\nlines");
            return [started, context.functionName, context.invokedFunctionArn, context.memoryLimitInMB,
                    context.getRemainingTimeInMillis() > 1000, process.env.AWS_REGION, process.cwd()];
        };
    """
    create(lambda_, "nodejs20.x", {"index.js": source})
    payload, reply = invoke(lambda_, LogType="Tail")
    number = reply["ResponseMetadata"]["RequestId"]
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f"
    assert payload[1:6] == ["f", arn, "256", True, "us-east-1"]
    lines = log_of(reply).split("\n")
    assert lines[0] == "INIT_START Runtime Version: nodejs20.x"
    assert lines[2].endswith(f"\t{number}\tINFO\thello world {{ a: 1 }}")
    assert lines[3].endswith(f"\t{number}\tERROR\ttwo\rlines")
    assert invoke(lambda_)[0][0] == payload[0], "the same instance again"


@node
@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        ("exports.handler = async () => { throw new TypeError('no'); };", "TypeError", "no"),
        ("exports.handler = (event, context, done) => done(new Error('back'));", "Error", "back"),
        ("exports.handler = (event, context, done) => done('text');", "string", "text"),
        ("exports.handler = async () => { const a = {}; a.a = a; return a; };", "Runtime.UnserializableResult", ""),
        ("exports.other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("exports.handler = ;", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token ';'"),
        ("require('missing');", "Runtime.ImportModuleError", "Error: Cannot find module 'missing'"),
        ("throw new RangeError('at once');", "RangeError", "at once"),
        (
            "exports.handler = () => new Promise(() => Promise.reject(new Error('lost')));",
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
        ),
    ],
)
def test_errors_of_node_functions(lambda_: Any, source: str, kind: str, message: str) -> None:
    create(lambda_, "nodejs20.x", {"index.js": source})
    payload, reply = invoke(lambda_)
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == kind
    assert message in payload["errorMessage"]


@node
def test_a_node_module_that_is_not_there(lambda_: Any) -> None:
    create(lambda_, "nodejs20.x", {"other.js": "exports.handler = async () => 1;"})
    payload, _ = invoke(lambda_)
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert payload["errorMessage"].startswith("Error: Cannot find module 'index'")


def test_a_machine_without_node_says_what_to_install(
    lambda_: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    create(lambda_, "nodejs20.x", {"index.js": "exports.handler = async () => 1;"})
    payload, reply = invoke(lambda_)
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.LaunchError"
    assert "there is no Node.js on this machine: install it (apt install nodejs" in payload["errorMessage"]


BOOTSTRAP = """
    #!/bin/sh
    api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
    echo "starting $_HANDLER"
    while true; do
        head=$(mktemp)
        event=$(curl -sS -D "$head" "$api/invocation/next") || exit 1
        id=$(grep -i lambda-runtime-aws-request-id "$head" | tr -d '\\r' | cut -d' ' -f2)
        case "$event" in
            '"fail"') curl -sS -X POST "$api/invocation/$id/error" \\
                -H 'Lambda-Runtime-Function-Error-Type: Function.Asked' \\
                -d '{"errorType":"Function.Asked","errorMessage":"as asked"}' >/dev/null ;;
            '"exit"') exit 7 ;;
            *) curl -sS -X POST "$api/invocation/$id/response" -d "{\\"echo\\":$event}" >/dev/null ;;
        esac
    done
"""

curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: there is none on PATH")


@curl
def test_a_shell_script_is_a_runtime(lambda_: Any) -> None:
    create(lambda_, "provided.al2023", {"bootstrap": BOOTSTRAP}, handler="anything")
    payload, reply = invoke(lambda_, {"a": [1, "둘"]}, LogType="Tail")
    assert payload == {"echo": {"a": [1, "둘"]}}
    assert "starting anything" in log_of(reply)
    payload, reply = invoke(lambda_, "fail")
    assert (payload, reply["FunctionError"]) == (
        {"errorType": "Function.Asked", "errorMessage": "as asked"},
        "Unhandled",
    )
    payload, _ = invoke(lambda_, "exit")
    assert payload["errorMessage"].endswith("Runtime exited with error: exit status 7")
    assert invoke(lambda_, 1)[0] == {"echo": 1}


def test_what_is_no_runtime_says_so(lambda_: Any) -> None:
    create(lambda_, "provided.al2023", {"index.js": ""}, handler="anything")
    payload, reply = invoke(lambda_)
    assert reply["FunctionError"] == "Unhandled"
    assert "Couldn't find valid bootstrap(s)" in json.dumps(payload)
