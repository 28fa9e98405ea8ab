"""One trial of a function as a Lambda@Edge function: its event, its answer, and what CloudFront makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from fogbank.cli.dev.lambda_api import DEFAULT_ACCOUNT, DEFAULT_REGION, LambdaApi, LambdaError, caller
from fogbank.cli.dev.projects import Given, ProjectError, read_project
from fogbank.cli.edge.checks import decoded, faults, is_response
from fogbank.cli.edge.events import ORIGIN_REQUEST, VIEWER_REQUEST, event_of, phrase_of
from fogbank.cli.output import print_json
from fogbank.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fogbank.cli.edge.events import Viewer

SHOWN_BYTES_MAX: Final = 1_000


def attempt(
    server: str, function: str, folder: Path | None, trigger: str, viewer: Viewer, *, as_json: bool = False
) -> bool:
    """Print what CloudFront would do after a function; returns whether it takes the answer."""
    account, region = caller()
    api = LambdaApi(server, account or DEFAULT_ACCOUNT, region or DEFAULT_REGION)
    event = event_of(trigger, viewer)
    try:
        if folder is not None:
            function = _deploy(api, folder, quiet=as_json)
        answer, failed = api.invoke(function, event)
    except (LambdaError, ProjectError) as error:
        raise click.ClickException(str(error)) from None
    reasons = [_failure(answer)] if failed else faults(trigger, event, answer)
    if as_json:
        taken = not reasons
        print_json({"event": trigger, "url": viewer.url, "taken": taken, "reasons": reasons, "answer": answer})
        return taken
    print(f"{trigger}: {viewer.method} {viewer.url}")
    if reasons:
        return _refuse(reasons)
    lines = _response(trigger, answer) if is_response(trigger, answer) else _request(trigger, event, answer)
    print("\n".join(lines))
    return True


def _deploy(api: LambdaApi, folder: Path, *, quiet: bool) -> str:
    """Bring a folder's function to the server; returns its name."""
    described = read_project(folder.resolve(), Given()).functions
    if len(described) != 1:
        msg = f"{folder} holds {len(described)} functions: deploy them, and name one."
        raise ProjectError(msg)
    with Progress(f"Deploying {described[0].name}", quiet=quiet):
        api.publish(described[0])
    return described[0].name


def _failure(answer: Any) -> str:
    said = answer if isinstance(answer, dict) else {}
    return f"The function failed: {said.get('errorType', 'Error')}: {said.get('errorMessage', answer)}"


def _refuse(reasons: list[str]) -> bool:
    print("CloudFront answers the viewer 502 Bad Gateway:")
    for reason in reasons:
        print(f"  {reason}")
    return False


def _request(trigger: str, event: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[str]:
    before = event["Records"][0]["cf"]["request"]
    yield "The request goes on to the cache." if trigger == VIEWER_REQUEST else "The request goes on to the origin."
    if trigger == ORIGIN_REQUEST:
        ((_, facts),) = request.get("origin", before["origin"]).items()
        yield f"  to {facts['domainName']}{facts.get('path', '')}"
    query = request.get("querystring", "")
    yield f"  {before['method']} {request['uri']}{f'?{query}' if query else ''}"
    yield from _headers(request["headers"])
    body = request.get("body", {})
    if body.get("action") == "replace":
        yield from _body(body.get("data", ""), body.get("encoding", "text"))
    names = ("uri", "querystring", "headers", "body", "origin")
    changed = [name for name in names if name in request and request[name] != before.get(name)]
    yield f"Changed: {', '.join(changed)}" if changed else "Nothing was changed."


def _response(trigger: str, response: Mapping[str, Any]) -> Iterator[str]:
    status = int(response["status"])
    said = {VIEWER_REQUEST: "The viewer gets this at once:", ORIGIN_REQUEST: "The viewer gets this, and it is cached:"}
    yield said.get(trigger, "The response goes on to the viewer:")
    yield f"  {status} {response.get('statusDescription') or phrase_of(status)}".rstrip()
    yield from _headers(response.get("headers", {}))
    if response.get("body") is not None:
        yield from _body(response["body"], response.get("bodyEncoding", "text"))


def _headers(headers: Mapping[str, Any]) -> Iterator[str]:
    for name, values in headers.items():
        for each in values:
            yield f"  {each.get('key', name)}: {each['value']}"


def _body(body: str, encoding: str) -> Iterator[str]:
    data = decoded(body, encoding) or b""
    yield ""
    try:
        text = data[:SHOWN_BYTES_MAX].decode()
    except UnicodeDecodeError:
        text = f"({len(data)} bytes that aren't text)"
    yield "\n".join(f"  {line}" for line in text.splitlines())
    if len(data) > SHOWN_BYTES_MAX:
        yield f"  … ({len(data)} bytes)"


def read_headers(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return names and values of headers that are written as in HTTP; raises `click.UsageError`."""
    pairs = [text.partition(":") for text in texts]
    if not all(name.strip() and colon for name, colon, _ in pairs):
        msg = "A header is NAME: VALUE."
        raise click.UsageError(msg)
    return [(name.strip(), value.strip()) for name, _, value in pairs]
