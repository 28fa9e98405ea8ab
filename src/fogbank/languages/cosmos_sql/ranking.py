"""ORDER BY RANK: by how well texts fit, how similar vectors are, or by several of these fused.

Azure Cosmos DB for NoSQL, "FullTextScore" and "RRF" (https://learn.microsoft.com/cosmos-db/query/rrf): reciprocal rank
fusion adds up one over each rank; equal scores have one rank. What texts are like altogether is counted over all
documents, whether a condition finds them or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from fogbank.languages.cosmos_sql.errors import ARGUMENTS, FORBIDDEN, FUNCTION, QueryError
from fogbank.languages.cosmos_sql.functions.texts import PHRASES_MAX, phrase_of
from fogbank.languages.cosmos_sql.functions.vectors import VECTOR_DISTANCE, dissimilarity
from fogbank.languages.cosmos_sql.nodes import Array, Call, Parameter, Path
from fogbank.languages.cosmos_sql.values import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.cosmos_sql.compiling import Compiler, Evaluate, Row
    from fogbank.languages.cosmos_sql.nodes import Node
    from fogbank.languages.fulltext import Statistics, Terms

FULL_TEXT_SCORE: Final = "FULLTEXTSCORE"
RRF: Final = "RRF"
# What "RRF" adds to each rank.
CONSTANT: Final = 60


class Component(Protocol):
    """One thing to rank by. It is asked of each document, and in the end of all."""

    def note(self, row: Row) -> None:
        """Take a document in for what counts over all of them."""

    def measure(self, row: Row) -> Any:
        """Return what is to be known of a document for its badness."""

    def badness(self, measured: Any) -> float:
        """Return a number that is the less, the better a document fits."""


class Ranking:
    """What documents are ranked by, compiled. `start` makes what ranks the documents of one run."""

    def __init__(self, compiler: Compiler, node: Node) -> None:
        self._compiler = compiler
        fused = isinstance(node, Call) and node.name == RRF
        parts: tuple[Node, ...] = node.arguments if isinstance(node, Call) and fused else (node,)
        self._weights: Evaluate | None = None
        if fused and parts and isinstance(parts[-1], Array | Parameter):
            self._weights = compiler.compile(parts[-1])
            parts = parts[:-1]
        if fused and len(parts) < 2:
            raise QueryError(FUNCTION, "The RRF function requires at least two scoring functions.")
        self._parts = [self._checked(each) for each in parts]

    @staticmethod
    def _checked(node: Node) -> Call:
        if not isinstance(node, Call) or node.name not in (FULL_TEXT_SCORE, VECTOR_DISTANCE):
            raise QueryError(
                FORBIDDEN, "The ORDER BY RANK clause must be FullTextScore, VectorDistance or RRF of these."
            )
        if node.name == FULL_TEXT_SCORE:
            if not 2 <= len(node.arguments) <= PHRASES_MAX + 1:
                raise QueryError(ARGUMENTS, f"The FullTextScore function requires 2 to {PHRASES_MAX + 1} argument(s).")
            if not isinstance(node.arguments[0], Path):
                raise QueryError(FUNCTION, "The first argument of FullTextScore must be a property path.")
            if any(isinstance(each, Array) for each in node.arguments):
                raise QueryError(FUNCTION, "What a full-text function looks for must be text.")
        return node

    @property
    def weighted(self) -> bool:
        """Whether the query says weights."""
        return self._weights is not None

    def start(self, parameters: Row) -> Ranker:
        """Return what ranks the documents of one run."""
        components: list[Component] = []
        for node in self._parts:
            if node.name == VECTOR_DISTANCE:
                components.append(_Similarity(dissimilarity(self._compiler, node)))
            else:
                path, *wanted = [self._compiler.compile(each) for each in node.arguments]
                components.append(_Texts(path, [phrase_of(each(parameters)) for each in wanted]))
        weights = [1.0] * len(components) if self._weights is None else self._weights(parameters)
        if not isinstance(weights, list) or len(weights) != len(components) or not all(map(is_number, weights)):
            raise QueryError(FUNCTION, "The weights of RRF must be an array of one number for each scoring function.")
        return Ranker(components, weights)


class _Similarity:
    """How similar vectors are."""

    def __init__(self, measure: Evaluate) -> None:
        self._measure = measure

    def note(self, _row: Row) -> None:
        """Take nothing in: each document stands for itself."""

    def measure(self, row: Row) -> Any:
        """Return how little alike the vectors are."""
        return self._measure(row)

    def badness(self, measured: Any) -> float:
        """Return what was measured."""
        return float(measured)


class _Texts:
    """How well texts fit."""

    def __init__(self, path: Evaluate, phrases: Sequence[Terms]) -> None:
        from fogbank.languages.fulltext import Statistics  # noqa: PLC0415 - loaded with the first search

        self._path = path
        self._statistics: Statistics = Statistics(phrases)

    def note(self, row: Row) -> None:
        """Take a text in."""
        self._statistics.note(self._terms(row))

    def measure(self, row: Row) -> Any:
        """Return how often each phrase is in the text, and its length."""
        terms = self._terms(row)
        return self._statistics.count(terms), len(terms)

    def _terms(self, row: Row) -> Terms:
        from fogbank.languages.fulltext import terms_of  # noqa: PLC0415 - loaded with the first search

        text = self._path(row)
        return terms_of(text) if type(text) is str else ()

    def badness(self, measured: Any) -> float:
        """Return the less, the higher the score."""
        return -self._statistics.score(*measured)


class Ranker:
    """Ranks what comes of documents, in the end of a run."""

    def __init__(self, components: Sequence[Component], weights: Sequence[float]) -> None:
        self.weights = weights
        self._components = components
        self._measured: list[list[Any]] = []

    def note(self, row: Row) -> None:
        """Take a document in for what counts over all of them."""
        for component in self._components:
            component.note(row)

    def add(self, row: Row) -> None:
        """Take in a document that is to be ranked."""
        self._measured.append([component.measure(row) for component in self._components])

    def order(self) -> list[int]:
        """Return the numbers of what was added, the best first."""
        scores = [0.0] * len(self._measured)
        for place, (component, weight) in enumerate(zip(self._components, self.weights, strict=True)):
            found = [component.badness(measured[place]) for measured in self._measured]
            if len(self._components) == 1:
                return sorted(range(len(found)), key=found.__getitem__)
            # With a weight less than 0, what fits worst has the first rank.
            ordered = sorted(range(len(found)), key=found.__getitem__, reverse=weight < 0)
            rank = 1
            for at, number in enumerate(ordered):
                if at and found[number] != found[ordered[at - 1]]:
                    rank += 1
                scores[number] += weight / (CONSTANT + rank)
        return sorted(range(len(scores)), key=lambda number: -scores[number])
