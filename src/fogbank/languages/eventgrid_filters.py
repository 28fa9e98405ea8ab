"""Event Grid's filters of event subscriptions: types, subjects, and advanced filters on any value of an event.

"Understand event filtering for Event Grid subscriptions". Texts are compared without regard to case, except types'
and, where a subscription asks for it, subjects'. A key that an event doesn't have fails each operator but those that
begin with Not and IsNullOrUndefined. Pure: a filter is made once and asked of each event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Event: TypeAlias = Mapping[str, Any]
    Filter: TypeAlias = Callable[[Event], bool]

FILTERS_MAX: Final = 25
VALUES_MAX: Final = 25
TEXT_LENGTH_MAX: Final = 512
_MISSING: Final = object()


class FilterError(Exception):
    """What was given is no filter; the message says why."""


class Rules(NamedTuple):
    """What a subscription filters by, besides its advanced filters: nothing, where nothing is given."""

    types: frozenset[str] = frozenset()
    begins: str = ""
    ends: str = ""
    case_sensitive: bool = False


def compile_filter(rules: Rules, advanced: Sequence[Mapping[str, Any]], *, arrays: bool = False) -> Filter:
    """Return a filter that an event must pass in every part; raises `FilterError`. `arrays`: any element will do."""
    if len(advanced) > FILTERS_MAX:
        msg = f"there may be {FILTERS_MAX} advanced filters"
        raise FilterError(msg)
    parts = [_compile(each, arrays=arrays) for each in advanced]
    types = rules.types
    begins, ends = rules.begins, rules.ends
    fold = str if rules.case_sensitive else str.lower
    begins, ends = fold(begins), fold(ends)

    def passes(event: Event) -> bool:
        if types and event.get("eventType", event.get("type")) not in types:
            return False
        if begins or ends:
            subject = fold(str(event.get("subject") or ""))
            if not (subject.startswith(begins) and subject.endswith(ends)):
                return False
        return all(part(event) for part in parts)

    return passes


def _find(event: Any, path: Sequence[str]) -> Any:
    """Return what stands under a path of keys, in whatever case, `_MISSING` if nothing does."""
    for key in path:
        if not isinstance(event, dict):
            return _MISSING
        if key in event:
            event = event[key]
            continue
        lowered = key.lower()
        event = next((value for name, value in event.items() if name.lower() == lowered), _MISSING)
    return event


def _compile(given: Mapping[str, Any], *, arrays: bool) -> Filter:
    if not isinstance(given, dict):
        raise FilterError("an advanced filter must be an object")
    kind, key = given.get("operatorType"), given.get("key")
    if not isinstance(kind, str) or kind.lower() not in OPERATORS:
        msg = f"the operatorType {kind!r} is not one of {', '.join(each.name for each in OPERATORS.values())}"
        raise FilterError(msg)
    if not isinstance(key, str) or not key:
        raise FilterError("an advanced filter needs a key")
    operator = OPERATORS[kind.lower()]
    path = key.split(".")
    if operator.test is None:
        wanted = operator.negative
        return lambda event: (_find(event, path) in (None, _MISSING)) is not wanted
    test = operator.test(_operands(operator, given))

    def holds(value: Any) -> bool:
        if isinstance(value, list):
            return arrays and any(test(each) for each in value)
        return test(value)

    if operator.negative:
        return lambda event: not holds(_find(event, path))
    return lambda event: holds(_find(event, path))


def _operands(operator: Operator, given: Mapping[str, Any]) -> list[Any]:
    if operator.single:
        values = [given.get("value")]
    else:
        found = given.get("values")
        if not isinstance(found, list) or not 0 < len(found) <= VALUES_MAX:
            msg = f"{operator.name} needs values, {VALUES_MAX} at most"
            raise FilterError(msg)
        values = found
    for value in values:
        if not operator.fits(value):
            msg = f"{value!r} is no value of {operator.name}"
            raise FilterError(msg)
    return values


def is_number(value: Any) -> bool:
    """Whether a value is a number, which true and false aren't."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX


def _is_range(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value)) and value[0] <= value[1]


def _among(values: list[Any]) -> Callable[[Any], bool]:
    return lambda value: is_number(value) and value in values


def _within(values: list[Any]) -> Callable[[Any], bool]:
    return lambda value: is_number(value) and any(low <= value <= high for low, high in values)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[list[Any]], Callable[[Any], bool]]:
    return lambda values: lambda value: is_number(value) and compare(value, values[0])


def _is(values: list[Any]) -> Callable[[Any], bool]:
    return lambda value: value is values[0]


def _text(compare: Callable[[str, str], bool]) -> Callable[[list[Any]], Callable[[Any], bool]]:
    def made(values: list[Any]) -> Callable[[Any], bool]:
        folded = [value.lower() for value in values]
        return lambda value: isinstance(value, str) and any(compare(value.lower(), each) for each in folded)

    return made


class Operator(NamedTuple):
    """An operator: its name, what makes a test of its operands, whether it is that test's opposite."""

    name: str
    test: Callable[[list[Any]], Callable[[Any], bool]] | None
    fits: Callable[[Any], bool]
    negative: bool = False
    single: bool = False


_ALL: Final = (
    Operator("NumberIn", _among, is_number),
    Operator("NumberNotIn", _among, is_number, negative=True),
    Operator("NumberLessThan", _compared(lambda a, b: a < b), is_number, single=True),
    Operator("NumberGreaterThan", _compared(lambda a, b: a > b), is_number, single=True),
    Operator("NumberLessThanOrEquals", _compared(lambda a, b: a <= b), is_number, single=True),
    Operator("NumberGreaterThanOrEquals", _compared(lambda a, b: a >= b), is_number, single=True),
    Operator("NumberInRange", _within, _is_range),
    Operator("NumberNotInRange", _within, _is_range, negative=True),
    Operator("BoolEquals", _is, lambda value: isinstance(value, bool), single=True),
    Operator("StringIn", _text(lambda a, b: a == b), _is_text),
    Operator("StringNotIn", _text(lambda a, b: a == b), _is_text, negative=True),
    Operator("StringBeginsWith", _text(str.startswith), _is_text),
    Operator("StringNotBeginsWith", _text(str.startswith), _is_text, negative=True),
    Operator("StringEndsWith", _text(str.endswith), _is_text),
    Operator("StringNotEndsWith", _text(str.endswith), _is_text, negative=True),
    Operator("StringContains", _text(lambda a, b: b in a), _is_text),
    Operator("StringNotContains", _text(lambda a, b: b in a), _is_text, negative=True),
    Operator("IsNullOrUndefined", None, is_number),
    Operator("IsNotNull", None, is_number, negative=True),
)
OPERATORS: Final = {operator.name.lower(): operator for operator in _ALL}
