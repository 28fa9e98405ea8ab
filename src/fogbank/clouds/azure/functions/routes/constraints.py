"""Constraints of route parameters, as ASP.NET Core has them ("Route constraints", under "Routing in ASP.NET Core")."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Check: TypeAlias = "Callable[[str], bool]"
_INTEGER: Final = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
_DECIMAL: Final = re.compile(r"\s*[+-]?[\d,]*\.?\d*\s*", re.ASCII)
_DOUBLE: Final = re.compile(r"\s*[+-]?[\d,]*\.?\d*([eE][+-]?\d+)?\s*|NaN|-?Infinity", re.ASCII)
_GUID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_ALPHA: Final = re.compile(r"[a-z]*", re.IGNORECASE)
_DATES: Final = ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M%p", "%m/%d/%Y %I:%M:%S %p", "%Y/%m/%d", "%Y-%m")


class ConstraintError(Exception):
    """There is no such constraint, or it isn't given what it needs."""


def make_constraint(name: str, argument: str | None) -> Check:
    """Return what a constraint checks; `argument` is what stands in its parentheses."""
    if name in _PLAIN and argument is None:
        return _PLAIN[name]
    if name == "regex" and argument is not None:
        return _regex(argument)
    if name in _NUMBERS and argument is not None:
        try:
            numbers = [int(text) for text in argument.split(",")]
            return _NUMBERS[name](*numbers)
        except (TypeError, ValueError):
            msg = f"The constraint entry '{name}({argument})' has arguments that it can't be made from."
            raise ConstraintError(msg) from None
    msg = (
        f"The constraint reference '{name}' could not be resolved to a type. Register the constraint type with"
        " 'Microsoft.AspNetCore.Routing.RouteOptions.ConstraintMap'."
    )
    raise ConstraintError(msg)


def _integer(low: int, high: int) -> Check:
    return lambda text: _INTEGER.fullmatch(text) is not None and low <= int(text) <= high


def _is_number(pattern: re.Pattern[str]) -> Check:
    return lambda text: pattern.fullmatch(text) is not None and (any(map(str.isdigit, text)) or text[-1:] in "Ny")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return any(_fits(text, form) for form in _DATES)
    return True


def _fits(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def _regex(pattern: str) -> Check:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        msg = f"The regular expression '{pattern}' can't be read: {error}."
        raise ConstraintError(msg) from None
    return lambda text: compiled.search(text) is not None


def _length(low: int, high: int | None = None) -> Check:
    return lambda text: low <= len(text) <= (low if high is None else high)


def _file_like(text: str) -> bool:
    name = text.rpartition("/")[2]
    dot = name.find(".")
    return dot >= 0 and dot < len(name) - 1


_LONG: Final = _integer(-(2**63), 2**63 - 1)
_PLAIN: Final[dict[str, Check]] = {
    "int": _integer(-(2**31), 2**31 - 1),
    "long": _LONG,
    "bool": lambda text: text.strip().lower() in ("true", "false"),
    "datetime": _is_date,
    "decimal": _is_number(_DECIMAL),
    "double": _is_number(_DOUBLE),
    "float": _is_number(_DOUBLE),
    "guid": lambda text: _GUID.fullmatch(text.strip("{}()")) is not None,
    "alpha": lambda text: _ALPHA.fullmatch(text) is not None,
    "required": bool,
    "file": _file_like,
    "nonfile": lambda text: not _file_like(text),
}
_NUMBERS: Final[dict[str, Callable[..., Check]]] = {
    "minlength": lambda low: lambda text: len(text) >= low,
    "maxlength": lambda high: lambda text: len(text) <= high,
    "length": _length,
    "min": lambda low: lambda text: _LONG(text) and int(text) >= low,
    "max": lambda high: lambda text: _LONG(text) and int(text) <= high,
    "range": lambda low, high: lambda text: _LONG(text) and low <= int(text) <= high,
}
