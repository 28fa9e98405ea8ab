"""Layers with an extension, for tests that deploy functions beside one."""

from __future__ import annotations

import io
import sys
import textwrap
import zipfile
from typing import Any

# What an extension written in Python has to begin with: `call` speaks to the API, `note` writes a line for the test.
PROLOGUE = """
    import http.client, json, os, sys

    def call(method, path, body=None, **headers):
        api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        api.request(method, path, None if body is None else json.dumps(body), headers)
        answer = api.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None

    def note(what):
        with open(os.environ["NOTES"], "a") as file:
            file.write(json.dumps(what) + "\\n")

    def register(*events, name=os.path.basename(sys.argv[0]), **headers):
        return call("POST", "/2020-01-01/extension/register", {"events": events}, Lambda_Extension_Name=name, **headers)

    def ask(me):
        return call("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=me)
"""


def publish_extension(client: Any, source: str, name: str = "watcher", mode: int = 0o755) -> str:
    """Publish a layer with an extension; returns the version's ARN."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(f"extensions/{name}")
        entry.external_attr = mode << 16
        text = f"#!{sys.executable}\n{textwrap.dedent(PROLOGUE)}{textwrap.dedent(source)}"
        archive.writestr(entry, text)
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": buffer.getvalue()})["LayerVersionArn"]
