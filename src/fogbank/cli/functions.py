"""`fogbank functions`: what is deployed, and a folder served while it is worked on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from fogbank.cli.client import ask, server_option, url_option
from fogbank.cli.edge.events import TRIGGERS, Viewer
from fogbank.cli.output import json_option, json_options, print_json
from fogbank.cli.tables import table

HEADS: Final = ("FUNCTION", "SCOPE", "CONTRACT", "RUNTIME", "HANDLER", ">MEMORY", ">TIMEOUT", "MODIFIED")


@click.group("functions")
def command() -> None:
    """List functions, serve a folder of them, and try one as CloudFront would call it."""


@command.command("list")
@url_option
@json_options
def list_functions(url: str, *, as_json: bool) -> None:
    """List the functions of all clouds, accounts and regions."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = ask(url, "GET", f"/_fogbank/functions?after={quote(after, safe='')}")
        found += page["functions"]
        after = page["next"]
    if as_json:
        print_json(found)
    elif found:
        print(table(HEADS, [_row(each) for each in found]))
    else:
        print("There is no function.")


@command.command("dev")
@url_option
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="The function's name (the folder's), or one of a template's functions.")
@click.option("--handler", help="The handler, module.function, where the files don't tell.")
@click.option("--target", help="The function of a folder for Google Cloud Functions that is to be served.")
@click.option("--runtime", help="The runtime, in the cloud's words.")
@click.option("--memory-size", "memory_mib", type=click.IntRange(128, 10_240), metavar="MIB", help="Its memory.")
@click.option("--timeout", "timeout_seconds", type=click.IntRange(1, 900), metavar="SECONDS", help="Its time limit.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="An environment variable; repeatable.")
@click.option("--debug", is_flag=True, help="Have each function wait for a debugger, and give it all the time.")
@click.option("--debug-port", type=click.IntRange(1_024, 65_535), metavar="PORT", help="Where the first one waits.")
@click.pass_context
def dev(context: click.Context, /, url: str, path: Path, variables: tuple[str, ...], **options: Any) -> None:
    """Serve a folder of functions until Ctrl-C.

    Tells from the files what is in the folder, deploys it, deploys again what is saved, and prints what functions
    log. Where no server runs, one is started that keeps everything in memory.
    """
    from fogbank.cli.dev.projects import Given  # noqa: PLC0415 - not needed to list
    from fogbank.cli.dev.serving import serve  # noqa: PLC0415 - not needed to list

    pairs = [text.partition("=") for text in variables]
    if not all(name and separator for name, separator, _ in pairs):
        msg = "--env takes NAME=VALUE."
        raise click.UsageError(msg)
    if options["debug_port"] is not None and not options["debug"]:
        msg = "--debug-port is for --debug."
        raise click.UsageError(msg)
    given = Given(**options, environment={name: value for name, _, value in pairs})
    unsaid = context.get_parameter_source("url") is click.core.ParameterSource.DEFAULT
    serve(path.resolve(), given, url, own=unsaid)


@command.command("edge-test")
@click.argument("function")
@click.option("--event", "trigger", type=click.Choice(TRIGGERS), default=TRIGGERS[0], show_default=True)
@click.option("--url", default="https://d111111abcdef8.cloudfront.net/", show_default=True, help="What is asked for.")
@click.option("--method", default="GET", show_default=True, help="How.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A header of the request; repeatable.")
@click.option("--body", default="", help="The request's body.")
@click.option("--status", type=click.IntRange(100, 599), default=200, show_default=True, help="The origin's answer.")
@click.option("--answer-header", "answered", multiple=True, metavar="NAME:VALUE", help="A header of it; repeatable.")
@server_option
@json_option
def edge_test(function: str, trigger: str, server: str, *, as_json: bool, **asked: Any) -> None:
    """Call a function as CloudFront calls Lambda@Edge, and print what CloudFront would do then.

    FUNCTION is a function's name, with a version's number after a colon if it has one, or a folder that holds one,
    which is deployed first. An answer that CloudFront doesn't take ends the command with status 1.
    """
    from fogbank.cli.edge.trial import attempt, read_headers  # noqa: PLC0415 - not needed to list

    viewer = Viewer(
        asked["url"],
        asked["method"].upper(),
        read_headers(asked["headers"]),
        asked["body"].encode(),
        asked["status"],
        read_headers(asked["answered"]),
    )
    folder = Path(function) if Path(function).is_dir() else None
    if not attempt(server, function, folder, trigger, viewer, as_json=as_json):
        raise SystemExit(1)


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    return (
        each["name"],
        each["scope"],
        each["contract"],
        each["runtime"],
        each["handler"],
        f"{each['memory_mib']} MiB",
        f"{each['timeout_seconds']} s",
        each["modified"][:19].replace("T", " "),
    )
