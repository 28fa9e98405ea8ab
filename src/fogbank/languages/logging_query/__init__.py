"""Cloud Logging's query language: from a query's text to a test of entries of logs.

Google Cloud, "Logging query language" (https://cloud.google.com/logging/docs/view/logging-query-language).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from fogbank.languages.linear_regex import PatternError
from fogbank.languages.logging_query.compiling import ID, NAME, Hints, Record, compile_node, hints_of
from fogbank.languages.logging_query.errors import QueryError
from fogbank.languages.logging_query.nodes import Both
from fogbank.languages.logging_query.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ID", "NAME", "Hints", "PatternError", "Query", "QueryError", "Record", "compile_query"]


class Query(NamedTuple):
    """A query: `matches` tells which entries pass (None: all of them), `hints` where they are."""

    matches: Callable[[Record], bool] | None
    hints: Hints


@lru_cache(maxsize=256)
def compile_query(text: str) -> Query:
    """Return the query that a text says; raises `QueryError`."""
    node = parse(text)
    return Query(None if node == Both(()) else compile_node(node), hints_of(node))
