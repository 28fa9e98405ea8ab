"""Nearest neighbours: the documents whose vectors are most like a given one.

google/firestore/v1/query.proto, `StructuredQuery.FindNearest`; every document that fits the rest of the query is
looked at, so what is found is exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore import transforms
from fogbank.clouds.gcp.firestore.field_paths import read_path
from fogbank.clouds.gcp.firestore.order import is_vector
from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
from fogbank.clouds.gcp.firestore.service import invalid
from fogbank.clouds.gcp.firestore.shape import make, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath

LIMIT_MAX: Final = 1_000
DIMENSIONS_MAX: Final = 2_048
_DOT_PRODUCT: Final = 3


class Nearest(NamedTuple):
    """What is looked for: at most `limit` documents by the distance of `path` to `vector`, nearest first."""

    path: FieldPath
    vector: tuple[float, ...]
    measure: int
    limit: int
    threshold: float | None
    result: FieldPath | None

    def rank(self, found: Sequence[Candidate], root: str) -> list[Candidate]:
        """Return the nearest of documents, with their distances as a field if that is wanted."""
        measured = []
        for number, candidate in enumerate(found):
            vector = _vector(candidate.value(self.path))
            if vector is None or len(vector) != len(self.vector):
                continue
            distance = _MEASURES[self.measure](self.vector, vector)
            # Of dot products the greatest is the nearest.
            rank = -distance if self.measure == _DOT_PRODUCT else distance
            if self.threshold is None or rank <= (-self.threshold if self.measure == _DOT_PRODUCT else self.threshold):
                measured.append((rank, number, distance, candidate))
        measured.sort(key=lambda each: each[:2])
        return [self._with_distance(each, distance, root) for _, _, distance, each in measured[: self.limit]]

    def _with_distance(self, candidate: Candidate, distance: float, root: str) -> Candidate:
        if self.result is None:
            return candidate
        document = candidate.document
        message = message_of(document)
        transforms.place(message.fields, self.result).double_value = distance
        made = make(candidate.path, message).written_at(document.version, document.created)
        return Candidate(root, made)


def read_nearest(message: Any) -> Nearest:
    """Understand what is looked for; raises `GrpcError`."""
    vector = _vector(message.query_vector)
    if not vector or len(vector) > DIMENSIONS_MAX:
        raise invalid(f"find_nearest needs a query_vector of 1 to {DIMENSIONS_MAX} dimensions.")
    if message.distance_measure not in _MEASURES:
        raise invalid("find_nearest needs a distance_measure.")
    if not 0 < message.limit.value <= LIMIT_MAX:
        raise invalid(f"The limit of find_nearest must be from 1 to {LIMIT_MAX}.")
    threshold = message.distance_threshold.value if message.HasField("distance_threshold") else None
    result = read_path(message.distance_result_field) if message.distance_result_field else None
    path = read_path(message.vector_field.field_path)
    return Nearest(path, vector, message.distance_measure, message.limit.value, threshold, result)


def _vector(value: Any) -> tuple[float, ...] | None:
    if value is None or value.WhichOneof("value_type") != "map_value" or not is_vector(value):
        return None
    numbers = value.map_value.fields["value"].array_value.values
    return tuple(each.double_value + each.integer_value for each in numbers)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    length = math.hypot(*one) * math.hypot(*other)
    return 1 - _dot(one, other) / length if length else math.nan


_MEASURES: Final[dict[int, Callable[[Sequence[float], Sequence[float]], float]]] = {
    1: math.dist,
    2: _cosine,
    _DOT_PRODUCT: _dot,
}
