"""Filters of queries: what they say of a document, and what of that an index can answer.

google/firestore/v1/query.proto, `StructuredQuery.Filter`; Google Cloud, "Query operators"
(https://cloud.google.com/firestore/docs/query-data/queries): comparisons hold between values of one type only, a field
that isn't there fits no comparison, and inequality fits neither null nor a field that isn't there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, read_path, write_path
from fogbank.clouds.gcp.firestore.order import NAN, NULL, encode, type_of
from fogbank.clouds.gcp.firestore.service import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate

    Filter: TypeAlias = "Leaf | Group"

MEMBERS_MAX: Final = 30
NOT_IN_MAX: Final = 10
DISJUNCTIONS_MAX: Final = 30
FILTERS_MAX: Final = 100
_DEPTH_MAX: Final = 20
# FieldFilter.Operator and UnaryFilter.Operator.
_FIELD_OPERATORS: Final = {
    1: "<", 2: "<=", 3: ">", 4: ">=", 5: "==", 6: "!=", 7: "array-contains", 8: "in", 9: "array-contains-any",
    10: "not-in",
}  # fmt: skip
_UNARY_OPERATORS: Final = {2: "is-nan", 3: "is-null", 4: "is-not-nan", 5: "is-not-null"}
_AND: Final = 1
_OR: Final = 2
_ARRAY_KINDS: Final = {"in", "not-in", "array-contains-any"}
INEQUALITIES: Final = frozenset({"<", "<=", ">", ">=", "!=", "not-in", "is-not-nan", "is-not-null"})


class Leaf(NamedTuple):
    """One comparison: a field, an operator, and encoded values: one, or those of a list."""

    path: FieldPath
    operator: str
    values: tuple[bytes, ...]

    def fits(self, candidate: Candidate) -> bool:
        """Tell whether a document fits."""
        if self.operator in {"array-contains", "array-contains-any"}:
            members = candidate.members(self.path)
            return any(each in members for each in self.values)
        found = candidate.place(self.path)
        return found is not None and _FITS[self.operator](found, self.values)


class Group(NamedTuple):
    """Several filters, of which all or one must fit."""

    every: bool
    parts: tuple[Filter, ...]

    def fits(self, candidate: Candidate) -> bool:
        """Tell whether a document fits."""
        if self.every:
            return all(each.fits(candidate) for each in self.parts)
        return any(each.fits(candidate) for each in self.parts)


def read_filter(message: Any, database_root: str, depth: int = 0) -> Filter | None:
    """Read a filter; None for none. Raises `GrpcError`."""
    kind = message.WhichOneof("filter_type")
    if depth > _DEPTH_MAX:
        raise invalid("The filter is nested too deeply.")
    if kind is None:
        return None
    if kind == "composite_filter":
        composite = message.composite_filter
        if composite.op not in {_AND, _OR}:
            raise invalid("A composite filter has the operator AND or OR.")
        if not composite.filters:
            raise invalid("composite filter requires at least one filter")
        parts = [read_filter(each, database_root, depth + 1) for each in composite.filters]
        return Group(composite.op == _AND, tuple(each for each in parts if each is not None))
    if kind == "unary_filter":
        unary = message.unary_filter
        operator = _UNARY_OPERATORS.get(unary.op)
        if operator is None:
            raise invalid("A unary filter has no operator.")
        return Leaf(read_path(unary.field.field_path), operator, ())
    return _read_field_filter(message.field_filter, database_root)


def _read_field_filter(message: Any, database_root: str) -> Leaf:
    operator = _FIELD_OPERATORS.get(message.op)
    if operator is None:
        raise invalid("A field filter has no operator.")
    path = read_path(message.field.field_path)
    value = message.value
    members = [value]
    if operator in _ARRAY_KINDS:
        if value.WhichOneof("value_type") != "array_value" or not value.array_value.values:
            raise invalid(f"'{_SHOWN[operator]}' requires an non-empty ArrayValue.")
        members = list(value.array_value.values)
        most = NOT_IN_MAX if operator == "not-in" else MEMBERS_MAX
        if len(members) > most:
            raise invalid(f"'{_SHOWN[operator]}' supports up to {most} comparison values.")
    if path == NAME_PATH:
        if operator in {"array-contains", "array-contains-any"}:
            raise invalid(f"'{_SHOWN[operator]}' is not supported for {write_path(path)}.")
        for each in members:
            check_reference(each, database_root)
    return Leaf(path, operator, tuple(encode(each) for each in members))


def check_reference(value: Any, database_root: str) -> None:
    """Raise the error for what is no reference to a document of a database."""
    if value.WhichOneof("value_type") != "reference_value":
        raise invalid("__key__ filter value must be a Key")
    name = value.reference_value
    if not name.startswith(f"{database_root}/") or name.count("/") % 2:
        raise invalid("__key__ filter value must be a Key of the query's database")


_SHOWN: Final = {"in": "IN", "not-in": "NOT_IN", "array-contains-any": "ARRAY_CONTAINS_ANY",
                 "array-contains": "ARRAY_CONTAINS"}  # fmt: skip


def leaves(found: Filter | None) -> Iterator[Leaf]:
    """Yield every comparison."""
    if isinstance(found, Leaf):
        yield found
    elif found is not None:
        for each in found.parts:
            yield from leaves(each)


def required(found: Filter | None) -> Iterator[Leaf]:
    """Yield the comparisons that every document must fit."""
    if isinstance(found, Leaf):
        yield found
    elif found is not None and (found.every or len(found.parts) == 1):
        for each in found.parts:
            yield from required(each)


def check(found: Filter | None) -> None:
    """Raise the error for combinations that there may not be ("Limitations" of "Query operators")."""
    every = list(leaves(found))
    if len(every) > FILTERS_MAX:
        raise invalid(f"A query has at most {FILTERS_MAX} filters.")
    if _disjunctions(found) > DISJUNCTIONS_MAX:
        raise invalid(f"The query has more than {DISJUNCTIONS_MAX} disjunctions in disjunctive normal form.")
    operators = [each.operator for each in every]
    if "not-in" in operators:
        for other in ("in", "array-contains-any", "!="):
            if other in operators:
                raise invalid(f"'NOT_IN' cannot be used with '{_SHOWN.get(other, 'NOT_EQUAL')}' in the same query.")
        if _has_or(found):
            raise invalid("'NOT_IN' cannot be used with 'OR' in the same query.")
    if len({each for each in every if each.operator in _EXCLUSIONS}) > 1:
        raise invalid("Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.")
    members = [each for each in operators if each in _MEMBERSHIPS]
    if len(members) > 1 and max(len(each) for each in _array_filters(found)) > 1:
        raise invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")


# `FieldFilter.Operator`: each requires that there is no other of them.
_EXCLUSIONS: Final = frozenset({"!=", "not-in", "is-not-nan", "is-not-null"})
_MEMBERSHIPS: Final = frozenset({"array-contains", "array-contains-any"})


def _has_or(found: Filter | None) -> bool:
    if not isinstance(found, Group):
        return False
    return (not found.every and len(found.parts) > 1) or any(map(_has_or, found.parts))


def _array_filters(found: Filter | None) -> set[frozenset[Leaf]]:
    """Return which comparisons with members of arrays are in one conjunction: there are few, as there are few ORs."""
    if found is None:
        return {frozenset()}
    if isinstance(found, Leaf):
        return {frozenset((found,) if found.operator in _MEMBERSHIPS else ())}
    each = [_array_filters(part) for part in found.parts]
    if not found.every:
        return set().union(*each)
    combined = {frozenset[Leaf]()}
    for sets in each:
        combined = {one | other for one in combined for other in sets}
    return combined


def _disjunctions(found: Filter | None) -> int:
    if found is None:
        return 1
    if isinstance(found, Leaf):
        return len(found.values) if found.operator in {"in", "array-contains-any"} else 1
    counts = [_disjunctions(each) for each in found.parts]
    if not found.every:
        return sum(counts)
    product = 1
    for each in counts:
        product *= each
    return product


def _same_type(found: bytes, value: bytes) -> bool:
    return type_of(found) == type_of(value)


def _is_among(found: bytes, values: tuple[bytes, ...]) -> bool:
    # Nothing equals null or NaN here: there are filters of their own for those.
    return found in values and found not in {NULL, NAN}


_FITS: Final[dict[str, Callable[[bytes, tuple[bytes, ...]], bool]]] = {
    "<": lambda found, values: _same_type(found, values[0]) and found < values[0],
    "<=": lambda found, values: _same_type(found, values[0]) and found <= values[0],
    ">": lambda found, values: _same_type(found, values[0]) and found > values[0],
    ">=": lambda found, values: _same_type(found, values[0]) and found >= values[0],
    "==": lambda found, values: found == values[0],
    "!=": lambda found, values: found not in (NULL, values[0]),
    "in": _is_among,
    "not-in": lambda found, values: found != NULL and NULL not in values and found not in values,
    "is-nan": lambda found, _values: found == NAN,
    "is-null": lambda found, _values: found == NULL,
    "is-not-nan": lambda found, _values: found not in {NULL, NAN},
    "is-not-null": lambda found, _values: found != NULL,
}
