"""`fogbank invocations`: what became of functions' invocations, and doing one over."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import click
import msgspec

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_options, print_json
from fogbank.cli.tables import indented, pairs, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

PATH: Final = "/_fogbank/invocations"
# A replay takes as long as the function does: 15 minutes at most, and its start.
REPLAY_SECONDS_MAX: Final = 960.0
MIB: Final = 1_048_576
HEADS: Final = ("BEGAN", "FUNCTION", "ENDED", ">DURATION", ">INIT", ">MEMORY", "SOURCE", "ID")


@click.group("invocations")
def command() -> None:
    """List, show and replay what functions were invoked with."""


@command.command("list")
@url_option
@click.option("--function", metavar="NAME", help="Only this function's.")
@click.option("--status", type=click.Choice(["ok", "error"]), help="Only those that ended so.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How many at most.")
@json_options
def list_invocations(url: str, function: str | None, status: str | None, limit: int, *, as_json: bool) -> None:
    """List the latest invocations, the newest first."""
    asked = {"function": function, "status": status, "limit": str(limit)}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    found = ask(url, "GET", f"{PATH}?{query}")["invocations"]
    if as_json:
        print_json(found)
    elif found:
        print(table(HEADS, [_row(each) for each in found]))
    else:
        print("No invocation is kept that fits.")


@command.command("show")
@url_option
@click.argument("identifier", metavar="ID")
@json_options
def show(url: str, identifier: str, *, as_json: bool) -> None:
    """Show an invocation: its event, its outcome, its log, what it took."""
    record = ask(url, "GET", _path(identifier))
    if as_json:
        print_json(record)
    else:
        print(describe(record))


@command.command("replay")
@url_option
@click.argument("identifier", metavar="ID")
@click.option("--event", "file", type=click.File("rb"), help="Take the event from a file; - is the standard input.")
@click.option("--edit", is_flag=True, help="Open the event in $EDITOR first.")
@json_options
@click.pass_context
def replay(
    context: click.Context, url: str, identifier: str, file: BinaryIO | None, *, edit: bool, as_json: bool
) -> None:
    """Invoke the function as it is now, or the version that ran, with the same event or another.

    Exits with 1 if the function fails.
    """
    event = None if file is None else file.read()
    if edit:
        event = _edited(event, ask(url, "GET", _path(identifier)))
    body = None if event is None else _replay_body(event)
    record = ask(url, "POST", _path(identifier) + "/replay", body, REPLAY_SECONDS_MAX)
    if as_json:
        print_json(record)
    else:
        print(describe(record))
    context.exit(0 if record["status"] == "ok" else 1)


def describe(record: dict[str, Any]) -> str:
    """Return an invocation for people to read."""
    facts = [
        ("id", record["id"]),
        ("record", record["record"]),
        ("function", f"{record['function']} ({record['version']}, {record['scope']})"),
        ("source", record["source"]),
        ("began", record["began"]),
        ("ended", record["ended"] + (f": {record['error']}" if record["error"] else "")),
        ("duration", f"{record['duration_ms']:.2f} ms, {record['billed_ms']} ms billed"),
        ("instance", f"cold, {record['init_ms']:.2f} ms to initialise" if record["cold"] else "warm"),
        ("memory", f"{_mib(record)} MiB at most"),
    ]
    parts = [pairs(facts)]
    for name in ("event", "payload"):
        cut = f", of which the first {len(record[name])} characters are kept" if name in record["cut"] else ""
        parts.append(f"{name}, {record[name + '_bytes']} bytes{cut}\n{indented(readable(record, name))}")
    if record["logs"]:
        cut = ", the end of it" if "logs" in record["cut"] else ""
        text = "\n".join(line["text"].rstrip("\n") for line in record["logs"])
        parts.append(f"log{cut}\n{indented(text)}")
    return "\n\n".join(parts)


def readable(record: dict[str, Any], name: str) -> str:
    """Return an event or a payload as text, JSON with indents."""
    value = record[name]
    if record[name + "_form"] == "json":
        return msgspec.json.format(msgspec.json.encode(value)).decode()
    text: str = value
    return text


def _path(identifier: str) -> str:
    return f"{PATH}/{quote(identifier, safe='')}"


def _row(each: dict[str, Any]) -> Sequence[str]:
    return (
        each["began"][:23].replace("T", " "),
        each["function"],
        each["ended"],
        f"{each['duration_ms']:.1f} ms",
        f"{each['init_ms']:.1f} ms" if each["cold"] else "",
        f"{_mib(each)} MiB",
        each["source"],
        each["id"],
    )


def _mib(record: dict[str, Any]) -> int:
    return -(-int(record["peak_bytes"]) // MIB)


def _edited(event: bytes | None, record: dict[str, Any]) -> bytes:
    """Let the user change an event: the one given, or else the one that was kept."""
    if event is None and ("event" in record["cut"] or record["event_form"] == "base64"):
        msg = "The event that is kept can't be edited: it is binary, or not whole. Give one with --event."
        raise click.ClickException(msg)
    text = readable(record, "event") if event is None else event.decode("utf-8", "replace")
    edited = click.edit(text, extension=".json", require_save=True)
    if edited is None:
        msg = "The event wasn't saved; nothing is replayed."
        raise click.ClickException(msg)
    changed = edited.rstrip("\n").encode()
    if event is None and record["event_form"] == "json":
        try:
            msgspec.json.decode(changed)
        except msgspec.DecodeError as error:
            msg = f"The event is no JSON any more: {error}"
            raise click.ClickException(msg) from None
    return changed


def _replay_body(event: bytes) -> bytes:
    """Return the body that carries an event, whatever its bytes are."""
    try:
        msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.encode({"event": b64encode(event).decode(), "event_form": "base64"})
    return msgspec.json.encode({"event": msgspec.Raw(event)})
