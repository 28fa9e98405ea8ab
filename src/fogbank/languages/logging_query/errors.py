"""What is wrong with a query, as Cloud Logging words it."""

from __future__ import annotations


class QueryError(Exception):
    """A text that is no query; the message says what about it."""


def syntax_error(text: str, start: int, token: str) -> QueryError:
    """Return the error for a token where none of its kind can stand."""
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    told = f"token '{token}'" if token else "unexpected end of filter"
    return QueryError(f"syntax error at line {line}, column {column}, {told}")
