"""`fogbank faults`: have a running server fail on purpose."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Final

import click
import msgspec

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json
from fogbank.cli.running.variables import CLOUDS
from fogbank.cli.tables import table

PATH: Final = "/_fogbank/faults"
_HEADS: Final = (">ID", "FAULT", "CLOUD", "SERVICE", "OPERATION", "RESOURCE", ">RATE", ">STRUCK", ">OF")
_KINDS: Final = ("error", "throttle", "latency", "drop", "duplicate", "reorder")
_SPAN: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(?:-(\d{1,6}(?:\.\d{1,3})?))?(?:ms)?")


class Span(click.ParamType[tuple[float, float]]):
    """A time in milliseconds, or a range such as 50-200."""

    name = "ms"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Read a span."""
        if isinstance(value, tuple):
            return value
        match = _SPAN.fullmatch(str(value))
        if match is None:
            self.fail(f"{value} is no time in milliseconds such as 200, and no range such as 50-200", param, ctx)
        low = float(match[1])
        high = float(match[2] or low)
        if high < low:
            self.fail(f"{value} ends before it begins; a range goes from less to more, such as 50-200", param, ctx)
        return low, high


def _cloud(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse a pattern that no cloud fits: its fault would never strike."""
    if value is not None and not any(fnmatchcase(name, value.lower()) for name in CLOUDS):
        msg = f"there is no cloud {value}; there are {', '.join(CLOUDS)}"
        raise click.BadParameter(msg)
    return value


@click.group("faults")
def command() -> None:
    """Have requests fail on purpose: errors, throttles, latency, dropped connections, messages twice or out of order.

    The same requests in the same order meet the same faults. No fault outlives a reset or the server.
    """


@command.command("add")
@url_option
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--cloud", metavar="PATTERN", callback=_cloud, help="Only this cloud's: aws, azure or gcp.")
@click.option("--service", metavar="PATTERN", help="Only this service's, such as sqs, pubsub, cosmos or queues.")
@click.option("--operation", metavar="PATTERN", help="Only these operations, such as Put*.")
@click.option("--resource", metavar="PATTERN", help="Only this resource, by its name or the end of it.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), help="The share of requests that is struck (1).")
@click.option("--count", type=click.IntRange(1), help="How many are struck at the most (no end).")
@click.option("--seed", type=click.IntRange(0), help="What decides which are struck (0).")
@click.option("--status", type=click.IntRange(400, 599), help="The error's HTTP status.")
@click.option("--code", help="The error's code, in the cloud's words.")
@click.option("--message", help="The error's message.")
@click.option("--latency", "span", type=Span(), metavar="MS", help="How long a latency is: 200, or 50-200, in ms.")
@click.option(
    "--when", type=click.Choice(["before", "after"]), help="Drop before the work is done, or after it (before)."
)
@json_option
def add(url: str, kind: str, span: tuple[float, float] | None, *, as_json: bool, **given: Any) -> None:
    """Add a fault of a KIND.

    error and throttle answer as the cloud would, latency answers late, drop closes the connection; duplicate has a
    queue without order hand out a message twice, reorder behind later ones.
    """
    if (kind == "latency") is (span is None):
        msg = "latency takes --latency MS." if span is None else f"--latency goes with latency, not with {kind}."
        raise click.UsageError(msg)
    rule = {"kind": kind, **{name: value for name, value in given.items() if value is not None}}
    if span is not None:
        rule["low_ms"], rule["high_ms"] = span
    added = ask(url, "POST", PATH, msgspec.json.encode(rule))
    if as_json:
        print_json(added)
    else:
        print(f"Fault {added['id']}: {_what(added)}.")


@command.command("list")
@url_option
@json_option
def list_faults(url: str, *, as_json: bool) -> None:
    """List the faults, and how many requests they struck, of how many that fitted."""
    found = ask(url, "GET", PATH)["faults"]
    if as_json:
        print_json(found)
    elif found:
        print(table(_HEADS, [_row(each) for each in found]))
    else:
        print("There is no fault.")


@command.command("clear")
@url_option
@click.argument("number", metavar="[ID]", type=click.IntRange(1), required=False)
@json_option
def clear(url: str, number: int | None, *, as_json: bool) -> None:
    """Remove all faults, or the one of that number."""
    answer = ask(url, "DELETE", PATH if number is None else f"{PATH}/{number}")
    if as_json:
        print_json(answer)
    else:
        print(f"{answer['removed']} removed.")


def _row(each: dict[str, Any]) -> tuple[str, ...]:
    struck = f"{each['struck']}/{each['count']}" if "count" in each else str(each["struck"])
    patterns = (each["cloud"], each["service"], each["operation"], each["resource"])
    return (str(each["id"]), _what(each), *patterns, f"{each['rate']:g}", struck, str(each["fitted"]))


def _what(each: dict[str, Any]) -> str:
    if each["kind"] == "latency":
        low, high = each["low_ms"], each.get("high_ms", each["low_ms"])
        return f"latency {low:g} ms" if low == high else f"latency {low:g} to {high:g} ms"
    if each["kind"] == "drop":
        return f"drop {each.get('when', 'before')} the work"
    told = " ".join(str(each[name]) for name in ("status", "code") if name in each)
    return f"{each['kind']} {told}".rstrip()
