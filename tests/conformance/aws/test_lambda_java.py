"""Functions in Java: on a Java of this machine, with a client of our own."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.runtimes.lambda_runtime_api import java, java_client
from fogbank.runtimes.lambda_runtime_api.java import Java
from tests.conformance.aws.extension_layers import publish_extension
from tests.conformance.aws.functions import ROLE
from tests.conformance.aws.test_lambda_invoke import invoke, log_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

HERE = Path(__file__).parent / "java"
PART = re.compile(r"^// ---- (\S+)\n", re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("javac") is None, reason="needs Java: apt install default-jdk-headless")


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled handlers, and in `lib` a jar with the interfaces that they implement."""
    folder = tmp_path_factory.mktemp("java")
    parts = PART.split((HERE / "Interfaces.java").read_text())
    for name, source in zip(parts[1::2], parts[2::2], strict=True):
        path = folder / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    sources = [str(path) for path in (folder / "sources").rglob("*.java")]
    compiler = ["javac", "--release", "11", "-g"]
    subprocess.run([*compiler, "-d", str(folder / "core"), *sources], check=True)
    handlers = str(HERE / "Handlers.java")
    subprocess.run([*compiler, "-cp", str(folder / "core"), "-d", str(folder / "code"), handlers], check=True)
    return folder


def archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for path in folder.rglob("*.class"):
            package.write(path, str(path.relative_to(folder)))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def package(classes: Path) -> bytes:
    """A deployment package: classes, and the interfaces' jar in `lib`."""
    buffer = io.BytesIO(archive(classes / "code"))
    with zipfile.ZipFile(buffer, "a") as made:
        made.writestr("lib/core.jar", archive(classes / "core"))
    return buffer.getvalue()


def create(lambda_: Any, package: bytes, handler: str, runtime: str = "java17", **settings: Any) -> None:
    settings = {"Timeout": 20, "MemorySize": 256} | settings
    if not handler.startswith(("com.", "::")):
        handler = f"com.example.Handlers::{handler}"
    lambda_.create_function(
        FunctionName="f", Runtime=runtime, Handler=handler, Role=ROLE, Code={"ZipFile": package}, **settings
    )


ORDER = {
    "name": 'Ada "둘" \n\u0001😀',
    "paid": True,
    "colour": "GREEN",
    "items": [{"sku": "a", "count": 2}, {"sku": "b", "count": 0}],
    "totals": {"x": 9_007_199_254_740_993},
    "price": 12.50,
    "at": "2026-11-26T23:00:00Z",
    "data": base64.b64encode(b"\0\xff").decode(),
    "numbers": [1, None, 3],
    "inner": {"paid": False, "name": "nested"},
    "labels": ["one"],
}


@pytest.mark.parametrize(
    ("handler", "event", "result"),
    [
        ("order", ORDER | {"unknown": [1, {"a": None}]}, ORDER),
        ("order", {"name": None, "colour": "BLUE", "labels": "single"}, {"paid": False, "labels": ["single"]}),
        ("text", "event", "<event>"),
        ("add", [1, 2, 3], 6),
        ("plusOne", 41, 42),
        ("any", [1, 2.5, "a", None, True], ["ArrayList", [1, 2.5, "a", None, True]]),
        ("map", {"a": {"b": [1]}, "c": 1e3, "d": None}, {"a": {"b": [1]}, "c": 1000.0, "d": None}),
        ("records", {"Records": [{"messageId": "1", "eventSourceARN": "arn"}]}, [{"text": "1@arn"}]),
        ("nothing", {}, "nothing"),
        ("silent", "x", None),
        ("counted", {}, 1),
        ("overloaded", "x", "two"),
        ("com.example.Handlers$Special", [{"sku": "generic"}], "generic"),
        ("com.example.Handlers$Special::handleRequest", [{"sku": "generic"}], "generic"),
        ("com.example.Handlers$Streams", {"a": "é"}, [{"a": "é"}]),
        ("com.example.Handlers$Fails", {"how": "well"}, "well"),
    ],
)
def test_handlers_get_what_their_types_say(lambda_: Any, package: bytes, handler: str, event: Any, result: Any) -> None:
    create(lambda_, package, handler)
    payload, reply = invoke(lambda_, event)
    assert "FunctionError" not in reply, payload
    assert payload == result


def test_the_context_and_the_log_are_lambda_s(lambda_: Any, package: bytes, account: str) -> None:
    create(lambda_, package, "about")
    sent = {"client": {"app_title": "title"}, "custom": {"a": "1"}, "env": {"b": "2"}}
    encoded = base64.b64encode(json.dumps(sent).encode()).decode()
    payload, reply = invoke(lambda_, LogType="Tail", ClientContext=encoded)
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f"
    number = reply["ResponseMetadata"]["RequestId"]
    assert payload[:6] == [number, "f", "$LATEST", arn, 256, "/aws/lambda/f"]
    assert payload[7:] == [True, None, ["title", "1", "2"]]
    assert "[$LATEST]" in payload[6]
    lines = log_of(reply).split("\n")
    assert lines[0].startswith("INIT_START Runtime Version: java:17.")
    assert lines[2:7] == ["printed é", "to stderr", "logged", "bytes", "levelled"]
    assert len(invoke(lambda_)[0]) == 9, "the same instance, without a client context"


@pytest.mark.parametrize(
    ("handler", "event", "error"),
    [
        ("com.example.Handlers$Fails", {"how": "checked"}, ("java.io.IOException", "no disk")),
        ("com.example.Handlers$Fails", {"how": "silent"}, ("java.lang.NullPointerException",) * 2),
        ("plusOne", {"a": 1}, ("java.lang.RuntimeException", "An error occurred during JSON parsing")),
        ("plusOne", "many", ("java.lang.RuntimeException", "An error occurred during JSON parsing")),
        ("loop", 1, ("java.lang.RuntimeException", "An error occurred during JSON serialization of response")),
        ("com.example.Missing", 1, ("java.lang.ClassNotFoundException", "Class not found: com.example.Missing")),
        ("::x", 1, (None, "Invalid handler: `::x'")),
        (
            "hidden",
            1,
            (
                None,
                "No public method named hidden with appropriate method signature found on class com.example.Handlers",
            ),
        ),
        (
            "com.example.Handlers$Item",
            1,
            (None, "Class does not implement an appropriate handler interface: com.example.Handlers$Item"),
        ),
        ("com.example.Handlers$Broken::handle", 1, ("java.lang.IllegalStateException", "not today")),
        (
            "com.example.Handlers$Choosy::handle",
            1,
            ("java.lang.Exception", "Class com.example.Handlers$Choosy has no public zero-argument constructor"),
        ),
        (
            "com.example.Handlers$Exploding::handle",
            1,
            ("java.lang.ExceptionInInitializerError", "Error loading class com.example.Handlers$Exploding"),
        ),
    ],
)
def test_errors_are_reported_as_aws_s_client_does(
    lambda_: Any, package: bytes, handler: str, event: Any, error: tuple[str | None, str]
) -> None:
    create(lambda_, package, handler)
    payload, reply = invoke(lambda_, event, LogType="Tail")
    assert reply["FunctionError"] == "Unhandled"
    assert (payload.get("errorType"), payload["errorMessage"]) == error
    assert payload["errorMessage"] in log_of(reply)


def test_a_thrown_exception_has_its_trace_and_its_cause(lambda_: Any, package: bytes) -> None:
    create(lambda_, package, "com.example.Handlers$Fails")
    payload, reply = invoke(lambda_, {"how": "caused"}, LogType="Tail")
    place = r"com\.example\.Handlers\$Fails\.handleRequest\(Handlers\.java:\d+\)"
    assert (payload["errorType"], payload["errorMessage"]) == ("java.lang.IllegalStateException", "outer")
    assert re.fullmatch(place, payload["stackTrace"][0])
    assert not [line for line in payload["stackTrace"] if "fogbank" in line or "reflect" in line]
    assert (payload["cause"]["errorType"], payload["cause"]["errorMessage"]) == ("java.lang.RuntimeException", "inner")
    assert "outer: java.lang.IllegalStateException\njava.lang.IllegalStateException: outer\n\tat com" in log_of(reply)
    assert invoke(lambda_, {"how": "well"})[0] == "well", "the instance lives on"


def test_an_exit_and_a_full_heap_end_the_instance(lambda_: Any, package: bytes) -> None:
    create(lambda_, package, "com.example.Handlers$Fails", MemorySize=128)
    payload, _ = invoke(lambda_, {"how": "exit"})
    assert payload["errorMessage"].endswith("Runtime exited with error: exit status 3")
    payload, _ = invoke(lambda_, {"how": "memory"})
    assert (payload["errorType"], payload["errorMessage"]) == ("java.lang.OutOfMemoryError", "Java heap space")
    assert invoke(lambda_, {"how": "well"})[0] == "well"


def test_java_functions_are_in_the_sandbox_and_have_their_threads(
    lambda_: Any, server: ThreadedServer, package: bytes
) -> None:
    create(lambda_, package, "sandbox", MemorySize=128)
    payload, _ = invoke(lambda_, str(HERE))
    isolated = server.app.runner.tier.name == "B"
    assert payload[1:] == [not isolated, False, "us-east-1"]


def test_interfaces_can_come_from_a_layer(lambda_: Any, classes: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("java/lib/core.jar", archive(classes / "core"))
    layer = lambda_.publish_layer_version(LayerName="core", Content={"ZipFile": buffer.getvalue()})
    create(lambda_, archive(classes / "code"), "com.example.Handlers$Streams", Layers=[layer["LayerVersionArn"]])
    assert invoke(lambda_, 1)[0] == [1]


def test_options_of_the_function_s_own_take_the_place_of_ours(lambda_: Any, package: bytes) -> None:
    options = "-XX:+UseParallelGC -Xmx64m -Xshare:off -XX:TieredStopAtLevel=4 -Dfile.encoding=ISO-8859-1"
    create(lambda_, package, "text", Environment={"Variables": {"JAVA_TOOL_OPTIONS": options}})
    payload, reply = invoke(lambda_, "ü", LogType="Tail")
    assert payload == "<ü>"
    assert f"Picked up JAVA_TOOL_OPTIONS: {options}" in log_of(reply)


def test_another_version_than_was_asked_for_is_noted(
    lambda_: Any, package: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = next(java.javas())
    monkeypatch.setattr(java, "javas", lambda: iter([only]))
    runtime = "java25" if only.major != 25 else "java21"
    create(lambda_, package, "text", runtime)
    payload, reply = invoke(lambda_, "x", LogType="Tail")
    assert payload == "<x>"
    assert f"java:{only.version} (the function asks for {runtime}; this is the Java that" in log_of(reply)


def test_the_version_that_was_asked_for_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = [Java(tmp_path / str(major), major, f"{major}.0.1") for major in (8, 17, 21, 11)]
    monkeypatch.setattr(java, "javas", lambda: iter(there))
    found = {runtime: java.find_java(runtime).major for runtime in java.JAVA_RUNTIMES}
    assert found == {"java11": 11, "java17": 17, "java21": 21, "java25": 21}
    monkeypatch.setattr(java, "javas", lambda: iter(there[:1] + there[2:3]))
    assert java.find_java("java11").major == 21


def test_a_machine_without_java_says_what_to_install(
    lambda_: Any, package: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "INSTALLED", tmp_path / "none")
    create(lambda_, package, "text")
    payload, reply = invoke(lambda_, "x")
    assert reply["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.LaunchError"
    assert (
        "there is no Java on this machine: install a JDK (apt install default-jdk-headless" in payload["errorMessage"]
    )


def test_a_machine_with_java_but_no_compiler_says_so(
    lambda_: Any, package: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "jre"
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text('JAVA_VERSION="17.0.99"\n')
    (home / "bin" / "java").write_text("#!/bin/sh\n")
    (home / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setattr(java, "INSTALLED", tmp_path / "none")
    monkeypatch.setattr(java_client, "cache_folder", lambda: tmp_path / "cache")
    create(lambda_, package, "text")
    payload, _ = invoke(lambda_, "x")
    assert f"there is a Java on this machine ({home}), but no Java compiler" in payload["errorMessage"]


def test_extensions_beside_java(lambda_: Any, package: bytes, tmp_path: Path) -> None:
    source = """
        me = register("INVOKE")[1]["Lambda-Extension-Identifier"]
        while True:
            note(ask(me)[2]["eventType"])
    """
    variables = {"Variables": {"NOTES": str(tmp_path / "notes")}}
    create(lambda_, package, "plusOne", Layers=[publish_extension(lambda_, source)], Environment=variables)
    assert [invoke(lambda_, each)[0] for each in (1, 2)] == [2, 3]
    assert (tmp_path / "notes").read_text().startswith('"INVOKE"')
