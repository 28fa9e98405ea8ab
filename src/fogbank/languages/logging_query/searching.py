"""SEARCH: words and phrases of a query in the words of texts.

Google Cloud, "Logging query language", SEARCH function: texts are split where their words end, and compared in any
case; all words must be there, in any order, and phrases in backquotes word by word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# BigQuery, "Text analysis": the delimiters of LOG_ANALYZER.
_WORD: Final = re.compile(r"""[^\s\[\]<>(){}|!;,'"*&?+/:=@.\-$%\\_`]+""")
_PHRASE: Final = re.compile(r"`([^`]*)`")


class Terms(NamedTuple):
    """What is searched for."""

    words: frozenset[str]
    phrases: tuple[tuple[str, ...], ...]


def read_terms(query: str) -> Terms:
    """Read a search query."""
    phrases = tuple(filter(None, (tuple(_words(phrase)) for phrase in _PHRASE.findall(query))))
    return Terms(frozenset(_words(_PHRASE.sub(" ", query))), phrases)


def contains(terms: Terms, texts: Iterable[str]) -> bool:
    """Tell whether texts together have all words, and each phrase stands in one of them."""
    missing = set(terms.words)
    phrases = set(terms.phrases)
    for text in texts:
        words = _words(text)
        missing.difference_update(words)
        if phrases:
            phrases = {phrase for phrase in phrases if not _stands_in(phrase, words)}
        if not missing and not phrases:
            return True
    return not missing and not phrases


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _stands_in(phrase: tuple[str, ...], words: list[str]) -> bool:
    # A separator that no word has makes it a search for one text in another.
    return f" {' '.join(phrase)} " in f" {' '.join(words)} "
