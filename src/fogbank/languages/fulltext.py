"""Texts as full-text search sees them: terms in their order, without words that say nothing, each without its ending.

English, by the Snowball stemmer (M. F. Porter, "Snowball: a language for stemming algorithms", 2001). Scores are those
of BM25 (S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009).
"""

from __future__ import annotations

import math
import re
import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Terms: TypeAlias = "tuple[str, ...]"

_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")
STOP_WORDS: Final = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
})  # fmt: skip
# How soon more of the same term says little more, and how much the length of a text counts.
SATURATION: Final = 1.2
LENGTH_WEIGHT: Final = 0.75
_WORDS_KEPT: Final = 65_536
_TEXTS_KEPT: Final = 32


class _Stemmers(threading.local):
    """A stemmer for each thread, since one works on one word at a time."""

    def __init__(self) -> None:
        from snowballstemmer import stemmer  # noqa: PLC0415 - loaded with the first search

        self.english: Any = stemmer("english")


@cache
def _stemmers() -> _Stemmers:
    return _Stemmers()


@lru_cache(maxsize=_WORDS_KEPT)
def _stem(word: str) -> str:
    return str(_stemmers().english.stemWord(word))


@lru_cache(maxsize=_TEXTS_KEPT)
def terms_of(text: str) -> Terms:
    """Return the terms of a text."""
    words = _WORD.findall(text.lower().replace("\u2019", "'"))
    return tuple([_stem(word) for word in words if word not in STOP_WORDS])


def occurrences(terms: Terms, phrase: Terms) -> int:
    """Return how often terms stand one after another in a text; none is never there."""
    count = len(phrase)
    if count == 1:
        return terms.count(phrase[0])
    return sum(terms[at : at + count] == phrase for at in range(len(terms) - count + 1)) if count else 0


class Statistics:
    """What is known of all texts: how many there are, how long together, and in how many of them each phrase is."""

    def __init__(
        self, phrases: Sequence[Terms], texts: int = 0, length: int = 0, found: Sequence[int] | None = None
    ) -> None:
        self.phrases = phrases
        self._texts = texts
        self._length = length
        self._found = [0] * len(phrases) if found is None else list(found)

    def count(self, terms: Terms) -> list[int]:
        """Return how often each phrase is in a text."""
        return [occurrences(terms, phrase) for phrase in self.phrases]

    def note(self, terms: Terms) -> None:
        """Take a text in."""
        self._texts += 1
        self._length += len(terms)
        for number, count in enumerate(self.count(terms)):
            self._found[number] += count > 0

    def score(self, counts: Sequence[int], length: int) -> float:
        """Return how well a text of so many terms fits that has each phrase so often."""
        if not self._length:
            return 0.0
        relative = length * self._texts / self._length
        penalty = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative)
        found = 0.0
        for count, texts in zip(counts, self._found, strict=True):
            rarity = math.log(1 + (self._texts - texts + 0.5) / (texts + 0.5))
            found += rarity * count * (SATURATION + 1) / (count + penalty)
        return found
