"""Tables in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows below their heads; a head that begins with `>` stands, with its column, to the right."""
    names = [head.lstrip(">") for head in heads]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    return "\n".join(_line(row, heads, widths) for row in (names, *rows))


def pairs(values: Sequence[tuple[str, str]]) -> str:
    """Return names and values, one pair a line."""
    width = max(len(name) for name, _ in values)
    return "\n".join(f"{name:<{width}}{GAP}{value}".rstrip() for name, value in values)


def indented(text: str) -> str:
    """Return a text with two blanks before each line."""
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _line(cells: Sequence[str], heads: Sequence[str], widths: Sequence[int]) -> str:
    placed = (
        cell.rjust(width) if head.startswith(">") else cell.ljust(width)
        for cell, head, width in zip(cells, heads, widths, strict=True)
    )
    return GAP.join(placed).rstrip()
