"""How similar vectors are.

Azure Cosmos DB for NoSQL, "VectorDistance" (https://learn.microsoft.com/cosmos-db/query/vectordistance): of cosines and
dot products the greater are the more similar, of distances the smaller. By which of them vectors of a path are compared
says the container, unless the query does. Every vector is looked at.
"""

from __future__ import annotations

import math
from operator import mul
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.cosmos_sql.errors import ARGUMENTS, FUNCTION, QueryError
from fogbank.languages.cosmos_sql.functions.model import DISTANCES
from fogbank.languages.cosmos_sql.nodes import Constant, Name, Path
from fogbank.languages.cosmos_sql.values import UNDEFINED, Value, finite, is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.languages.cosmos_sql.compiling import Compiler, Evaluate, Row
    from fogbank.languages.cosmos_sql.nodes import Call, Node

VECTOR_DISTANCE: Final = "VECTORDISTANCE"
EUCLIDEAN: Final = "euclidean"
_DEFAULT: Final = "cosine"
_OPTIONS: Final = frozenset({
    "distanceFunction", "dataType", "searchListSizeMultiplier", "quantizedVectorListMultiplier", "filterPriority",
})  # fmt: skip


def _cosine(one: list[float], other: list[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(map(mul, one, other)) / lengths if lengths else 0.0


def _dot_product(one: list[float], other: list[float]) -> float:
    return math.fsum(map(mul, one, other))


_FUNCTIONS: Final[dict[str, Callable[[list[float], list[float]], float]]] = {
    "cosine": _cosine,
    "dotproduct": _dot_product,
    EUCLIDEAN: math.dist,
}


def vector_distance(compiler: Compiler, node: Call) -> Evaluate:
    """Compile the function to what finds the score of two vectors."""
    measure = _compile(compiler, node)
    return lambda row: measure(row)[1]


def dissimilarity(compiler: Compiler, node: Call) -> Evaluate:
    """Compile the function to a number that is the less, the more similar two vectors are; others come last."""
    measure = _compile(compiler, node)

    def run(row: Row) -> float:
        function, score = measure(row)
        if score is UNDEFINED:
            return math.inf
        return float(score if function == EUCLIDEAN else -score)

    return run


def _compile(compiler: Compiler, node: Call) -> Callable[[Row], tuple[str, Value]]:
    if not 2 <= len(node.arguments) <= 4:
        raise QueryError(ARGUMENTS, f"The {node.text} function requires 2 to 4 argument(s).", *node.whole)
    left, right, *more = [compiler.compile(each) for each in node.arguments]
    paths = [path for each in node.arguments[:2] if (path := _path_of(each))]

    def run(row: Row) -> tuple[str, Value]:
        known = row.get(DISTANCES) or {}
        function = next((known[path] for path in paths if path in known), _DEFAULT)
        if len(more) == 2:
            function = _read_options(more[1](row), function, node.place)
        return function, _measure(function, left(row), right(row))

    return run


def _path_of(node: Node) -> tuple[str, ...]:
    """Return the names of which a path below a document is made."""
    if not isinstance(node, Path) or not isinstance(node.root, Name):
        return ()
    names = [step.value for step in node.steps if isinstance(step, Constant) and isinstance(step.value, str)]
    return tuple(names) if len(names) == len(node.steps) else ()


def _read_options(options: Value, otherwise: str, place: tuple[int, int]) -> str:
    if type(options) is not dict:
        raise QueryError(FUNCTION, "The options of VectorDistance must be an object.", *place)
    unknown = next((name for name in options if name not in _OPTIONS), None)
    if unknown is not None:
        raise QueryError(FUNCTION, f"Fogbank does not support the option '{unknown}' of VectorDistance.", *place)
    function = str(options.get("distanceFunction", otherwise)).lower()
    if function not in _FUNCTIONS:
        raise QueryError(FUNCTION, f"The distanceFunction '{function}' of VectorDistance is invalid.", *place)
    return function


def _measure(function: str, one: Value, other: Value) -> Value:
    if not _is_vector(one) or not _is_vector(other) or len(one) != len(other):
        return UNDEFINED
    return finite(float(_FUNCTIONS[function](one, other)))


def _is_vector(value: Any) -> bool:
    return type(value) is list and bool(value) and all(map(is_number, value))
