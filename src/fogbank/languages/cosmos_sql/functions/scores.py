"""Functions that only plans for hybrid searches name (`hybrid`): scores, by what is known of all texts beforehand.

Of each score the greater is the better; what has no score has the worst.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.functions.model import Function
from fogbank.languages.cosmos_sql.functions.texts import PHRASES_MAX, phrase_of
from fogbank.languages.cosmos_sql.functions.vectors import dissimilarity
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, is_number

if TYPE_CHECKING:
    from fogbank.languages.cosmos_sql.compiling import Compiler, Evaluate
    from fogbank.languages.cosmos_sql.nodes import Call

FULL_TEXT: Final = "_FullTextScore"
WORD_COUNT: Final = "_FullTextWordCount"
VECTOR: Final = "_VectorScore"
VECTOR_SCORE: Final = VECTOR.upper()
_WORST: Final = -sys.float_info.max


def _word_count(text: Value) -> Value:
    from fogbank.languages.fulltext import terms_of  # noqa: PLC0415 - loaded with the first search

    return len(terms_of(text)) if type(text) is str else 0


def _score(text: Value, *given: Value) -> Value:
    """Return how well a text fits phrases. Behind them stands how many texts, words, and texts with each there are."""
    from fogbank.languages.fulltext import Statistics, terms_of  # noqa: PLC0415 - loaded with the first search

    *wanted, texts, length, found = given
    phrases = [phrase_of(each) for each in wanted]
    if not (is_number(texts) and is_number(length) and type(found) is list and len(found) == len(phrases)):
        return UNDEFINED
    terms = terms_of(text) if type(text) is str else ()
    statistics = Statistics(phrases, int(texts), int(length), [int(each) for each in found])
    return statistics.score(statistics.count(terms), len(terms))


def vector_score(compiler: Compiler, node: Call) -> Evaluate:
    """Compile the function to a number that is the greater, the more similar two vectors are."""
    measure = dissimilarity(compiler, node)

    def run(row: dict[str, Value]) -> Value:
        found = measure(row)
        return _WORST if math.isinf(found) else -found

    return run


SCORES: Final = {
    FULL_TEXT.upper(): Function(_score, 5, PHRASES_MAX + 4),
    WORD_COUNT.upper(): Function(_word_count, 1, 1),
}
