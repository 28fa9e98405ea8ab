"""`fogbank clock`: what time it is for a running server, and moving it."""

from __future__ import annotations

import re
from typing import Any, Final

import click
import msgspec

from fogbank.cli.client import ask, url_option
from fogbank.cli.output import json_option, print_json

PATH: Final = "/_fogbank/clock"
# An advance fires all that falls due on the way, and that may be much.
PATIENCE_SECONDS: Final = 3_600.0
# What the server takes at once.
ADVANCE_SECONDS_MAX: Final = 100 * 366 * 86_400
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|[smhdwy])")


class Duration(click.ParamType[float]):
    """A span of time such as 15m, 1h30m or 2d, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a span."""
        text = str(value)
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{text} is no span of time such as 90s, 15m, 1h30m or 2d", param, ctx)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if seconds > ADVANCE_SECONDS_MAX:
            self.fail(f"{text} is further than time can be moved at once, which is 100 years", param, ctx)
        return seconds


@click.group("clock")
def command() -> None:
    """Show or move the time of a running server: delays, schedules, expiry and retries follow."""


@command.command("show")
@url_option
@json_option
def show(url: str, *, as_json: bool) -> None:
    """Print what time it is for the server."""
    _print(ask(url, "GET", PATH), as_json=as_json)


@command.command("advance")
@click.argument("span", type=Duration())
@url_option
@json_option
def advance(span: float, url: str, *, as_json: bool) -> None:
    """Move the time on by SPAN (15m, 1h30m, 2d); what falls due meanwhile has fired when this returns."""
    _print(_move(url, "advance", span), as_json=as_json)


@command.command("next")
@url_option
@json_option
def advance_to_next(url: str, *, as_json: bool) -> None:
    """Move the time to the next thing that is due, and have it happen."""
    answer = _move(url, "next")
    if not answer["moved"] and not as_json:
        print("Nothing is due.")
    _print(answer, as_json=as_json)


@command.command("freeze")
@url_option
@json_option
def freeze(url: str, *, as_json: bool) -> None:
    """Let time stand still."""
    _print(_move(url, "freeze"), as_json=as_json)


@command.command("resume")
@url_option
@json_option
def resume(url: str, *, as_json: bool) -> None:
    """Let time run on from where it stands."""
    _print(_move(url, "resume"), as_json=as_json)


def _move(url: str, action: str, seconds: float | None = None) -> Any:
    body = {"action": action} if seconds is None else {"action": action, "seconds": seconds}
    return ask(url, "POST", PATH, msgspec.json.encode(body), PATIENCE_SECONDS)


def _print(clock: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(clock)
        return
    ahead = clock["ahead_seconds"]
    print(f"Now   {clock['now']}{', frozen' if clock['frozen'] else ''}")
    if ahead:
        print(f"      {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine's time")
    print(f"Next  {clock['next'] or 'nothing is due'}")
