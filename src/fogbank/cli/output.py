"""How commands print: text for people, or JSON for programs; colours on terminals only."""

from __future__ import annotations

import os
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
TEXT: Final = "text"
JSON: Final = "json"


def output_option(function: F) -> F:
    """Add the option that says how a command prints, as `output`."""
    return click.option(
        "-o", "--output", type=click.Choice([TEXT, JSON]), default=TEXT, show_default=True, help="How to print."
    )(function)


def json_option(function: F) -> F:
    """Add the same option to a command that asks for it as `as_json`."""
    return _as_json(function, output_option)


def json_options(function: F) -> F:
    """Add the same option, and the older `--json`."""

    def options(inner: Any) -> Any:
        return click.option("--json", "older", is_flag=True, help="The same as -o json.")(output_option(inner))

    return _as_json(function, options)


def _as_json(function: F, options: Callable[[Any], Any]) -> F:
    @wraps(function)
    def command(*given: Any, output: str, older: bool = False, **more: Any) -> Any:
        return function(*given, as_json=older or output == JSON, **more)

    made: F = options(command)
    return made


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(msgspec.json.format(msgspec.json.encode(value)).decode())


def print_line(value: Any) -> None:
    """Print a value as JSON on a line of its own, at once: one of many that come over time."""
    print(msgspec.json.encode(value).decode(), flush=True)


def is_coloured() -> bool:
    """Whether what is printed goes to a terminal whose user wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str) -> str:
    """Return a text in a colour, where colours are wanted."""
    return click.style(text, fg=colour) if is_coloured() else text
