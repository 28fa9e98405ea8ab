"""What goes wrong with rules."""

from __future__ import annotations


class RulesError(Exception):
    """Rules that are none: what is wrong, and where, both counted from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"L{line}:{column} {message}")
        self.message = message
        self.line = line
        self.column = column


class EvaluationError(Exception):
    """An expression has no value: the condition that it stands in doesn't hold."""


class LimitError(Exception):
    """A request asks for more than its rules may do: nothing allows it."""


class NeedsDocumentError(Exception):
    """A document has to be looked at, by its path, as it is or (`after`) as it will be once the request is done."""

    def __init__(self, path: tuple[str, ...], *, after: bool) -> None:
        super().__init__("/".join(path))
        self.path = path
        self.after = after
