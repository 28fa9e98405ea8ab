"""What is wrong with a query, in Cosmos DB's words."""

from __future__ import annotations

from typing import Final

SYNTAX: Final = "SC1001"
ENDED: Final = "SC1002"
LITERAL: Final = "SC1012"
UNRESOLVED: Final = "SC2001"
FUNCTION: Final = "SC2005"
ARGUMENTS: Final = "SC2050"
FORBIDDEN: Final = "SC2101"
TOO_MANY_JOINS: Final = "SC3002"
TOO_MANY_FUNCTIONS: Final = "SC3005"
TOO_LONG: Final = "SC3020"


class QueryError(Exception):
    """A query that can't be; `code` is Cosmos DB's, `start` and `end` are places in the text, -1 for none."""

    def __init__(self, code: str, message: str, start: int = -1, end: int = -1) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
