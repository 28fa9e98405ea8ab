"""Functions of full-text search.

Azure Cosmos DB for NoSQL, "Full-text search functions" (https://learn.microsoft.com/cosmos-db/query/fulltextcontains):
a phrase is found where its terms stand one after another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.errors import FUNCTION, QueryError
from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.languages.fulltext import Terms

# So many phrases may be looked for at once.
PHRASES_MAX: Final = 30


def phrase_of(value: Value) -> Terms:
    """Return the terms of what is looked for, or raise the error for what is no text."""
    from fogbank.languages.fulltext import terms_of  # noqa: PLC0415 - loaded with the first search

    if type(value) is dict:
        raise QueryError(FUNCTION, "Fogbank does not support fuzzy search: what is looked for must be text.")
    if type(value) is not str:
        raise QueryError(FUNCTION, "What a full-text function looks for must be text.")
    return terms_of(value)


def _contains(decide: Callable[[Iterable[bool]], bool]) -> Callable[..., Value]:
    def run(text: Value, *wanted: Value) -> Value:
        from fogbank.languages.fulltext import occurrences, terms_of  # noqa: PLC0415 - loaded with the first search

        phrases = [phrase_of(each) for each in wanted]
        if type(text) is not str:
            return UNDEFINED
        terms = terms_of(text)
        return decide(occurrences(terms, phrase) > 0 for phrase in phrases)

    return run


TEXTS: Final = {
    "FULLTEXTCONTAINS": Function(_contains(all), 2, 2),
    "FULLTEXTCONTAINSALL": Function(_contains(all), 2, PHRASES_MAX + 1),
    "FULLTEXTCONTAINSANY": Function(_contains(any), 2, PHRASES_MAX + 1),
}
