"""AWS Lambda cases in other languages than Python: those whose tools this machine has."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.case import Case, Timed
from bench.functions import EVENT, PATH, PAUSE_SECONDS, request_for
from examples.bootstraps.deploy import GO_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.case import Work
    from bench.http import Client, Connection

NODE = "exports.handler = async (event) => ({ name: event.name });"
RUBY = "def handler(event:, context:) = { name: event['name'] }"
JAVA = """
import java.util.Map;

public class App {
    public Map<String, String> handle(Map<String, String> event) {
        return Map.of("name", event.get("name"));
    }
}
"""
SHELL = r"""#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    event=$(curl -sS -D /tmp/head "$api/next") || exit 1
    id=$(sed -n 's/^lambda-runtime-aws-request-id: *\([^[:space:]]*\).*/\1/Ip' /tmp/head)
    curl -sS -o /dev/null -d "$event" "$api/$id/response"
done
"""
GO = """
package main

import ("bytes"; "io"; "net/http"; "os")

func main() {
    api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
    for {
        next, err := http.Get(api + "next")
        if err != nil { os.Exit(1) }
        body, _ := io.ReadAll(next.Body)
        next.Body.Close()
        id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
        reply, err := http.Post(api + id + "/response", "application/json", bytes.NewReader(body))
        if err != nil { os.Exit(1) }
        io.Copy(io.Discard, reply.Body)
        reply.Body.Close()
    }
}
"""


class Language(NamedTuple):
    """How a function in a language is deployed; `tool` is what it takes to make and to run one."""

    name: str
    tool: str
    runtime: str
    handler: str
    package: Callable[[], bytes]


def zipped(name: str, content: str | bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, content)
    return buffer.getvalue()


@cache
def java_package() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "App.java")
        source.write_text(JAVA)
        subprocess.run(["javac", "--release", "11", str(source)], check=True)
        return zipped("App.class", source.with_suffix(".class").read_bytes())


@cache
def go_package() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "main.go")
        source.write_text(GO)
        program = source.with_name("bootstrap")
        subprocess.run(
            ["go", "build", "-o", str(program), str(source)], check=True, env={**os.environ, **GO_ENVIRONMENT}
        )
        return zipped("bootstrap", program.read_bytes())


LANGUAGES = (
    Language("Node.js", "node", "nodejs22.x", "index.handler", lambda: zipped("index.js", NODE)),
    Language("Java", "javac", "java17", "App::handle", java_package),
    Language("Ruby", "ruby", "ruby3.3", "app.handler", lambda: zipped("app.rb", RUBY)),
    Language("Go", "go", "provided.al2023", "bootstrap", go_package),
    Language("shell", "curl", "provided.al2023", "bootstrap", lambda: zipped("bootstrap", SHELL)),
)


async def deploy(client: Client, connection: Connection, name: str, language: Language) -> bytes:
    """Create a function; returns the request that invokes it."""
    members = {
        "FunctionName": name,
        "Runtime": language.runtime,
        "Handler": language.handler,
        "Role": "arn:aws:iam::000000000000:role/bench",
        "Code": {"ZipFile": base64.b64encode(language.package()).decode()},
        "MemorySize": 256,
        "Timeout": 60,
    }
    await connection.ask(request_for(client, "POST", PATH, json.dumps(members).encode()))
    return request_for(client, "POST", f"{PATH}/{name}/invocations", EVENT)


def invoke_warm(language: Language) -> Callable[[Client, Connection], Awaitable[Work]]:
    async def prepare(client: Client, connection: Connection) -> Work:
        request = await deploy(client, connection, f"bench-warm-{language.tool}", language)

        async def work(connection: Connection) -> int:
            await connection.ask(request)
            return 1

        return work

    return prepare


def invoke_cold(language: Language) -> Callable[[Client, Connection], Awaitable[Work]]:
    """Each turn deploys a function, invokes it for the first time, and deletes it; the invocation is what counts."""

    async def prepare(client: Client, _: Connection) -> Work:
        numbers = itertools.count()

        async def work(connection: Connection) -> Timed:
            name = f"bench-cold-{language.tool}-{next(numbers)}"
            request = await deploy(client, connection, name, language)
            # As with Python; and the first of all waits until the language's client is made ready.
            await asyncio.sleep(PAUSE_SECONDS)
            began = time.perf_counter()
            await connection.ask(request)
            seconds = time.perf_counter() - began
            await connection.ask(request_for(client, "DELETE", f"{PATH}/{name}"))
            return Timed(1, seconds)

        return work

    return prepare


LANGUAGE_CASES = tuple(
    case
    for language in LANGUAGES
    if shutil.which(language.tool)
    for case in (
        Case(f"lambda.Invoke {language.name} warm", invoke_warm(language), concurrency=1),
        Case(f"lambda.Invoke {language.name} cold", invoke_cold(language), concurrency=1),
    )
)
