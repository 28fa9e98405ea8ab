"""Route templates of HTTP triggers: `products/{category:alpha}/{id:int?}`, as ASP.NET Core reads and matches them.

"Routing in ASP.NET Core", "Route templates"; which of several templates takes a path is decided by their precedence,
segment by segment: literal, constrained parameter, parameter, catch-all.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.clouds.azure.functions.routes.constraints import ConstraintError, make_constraint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.azure.functions.routes.constraints import Check

TEMPLATE_LENGTH_MAX: Final = 2_048
_PARAMETER: Final = re.compile(r"(?P<stars>\*{0,2})(?P<name>[^:=?*/{}]+)(?P<rest>.*)", re.DOTALL)
_CONSTRAINT: Final = re.compile(r":(\w+)(?:\((.*?)\)(?=[:=?]|$))?", re.DOTALL)


class TemplateError(Exception):
    """The text is no route template; the message says why."""


class Parameter(NamedTuple):
    """A parameter of a template."""

    name: str
    catch_all: bool
    optional: bool
    default: str | None
    checks: tuple[Check, ...]

    def allows(self, value: str) -> bool:
        """Whether a value fulfils all constraints."""
        return all(check(value) for check in self.checks)


Part: TypeAlias = "str | Parameter"
"""A literal text or a parameter; a segment is a list of parts."""


class Template:
    """A template that paths can be matched with."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._segments = [_parse_segment(segment) for segment in _split(text)]
        self.precedence = tuple(_digit(segment) for segment in self._segments)
        self._patterns = [_patterns(segment) if len(segment) > 1 else [] for segment in self._segments]
        _check(text, self._segments)

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters' values for a path in segments that are decoded, None if it doesn't match."""
        values: dict[str, str] = {}
        for number, segment in enumerate(self._segments):
            first = segment[0]
            if len(segment) == 1 and isinstance(first, Parameter) and first.catch_all:
                rest = "/".join(path[number:])
                return values if _take(first, rest or None, values) else None
            if number >= len(path):
                if not isinstance(first, Parameter) or len(segment) > 1 or not _take(first, None, values):
                    return None
                continue
            if not self._match_segment(number, path[number], values):
                return None
        return values if len(path) <= len(self._segments) else None

    def _match_segment(self, number: int, text: str, values: dict[str, str]) -> bool:
        segment, patterns = self._segments[number], self._patterns[number]
        if not patterns:
            part = segment[0]
            if isinstance(part, str):
                return part.lower() == text.lower()
            return _take(part, text or None, values)
        parameters = [part for part in segment if isinstance(part, Parameter)]
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                found = [*match.groups(), None]
                return all(_take(part, found[at], values) for at, part in enumerate(parameters))
        return False


def _take(parameter: Parameter, value: str | None, values: dict[str, str]) -> bool:
    """Note a parameter's value; False if it must have one or may not have this one."""
    if value is None:
        if parameter.default is not None:
            values[parameter.name] = parameter.default
            return True
        return parameter.optional or (parameter.catch_all and not parameter.checks)
    if not parameter.allows(value):
        return False
    values[parameter.name] = value
    return True


def _split(text: str) -> list[str]:
    """Return the segments; a slash in braces belongs to a constraint."""
    if len(text) > TEMPLATE_LENGTH_MAX:
        msg = f"A route template has at most {TEMPLATE_LENGTH_MAX} characters."
        raise TemplateError(msg)
    segments, current, depth = [], "", 0
    for char in text.removeprefix("~/").removeprefix("/"):
        depth += (char == "{") - (char == "}")
        if char == "/" and depth == 0:
            segments.append(current)
            current = ""
        else:
            current += char
    segments.append(current)
    if segments[-1] == "":
        segments.pop()
    if "" in segments:
        raise TemplateError(
            "The route template separator character '/' cannot appear consecutively. It must be separated by either a"
            " parameter or a literal value."
        )
    return segments


def _parse_segment(text: str) -> list[Part]:
    parts: list[Part] = []
    literal, at = "", 0
    while at < len(text):
        if text[at] in "{}" and text[at : at + 2] in ("{{", "}}"):
            literal += text[at]
            at += 2
        elif text[at] == "}":
            raise TemplateError(_INCOMPLETE)
        elif text[at] == "{":
            end = _closing(text, at + 1)
            if literal:
                parts.append(literal)
                literal = ""
            parts.append(_parse_parameter(text[at + 1 : end].replace("{{", "{").replace("}}", "}")))
            at = end + 1
        else:
            if text[at] == "?":
                msg = f"The literal section '{text}' is invalid. Literal sections cannot contain the '?' character."
                raise TemplateError(msg)
            literal += text[at]
            at += 1
    if literal:
        parts.append(literal)
    return parts


_INCOMPLETE: Final = (
    "There is an incomplete parameter in the route template. Check that each '{' character has a matching '}'"
    " character."
)


def _closing(text: str, start: int) -> int:
    at = start
    while at < len(text):
        if text[at] == "}":
            if text[at : at + 2] != "}}":
                return at
            at += 1
        at += 1
    raise TemplateError(_INCOMPLETE)


def _parse_parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        msg = (
            f"The route parameter name '{text}' is invalid. Route parameter names must be non-empty and cannot contain"
            " these characters: '{', '}', '/'. The '?' character marks a parameter as optional, and can occur only at"
            " the end of the parameter. The '*' character marks a parameter as catch-all, and can occur only at the"
            " start of the parameter."
        )
        raise TemplateError(msg)
    rest = match["rest"]
    checks = []
    while constraint := _CONSTRAINT.match(rest):
        try:
            checks.append(make_constraint(constraint[1].lower(), constraint[2]))
        except ConstraintError as error:
            raise TemplateError(str(error)) from None
        rest = rest[constraint.end() :]
    optional = rest.endswith("?") and not rest.startswith("=")
    default = rest[1:] if rest.startswith("=") else None
    catch_all = bool(match["stars"])
    if rest not in ("", "?") and default is None:
        msg = f"The route parameter '{text}' can't be read from '{rest}' on."
        raise TemplateError(msg)
    if catch_all and optional:
        raise TemplateError("A catch-all parameter cannot be marked optional.")
    return Parameter(match["name"], catch_all, optional, default, tuple(checks))


def _check(text: str, segments: Sequence[Sequence[Part]]) -> None:
    """Refuse a template whose parameters don't go together."""
    names = set()
    for number, segment in enumerate(segments):
        parameters = [part for part in segment if isinstance(part, Parameter)]
        for parameter in parameters:
            if parameter.name.lower() in names:
                msg = f"The route parameter name '{parameter.name}' appears more than one time in the route template."
                raise TemplateError(msg)
            names.add(parameter.name.lower())
            if parameter.catch_all and (number < len(segments) - 1 or len(segment) > 1):
                msg = (
                    "A catch-all parameter can only appear as the last segment of the route template."
                    if len(segment) == 1
                    else f"A path segment that contains more than one section, such as a literal section or a"
                    f" parameter, cannot contain a catch-all parameter: '{text}'."
                )
                raise TemplateError(msg)
            if parameter.optional and len(segment) > 1 and segment[-1] is not parameter:
                msg = f"An optional parameter must be at the end of the segment: '{parameter.name}'."
                raise TemplateError(msg)
        for first, second in pairwise(segment):
            if isinstance(first, Parameter) and isinstance(second, Parameter):
                raise TemplateError(
                    "A path segment cannot contain two consecutive parameters. They must be separated by a '/' or by"
                    " a literal string."
                )


def _patterns(segment: Sequence[Part]) -> list[re.Pattern[str]]:
    """Return what a segment of several parts may look like; a full stop before an optional last part goes with it."""
    texts = ["(.+)" if isinstance(part, Parameter) else re.escape(part) for part in segment]
    whole = re.compile("".join(texts), re.IGNORECASE | re.DOTALL)
    if segment[-2] == "." and _is_optional(segment[-1]):
        return [whole, re.compile("".join(texts[:-2]), re.IGNORECASE | re.DOTALL)]
    return [whole]


def _is_optional(part: Part) -> bool:
    return isinstance(part, Parameter) and part.optional


def _digit(segment: Sequence[Part]) -> int:
    """Return a segment's place in the order of precedence."""
    part = segment[0]
    if len(segment) > 1:
        return 2
    if isinstance(part, str):
        return 1
    return (5 if part.catch_all else 3) - (1 if part.checks else 0)
