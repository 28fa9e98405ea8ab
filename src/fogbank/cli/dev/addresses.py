"""The table of a folder's functions: by what they are called, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.cli.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HEADS: Final = ("  FUNCTION", "CALLED BY", "URL")


class Address(NamedTuple):
    """How a function is called: its methods and URL, or the trigger that does it, with an empty URL."""

    name: str
    called_by: str
    url: str = ""


def show(addresses: Sequence[Address], say: Callable[[str], None]) -> None:
    """Print the table."""
    if not addresses:
        say("  no functions")
        return
    for line in table(HEADS, [(f"  {each.name}", each.called_by, each.url) for each in addresses]).splitlines():
        say(line)
