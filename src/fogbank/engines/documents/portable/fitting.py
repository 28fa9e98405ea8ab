"""Making documents fit where they go: what a service has no type for becomes what it has, and is noted.

Fitting is a function of the document and of what the service can keep; what fits stays as it is, so that fitting
again changes nothing. Nothing is rounded: a number that can't be kept exactly becomes text.
"""

from __future__ import annotations

import math
from base64 import b64encode
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from fogbank.engines.documents.portable.values import (
    INT_MAX,
    INT_MIN,
    GeoPoint,
    Reference,
    Timestamp,
    Vector,
    exact,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.documents.portable.values import Fields, Value

_DECIMAL_DIGITS_MAX: Final = 38
_DECIMAL_EXPONENT_MAX: Final = 125
_DECIMAL_EXPONENT_MIN: Final = -130


class Abilities(NamedTuple):
    """What a service can keep.

    `types` are those of the types beside JSON's (bytes, frozenset, Timestamp, GeoPoint, Reference, Vector) that it has.
    Its numbers are `decimal` (38 digits), `mixed` (integers of 64 bits and doubles), `json` (the same, but finite) or
    `double` (finite). `nested_lists` says
    whether a list may stand in a list; `geojson` that places are written as GeoJSON.
    """

    types: frozenset[type]
    numbers: Literal["decimal", "mixed", "json", "double"]
    nested_lists: bool = True
    geojson: bool = False


class Note(NamedTuple):
    """That a value couldn't be carried over as it was: its kind, what was done, and its path in the document."""

    kind: str
    how: str
    path: str = ""


class Fitted(NamedTuple):
    """A document that fits, and what was done for that."""

    fields: Fields
    notes: list[Note]


def fit(fields: Fields, abilities: Abilities) -> Fitted:
    """Make a document fit."""
    fitting = _Fitting(abilities)
    return Fitted({name: fitting.value(each, name) for name, each in fields.items()}, fitting.notes)


class _Fitting:
    """One document's."""

    def __init__(self, abilities: Abilities) -> None:
        self.notes: list[Note] = []
        self._abilities = abilities

    def value(self, value: Value, path: str, *, in_list: bool = False) -> Value:
        kind = type(value)
        if kind is dict:
            return {name: self.value(each, f"{path}.{name}") for name, each in value.items()}
        if kind is list:
            return self._list(value, path, in_list=in_list)
        if kind in (int, float, Decimal):
            return self._number(value, path)
        if kind is frozenset:
            return self._set(value, path, in_list=in_list)
        if kind not in _WORDS or kind in self._abilities.types:
            return value
        what, how, change = _WORDS[kind]
        if kind is GeoPoint and self._abilities.geojson:
            how, change = "as a GeoJSON point", _geojson
        self.notes.append(Note(what, how, path))
        return self.value(change(value), path, in_list=in_list)

    def _list(self, values: list[Value], path: str, *, in_list: bool) -> Value:
        found = [self.value(each, f"{path}[{at}]", in_list=True) for at, each in enumerate(values)]
        if not in_list or self._abilities.nested_lists:
            return found
        self.notes.append(Note("list in a list", "as a map with the list in `values`", path))
        return {"values": found}

    def _set(self, members: frozenset[Any], path: str, *, in_list: bool) -> Value:
        if frozenset in self._abilities.types:
            fitted = frozenset(self._number(each, path) if type(each) in _NUMBERS else each for each in members)
            if len({type(each) is str for each in fitted}) == 1:
                return fitted
        self.notes.append(Note("set", "as a list in the order of its members", path))
        return self._list(sorted(members), path, in_list=in_list)

    def _number(self, value: float | Decimal, path: str) -> Value:
        if _KEEPS[self._abilities.numbers](value):
            return value
        self.notes.append(Note("number", "as text, with all its digits", path))
        return str(value)


_NUMBERS: Final = (int, float, Decimal)
_WORDS: Final[dict[type, tuple[str, str, Callable[[Any], Value]]]] = {
    bytes: ("binary", "as text in base64", lambda value: b64encode(value).decode()),
    Timestamp: ("timestamp", "as text, by RFC 3339", str),
    GeoPoint: (
        "geopoint",
        "as a map of latitude and longitude",
        lambda value: {"latitude": value.latitude, "longitude": value.longitude},
    ),
    Reference: ("reference", "as text, the document's name", lambda value: value.name),
    Vector: ("vector", "as a list of numbers", lambda value: list(value.numbers)),
}


def _geojson(point: GeoPoint) -> Fields:
    return {"type": "Point", "coordinates": [point.longitude, point.latitude]}


def _keeps_decimal(value: Any) -> bool:
    """Whether a number has 38 digits at most, and a magnitude from 1E-130 to 9.99…E+125."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if not value:
        return True
    digits = Decimal(exact(value))
    significant = "".join(map(str, digits.as_tuple().digits)).rstrip("0")
    in_range = _DECIMAL_EXPONENT_MIN <= digits.adjusted() <= _DECIMAL_EXPONENT_MAX
    return in_range and len(significant) <= _DECIMAL_DIGITS_MAX


def _keeps_mixed(value: Any) -> bool:
    return type(value) is float or (type(value) is int and INT_MIN <= value <= INT_MAX)


def _keeps_json(value: Any) -> bool:
    return _keeps_mixed(value) and math.isfinite(value)


def _keeps_double(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return type(value) is int and int(float(value)) == value


_KEEPS: Final[dict[str, Callable[[Any], bool]]] = {
    "decimal": _keeps_decimal,
    "mixed": _keeps_mixed,
    "json": _keeps_json,
    "double": _keeps_double,
}
