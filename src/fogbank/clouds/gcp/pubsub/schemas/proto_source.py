"""Reads a `.proto` file: the part of the language that Pub/Sub's schemas may use.

Protocol Buffers, "Proto3 Language Specification", "Proto2 Language Specification"; Google Cloud, "Schema overview":
one message at the top, others only within it; no imports but those of nothing, no extensions, groups or services.
"""

from __future__ import annotations

import re
from typing import Any, Final

from fogbank.wire.grpc.types import FileDescriptorProto

DEPTH_MAX: Final = 32
_TOKEN: Final = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"""
    r"""|(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))|(?P<mark>[{}()\[\]<>;=,.+-])""",
    re.DOTALL,
)
_SCALARS: Final = {
    "double": 1, "float": 2, "int64": 3, "uint64": 4, "int32": 5, "fixed64": 6, "fixed32": 7, "bool": 8, "string": 9,
    "bytes": 12, "uint32": 13, "sfixed32": 15, "sfixed64": 16, "sint32": 17, "sint64": 18,
}  # fmt: skip
_MESSAGE, _ENUM = 11, 14
_OPTIONAL, _REQUIRED, _REPEATED = 1, 2, 3
_LABELS: Final = {"optional": _OPTIONAL, "required": _REQUIRED, "repeated": _REPEATED}
_NUMBER_MAX: Final = (1 << 29) - 1


class ProtoSourceError(Exception):
    """A text that isn't such a file; says what and in which line."""


def read_proto(text: str) -> Any:
    """Return the file as a descriptor; raises `ProtoSourceError`."""
    return _Reader(text).file()


class _Reader:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                msg = f"unexpected {text[at]!r} in line {text.count(chr(10), 0, at) + 1}"
                raise ProtoSourceError(msg)
            if match.lastgroup is not None:
                self._tokens.append((match[0], text.count("\n", 0, at) + 1))
            at = match.end()
        self._at = 0
        self._syntax = "proto2"

    def file(self) -> Any:
        """Read the whole."""
        file = FileDescriptorProto(name="schema.proto")
        while self._more():
            word = self._next()
            if word == "syntax":
                self._expect("=")
                self._syntax = self._next().strip("\"'")
                if self._syntax not in ("proto2", "proto3"):
                    raise self._error(f"unknown syntax {self._syntax!r}")
                self._expect(";")
            elif word == "package":
                file.package = self._next()
                self._expect(";")
            elif word == "option":
                self._skip_statement()
            elif word == "message":
                self._message(file.message_type.add(), 0)
            elif word != ";":
                raise self._error(f"{word} isn't supported at the top of a schema")
        if len(file.message_type) != 1:
            msg = f"a schema has one message at its top, not {len(file.message_type)}"
            raise ProtoSourceError(msg)
        file.syntax = self._syntax
        _name_types(file)
        return file

    def _message(self, message: Any, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise self._error("messages stand too deeply within each other")
        message.name = self._name()
        self._expect("{")
        optional: list[Any] = []
        while (word := self._next()) != "}":
            if word == "message":
                self._message(message.nested_type.add(), depth + 1)
            elif word == "enum":
                self._enum(message.enum_type.add())
            elif word == "oneof":
                self._oneof(message)
            elif word in ("option", "reserved", "extensions"):
                self._skip_statement()
            elif word == "map":
                self._map(message)
            elif word in ("extend", "group", "import"):
                raise self._error(f"{word} isn't supported in schemas")
            elif word != ";":
                field = self._labelled(message, word)
                if word == "optional" and self._syntax == "proto3":
                    optional.append(field)
        for field in optional:
            # That it may be absent is a group of its own, behind those that the text has.
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{field.name}")

    def _labelled(self, message: Any, word: str) -> Any:
        label = _LABELS.get(word, 0)
        kind = self._next() if label else word
        if not label and self._syntax == "proto2":
            raise self._error(f"a field of proto2 is optional, required or repeated, not {word}")
        if label == _REQUIRED and self._syntax == "proto3":
            raise self._error("proto3 has no required fields")
        return self._field(message, kind, label or _OPTIONAL)

    def _field(self, message: Any, kind: str, label: int) -> Any:
        field = message.field.add(label=label)
        _set_type(field, kind)
        field.name = self._name()
        self._expect("=")
        field.number = self._number(1, _NUMBER_MAX)
        self._options(field)
        self._expect(";")
        return field

    def _oneof(self, message: Any) -> None:
        index = len(message.oneof_decl)
        message.oneof_decl.add(name=self._name())
        self._expect("{")
        while (word := self._next()) != "}":
            if word == "option":
                self._skip_statement()
            elif word != ";":
                self._field(message, word, _OPTIONAL).oneof_index = index

    def _map(self, message: Any) -> None:
        self._expect("<")
        key = self._next()
        self._expect(",")
        value = self._next()
        self._expect(">")
        if key not in _SCALARS or key in ("double", "float", "bytes"):
            raise self._error(f"{key} can't be the key of a map")
        field = message.field.add(label=_REPEATED, type=_MESSAGE, name=self._name())
        self._expect("=")
        field.number = self._number(1, _NUMBER_MAX)
        self._options(field)
        self._expect(";")
        entry = message.nested_type.add(name=re.sub(r"(?:^|_)(.)", lambda m: m[1].upper(), field.name) + "Entry")
        entry.options.map_entry = True
        for name, number, kind in (("key", 1, key), ("value", 2, value)):
            _set_type(entry.field.add(name=name, number=number, label=_OPTIONAL), kind)
        field.type_name = entry.name

    def _enum(self, enum: Any) -> None:
        enum.name = self._name()
        self._expect("{")
        while (word := self._next()) != "}":
            if word in ("option", "reserved"):
                self._skip_statement()
            elif word != ";":
                self._expect("=")
                enum.value.add(name=word, number=self._number(-(1 << 31), (1 << 31) - 1))
                self._options(None)
                self._expect(";")

    def _options(self, field: Any) -> None:
        """Read a field's options, of which only the default value of proto2 counts."""
        if not self._more() or self._tokens[self._at][0] != "[":
            return
        self._at += 1
        words: list[str] = []
        while (word := self._next()) != "]":
            words.append(word)
        if field is not None and words[:2] == ["default", "="] and len(words) > 2:
            field.default_value = words[2].strip("\"'")

    def _skip_statement(self) -> None:
        depth = 0
        while (word := self._next()) != ";" or depth:
            depth += (word == "{") - (word == "}")

    def _name(self) -> str:
        word = self._next()
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", word):
            raise self._error(f"{word!r} is no name")
        return word

    def _number(self, least: int, most: int) -> int:
        word = self._next()
        try:
            number = int(word, 0)
        except ValueError:
            number = int(word, 8) if re.fullmatch(r"0[0-7]+", word) else most + 1
        if not least <= number <= most or 19_000 <= number <= 19_999:
            raise self._error(f"{word!r} is no number that can stand here")
        return number

    def _more(self) -> bool:
        return self._at < len(self._tokens)

    def _next(self) -> str:
        if not self._more():
            msg = "the text ends in the middle of something"
            raise ProtoSourceError(msg)
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _expect(self, mark: str) -> None:
        word = self._next()
        if word != mark:
            raise self._error(f"{mark!r} is missing before {word!r}")

    def _error(self, text: str) -> ProtoSourceError:
        return ProtoSourceError(f"{text} (line {self._tokens[self._at - 1][1]})")


def _set_type(field: Any, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        # Which of the two kinds of types it is shows once all have been read.
        field.type_name = kind


def _name_types(file: Any) -> None:
    """Give the fields the full names of their types, found from the inside out."""
    known: dict[str, int] = {}
    prefix = f".{file.package}" if file.package else ""

    def collect(message: Any, scope: str) -> None:
        full = f"{scope}.{message.name}"
        known[full] = _MESSAGE
        for enum in message.enum_type:
            known[f"{full}.{enum.name}"] = _ENUM
        for inner in message.nested_type:
            collect(inner, full)

    def resolve(message: Any, scope: str) -> None:
        full = f"{scope}.{message.name}"
        for field in message.field:
            if not field.type_name:
                continue
            place = full
            wanted = field.type_name
            while wanted.startswith(".") is False and f"{place}.{wanted}" not in known and place:
                place = place.rpartition(".")[0]
            name = wanted if wanted.startswith(".") else f"{place}.{wanted}"
            if name not in known:
                msg = f"{wanted} isn't defined"
                raise ProtoSourceError(msg)
            field.type_name = name
            field.type = known[name]
        for inner in message.nested_type:
            resolve(inner, full)

    for message in file.message_type:
        collect(message, prefix)
    for message in file.message_type:
        resolve(message, prefix)
