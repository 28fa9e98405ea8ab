"""HTTP rules, compiled: which method a verb and a path are for, and which fields the path holds.

The rules are those of `google.api.http` (google/api/http.proto), read from the methods' own options.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from fogbank.wire.grpc.types import MethodDescriptorProto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fogbank.wire.grpc.service import Methods
    from fogbank.wire.grpc.types import Message, Types

_VARIABLE: Final = re.compile(r"\{([\w.]+)(?:=([^}]*))?\}")
_ESCAPED_SLASH: Final = re.compile(r"(%2[fF])")


class Binding(NamedTuple):
    """One way to call a method: `fields` are the field paths that the pattern's groups hold."""

    path: str
    pattern: re.Pattern[str]
    fields: tuple[str, ...]
    body: str
    response_body: str
    owns: Callable[[Mapping[str, str]], bool]


class Found(NamedTuple):
    """A binding that fits a request, and what its path holds."""

    binding: Binding
    values: dict[str, str]


class Router:
    """The bindings of all services' methods."""

    def __init__(self, methods: Methods) -> None:
        self._bindings: dict[str, list[Binding]] = {}
        for service in methods.services.values():
            for method in methods.descriptor(service).methods:
                for rule in _rules(methods.types, method):
                    self._add(f"/{service.name}/{method.name}", rule, partial(service.owns, method.name))
        for bindings in self._bindings.values():
            # `functions/*:call` before `functions/*`, whose star takes in colons, too.
            bindings.sort(key=lambda binding: ":" not in binding.pattern.pattern)

    def find(self, verb: str, raw_path: str) -> Found | None:
        """Return the binding for a request, None if there is none."""
        for binding in self._bindings.get(verb, ()):
            match = binding.pattern.fullmatch(raw_path)
            if match:
                values = (_resolve(value) for value in match.groups())
                fields = dict(zip(binding.fields, values, strict=True))
                if binding.owns(fields):
                    return Found(binding, fields)
        return None

    def _add(self, path: str, rule: Message, owns: Callable[[Mapping[str, str]], bool]) -> None:
        kind = rule.WhichOneof("pattern")
        verb, template = (
            (rule.custom.kind, rule.custom.path) if kind == "custom" else (kind.upper(), getattr(rule, kind))
        )
        pattern, fields = compile_template(template)
        binding = Binding(path, pattern, fields, rule.body, rule.response_body, owns)
        self._bindings.setdefault(verb, []).append(binding)


def compile_template(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return the pattern of a path template and the field paths of its groups, in order."""
    parts = []
    fields = []
    at = 0
    for variable in _VARIABLE.finditer(template):
        parts.append(_segments(template[at : variable.start()]))
        parts.append(f"({_segments(variable[2] or '*')})")
        fields.append(variable[1])
        at = variable.end()
    parts.append(_segments(template[at:]))
    return re.compile("".join(parts)), tuple(fields)


def _segments(text: str) -> str:
    """Return the pattern of literal text, with `*` for a segment and `**` for any number of them, none included."""
    escaped = re.escape(text).replace(r"/\*\*", "(?:/.+)?").replace(r"\*\*", ".+")
    return escaped.replace(r"\*", "[^/]+")


def _resolve(value: str) -> str:
    """Undo percent encoding, except that of slashes where the value has several segments (http.proto)."""
    if "%" not in value:
        return value
    if "/" not in value:
        return unquote(value)
    return "".join(part if part.lower() == "%2f" else unquote(part) for part in _ESCAPED_SLASH.split(value))


def _rules(types: Types, method: Message) -> Iterator[Message]:
    """Yield the rules of a method."""
    proto = MethodDescriptorProto()
    method.CopyToProto(proto)
    # The options' own class is the default pool's, which doesn't know the extension.
    options = types.message("google.protobuf.MethodOptions").FromString(proto.options.SerializeToString())
    extension = types.extension("google.api.http")
    if options.HasExtension(extension):
        rule = options.Extensions[extension]
        yield rule
        yield from rule.additional_bindings
