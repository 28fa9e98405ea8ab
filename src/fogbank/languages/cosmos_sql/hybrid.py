"""A query with ORDER BY RANK taken apart into queries that a client puts together.

One counts over all documents what texts are like; one for each scoring function finds what is best by it, with what all
functions say of that. The client fills what was counted in, fuses the ranks, and leaves out and cuts off. What is
within the queries is named by nobody else, but how they fit together is what clients of Azure Cosmos DB know
(`HybridSearchQueryInfo` of its query plans).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.languages.cosmos_sql.functions.scores import FULL_TEXT, VECTOR, WORD_COUNT
from fogbank.languages.cosmos_sql.ranking import FULL_TEXT_SCORE, RRF
from fogbank.languages.cosmos_sql.syntax import tokens_of

if TYPE_CHECKING:
    from fogbank.languages.cosmos_sql.running import Program
    from fogbank.languages.pratt import Token

_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
# What clients put what was counted in the place of, that of texts by their number among those functions.
_TEXTS: Final = "{documentdb-formattablehybridsearchquery-totaldocumentcount}"
_WORDS: Final = "{documentdb-formattablehybridsearchquery-totalwordcount-%d}"
_FOUND: Final = "{documentdb-formattablehybridsearchquery-hitcountsarray-%d}"


class Hybrid(NamedTuple):
    """The query that counts, "" where nothing is to be; by each function's score, the query for what is best by it.

    `queries` lack the number of results behind SELECT TOP, and the direction at the end.
    """

    statistics: str
    scores: tuple[str, ...]
    queries: tuple[str, ...]


class _Clauses(NamedTuple):
    """The text of a query's clauses without their keywords; `ranked` are names of functions with their arguments."""

    selected: str
    source: str
    where: str
    ranked: tuple[tuple[str, tuple[str, ...]], ...]


def take_apart(text: str, program: Program, *, wrapped: bool) -> Hybrid:
    """Return the queries that a ranked one is taken apart into; it is one whose documents make a result each.

    Results have `_rid`, `payload` and `componentScores`; `wrapped`, as those of other orders that clients merge, which
    have `orderByItems` beside the `payload` and all else in that.
    """
    clauses = _split(text, program)
    texts = [arguments for name, arguments in clauses.ranked if name == FULL_TEXT_SCORE]
    scores: list[str] = []
    number = 0
    for name, arguments in clauses.ranked:
        if name == FULL_TEXT_SCORE:
            counted = f"{_TEXTS}, {_WORDS % number}, {_FOUND % number}"
            scores.append(f"{FULL_TEXT}({', '.join(arguments)}, {counted})")
            number += 1
        else:
            scores.append(f"{VECTOR}({', '.join(arguments)})")
    payload = f"(SELECT {clauses.selected})" if clauses.selected != "*" else program.alias
    told = f"{payload} AS payload, [{', '.join(scores)}] AS componentScores"
    if wrapped:
        told = f"{{payload: {payload}, componentScores: [{', '.join(scores)}]}} AS payload"
    where = f" WHERE {clauses.where}" if clauses.where else ""
    queries = []
    for score in scores:
        items = f", [{{item: {score}}}] AS orderByItems" if wrapped else ""
        queries.append(f"{program.alias}._rid AS _rid{items}, {told} FROM {clauses.source}{where} ORDER BY {score}")
    return Hybrid(_statistics(clauses.source, texts), tuple(scores), tuple(queries))


def _statistics(source: str, texts: list[tuple[str, ...]]) -> str:
    if not texts:
        return ""
    counted = []
    for path, *phrases in texts:
        found = ", ".join(f"COUNTIF(FullTextContains({path}, {phrase}))" for phrase in phrases)
        counted.append(f"{{totalWordCount: SUM({WORD_COUNT}({path})), hitCounts: [{found}]}}")
    # Clients take no documents at all for an answer that is none.
    count = "(COUNT(1) > 0 ? COUNT(1) : 1)"
    return f"SELECT {count} AS documentCount, [{', '.join(counted)}] AS fullTextStatistics FROM {source}"


def _split(text: str, program: Program) -> _Clauses:
    """Find the clauses of a query that was parsed, by its keywords outside of all brackets."""
    query = program.query
    outside = _outside(tokens_of(text))
    source = _next(outside, 0, "FROM")
    rank = next(at for at in range(source, len(outside)) if _is_rank(outside, at))
    where = _next(outside, source, "WHERE") if query.where is not None else rank
    until = _next(outside, rank, "OFFSET") if query.offset is not None else len(outside) - 1
    first = outside[1 if query.top is None else 3].start
    found = text[outside[source].end : outside[where].start].strip()
    condition = "" if query.where is None else text[outside[where].end : outside[rank].start].strip()
    name, arguments = _call(text[outside[rank + 3].start : outside[until].start])
    if name != RRF:
        ranked = [(name, arguments)]
    else:
        # Weights are no function.
        ranked = [_call(each) for each in arguments if "(" in each and not each.startswith("[")]
    return _Clauses(text[first : outside[source].start].strip(), found, condition, tuple(ranked))


def _outside(tokens: list[Token]) -> list[Token]:
    """Return the tokens outside of all brackets that are no names behind a dot."""
    found: list[Token] = []
    depth, dotted = 0, False
    for token in tokens:
        if depth == 0 and not dotted and token.kind not in _CLOSING:
            found.append(token)
        depth += (token.kind in _OPENING) - (token.kind in _CLOSING)
        dotted = token.kind == "."
    return found


def _next(tokens: list[Token], at: int, kind: str) -> int:
    return next(number for number in range(at, len(tokens)) if tokens[number].kind == kind)


def _is_rank(tokens: list[Token], at: int) -> bool:
    return [token.kind for token in tokens[at : at + 2]] == ["ORDER", "BY"] and tokens[at + 2].text.upper() == "RANK"


def _call(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of a function, in capital letters, and the text of its arguments."""
    arguments: list[str] = []
    depth = start = 0
    tokens = tokens_of(text)
    for token in tokens:
        depth += token.kind in _OPENING
        if depth == 1 and token.kind == "(":
            start = token.end
        if depth == 1 and token.kind in (",", ")"):
            arguments.append(text[start : token.start].strip())
            start = token.end
        depth -= token.kind in _CLOSING
    return tokens[0].text.upper(), tuple(arguments)
