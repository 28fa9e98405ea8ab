"""The constraints that a service model puts on values, checked and worded as AWS's own framework words them.

"1 validation error detected: Value 'x' at 'tableName' failed to satisfy constraint: Member must have length
greater than or equal to 3", several joined by "; ". Checks are compiled for the parameters that an operation's
input has; a shape without constraints costs nothing.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from fogbank.wire.aws.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from fogbank.wire.aws.models import Operation, Ref, ServiceModel, Shape

Check: TypeAlias = "Callable[[Any, str, list[str]], None]"
Test: TypeAlias = "tuple[Callable[[Any], bool], str]"
ERRORS_SHOWN_MAX: Final = 10
# What values of a shape are. One of another type can stand where an input takes anything: its operation refuses it.
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "blob": (bytes,),
    "list": (list,),
    "map": (dict,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}
_INDEX: Final = re.compile(r"\[(\d+)\]")


def compile_constraints(
    model: ServiceModel,
    operation: Operation,
    fields: Iterable[str],
    unchecked: Collection[str] = (),
    listed: Mapping[str, tuple[str, ...]] | None = None,
) -> Callable[[msgspec.Struct], None] | None:
    """Compile `check(input)`, which raises `InputError` of kind `constraint`; None if there is nothing to check.

    `fields` are the parameters that the operation's input has, `unchecked` names shapes to pass over, `listed` has the
    order in which values of enumerations are told, where it isn't the model's.
    """
    if operation.input is None:
        return None
    compiler = _Compiler(model, unchecked, listed or {})
    shape = model.shape(operation.input)
    checks: list[tuple[str, str, Check | None, bool]] = []
    for name in fields:
        check = compiler.check(shape.members[name])
        required = name in shape.required
        if check is not None or required:
            checks.append((name, name[0].lower() + name[1:], check, required))
    if not checks:
        return None

    def run(request: msgspec.Struct) -> None:
        found: list[str] = []
        for name, path, check, required in checks:
            value = getattr(request, name)
            if value is None:
                if required:
                    found.append(_violation(None, path, "Member must not be null"))
            elif check is not None:
                check(value, path, found)
        if found:
            raise InputError("constraint", "", _summary(found))

    return run


def missing_member(path: str) -> str:
    """Word that a required member isn't there: `Tags[0].Value` is shown as `tags.1.member.value`."""
    shown = _INDEX.sub(lambda match: f".{int(match[1]) + 1}.member", path)
    shown = ".".join(word[:1].lower() + word[1:] for word in shown.split("."))
    return _summary([_violation(None, shown, "Member must not be null")])


def violations(found: Iterable[tuple[Any, str, str]]) -> str:
    """Word violations that something else has found: the value, the path to it, the constraint."""
    return _summary([_violation(*each) for each in found])


def _summary(found: list[str]) -> str:
    plural = "s" if len(found) > 1 else ""
    return f"{len(found)} validation error{plural} detected: {'; '.join(found[:ERRORS_SHOWN_MAX])}"


class _Compiler:
    """Compiles the checks of shapes, each shape once."""

    def __init__(self, model: ServiceModel, unchecked: Collection[str], listed: Mapping[str, tuple[str, ...]]) -> None:
        self._model = model
        self._listed = listed
        self._unchecked = unchecked
        self._checks: dict[str, Check | None] = dict.fromkeys(unchecked)
        self._inner: dict[str, Check | None] = dict.fromkeys(unchecked)

    def check(self, ref: Ref) -> Check | None:
        name = ref.shape
        if name not in self._checks:
            # While a recursive shape is compiled, its inner uses find no check; AWS doesn't look deeper either.
            self._checks[name] = None
            self._checks[name] = self._compile(ref)
        return self._checks[name]

    def _compile(self, ref: Ref) -> Check | None:
        own = _all_of(self._tests(ref))
        inner = self._inner_check(self._model.shape(ref))
        if own is None or inner is None:
            return own or inner

        def both(value: Any, path: str, found: list[str]) -> None:
            own(value, path, found)
            inner(value, path, found)

        return both

    def _inner_check(self, shape: Shape) -> Check | None:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list" and shape.member is not None:
            return _each_item(self._tests(shape.member), self._below(shape.member))
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return _each_entry(self._tests(shape.key), self._tests(shape.value), self._below(shape.value))
        return None

    def _tests(self, ref: Ref) -> list[Test]:
        """What a shape demands itself; a list or map answers for its members."""
        if ref.shape in self._unchecked:
            return []
        shape = self._model.shape(ref)
        return _own_tests(shape, self._listed.get(ref.shape, shape.enum))

    def _below(self, ref: Ref) -> Check | None:
        """What the members' own members demand; of those inside themselves, nothing."""
        if ref.shape not in self._inner:
            self._inner[ref.shape] = None
            self._inner[ref.shape] = self._inner_check(self._model.shape(ref))
        return self._inner[ref.shape]

    def _structure(self, shape: Shape) -> Check | None:
        members = [
            (name, name[0].lower() + name[1:], self.check(ref), name in shape.required)
            for name, ref in shape.members.items()
        ]
        members = [member for member in members if member[2] is not None or member[3]]
        if not members:
            return None

        def check(value: Any, path: str, found: list[str]) -> None:
            for name, label, inner, required in members:
                item = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
                if item is None:
                    if required:
                        found.append(_violation(None, f"{path}.{label}", "Member must not be null"))
                elif inner is not None:
                    inner(item, f"{path}.{label}", found)

        return check


def _each_item(tests: list[Test], below: Check | None) -> Check | None:
    if not tests and below is None:
        return None
    demand = _demand("Member", tests)

    def run(value: Any, path: str, found: list[str]) -> None:
        if not isinstance(value, list):
            return
        if not all(passes(item) for item in value for passes, _text in tests):
            found.append(_violation(value, path, demand))
        if below is not None:
            for index, item in enumerate(value, 1):
                below(item, f"{path}.{index}.member", found)

    return run


def _each_entry(key_tests: list[Test], value_tests: list[Test], below: Check | None) -> Check | None:
    if not key_tests and not value_tests and below is None:
        return None
    key_demand, value_demand = _demand("Map keys", key_tests), _demand("Map value", value_tests)

    def run(value: Any, path: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            return
        if not all(passes(key) for key in value for passes, _text in key_tests):
            found.append(_violation(value, path, key_demand))
        if not all(passes(item) for item in value.values() for passes, _text in value_tests):
            found.append(_violation(value, path, value_demand))
        if below is not None:
            for key, item in value.items():
                below(item, f"{path}.{key}.member", found)

    return run


def _demand(what: str, tests: list[Test]) -> str:
    return f"{what} must satisfy constraint: [{', '.join(text for _passes, text in tests)}]"


def _all_of(tests: list[Test]) -> Check | None:
    if not tests:
        return None

    def check(value: Any, path: str, found: list[str]) -> None:
        for passes, text in tests:
            if not passes(value):
                found.append(_violation(value, path, text))

    return check


def _own_tests(shape: Shape, values: tuple[str, ...]) -> list[Test]:
    """Compile the length, range, pattern and enumeration of a shape itself, whose values are told in their order."""
    tests: list[Test] = []
    measured = shape.type in ("string", "blob", "list", "map")
    size: Callable[[Any], Any] = len if measured else _same
    what = "length" if measured else "value"
    low, high = shape.min, shape.max
    if high is not None:
        text = f"Member must have {what} less than or equal to {_plain(high)}"
        tests.append((lambda value: size(value) <= high, text))
    if low is not None:
        text = f"Member must have {what} greater than or equal to {_plain(low)}"
        tests.append((lambda value: size(value) >= low, text))
    if values:
        allowed = frozenset(values)
        tests.append((allowed.__contains__, f"Member must satisfy enum value set: [{', '.join(values)}]"))
    if shape.pattern is not None and shape.type == "string":
        pattern = _pattern(shape.pattern)
        if pattern is not None:
            matches = pattern.fullmatch
            text = f"Member must satisfy regular expression pattern: {shape.pattern}"
            tests.append((lambda value: matches(value) is not None, text))
    kinds = _KINDS.get(shape.type, (object,))
    return [(_if_of(kinds, passes), text) for passes, text in tests]


def _if_of(kinds: tuple[type, ...], passes: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, kinds) or passes(value)


def _violation(value: Any, path: str, text: str) -> str:
    shown = "null" if value is None else f"'{_show(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {text}"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_show, value)) + "]"
    if isinstance(value, msgspec.Struct):
        members = ((name[0].lower() + name[1:], getattr(value, name)) for name in value.__struct_fields__)
        return f"{type(value).__name__}({', '.join(f'{name}={_show(item)}' for name, item in members)})"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _pattern(text: str) -> re.Pattern[str] | None:
    """Compile one of the model's (Java's) patterns; a few use what Python doesn't have, and are let be."""
    text = text.replace(r"\p{L}\p{Z}\p{N}_", r"\w\s")
    try:
        with warnings.catch_warnings():
            # Java's character classes may nest; Python warns of brackets that look like it.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(text)
    except re.error:
        return None


def _same(value: Any) -> Any:
    return value
