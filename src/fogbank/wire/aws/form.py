"""Requests of the Query protocol: a form whose dotted keys spell out nested structures.

Smithy, "AWS Query protocol": `Name.member.1`, `Name.entry.1.key`, flattened lists and maps without the middle
word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote_plus

from fogbank.wire.aws.values import MalformedValueError, read_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fogbank.wire.aws.models import Ref, ServiceModel, Shape

PARAMETERS_MAX: Final = 10_000
# Deeper keys than any service has are left whole, and are unknown ones then.
LEVELS_MAX: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
Tree: TypeAlias = "dict[str, Tree | str]"
Reader: TypeAlias = "Callable[[Tree | str, str], Any]"


class UnknownParameterError(Exception):
    """The form has a key that the operation doesn't take. `path` is the key as sent."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def parse_form(text: str) -> dict[str, str]:
    """Split an `application/x-www-form-urlencoded` text; of a repeated key the last value counts."""
    form = {}
    if text.count("&") >= PARAMETERS_MAX:
        raise MalformedValueError(f"at most {PARAMETERS_MAX} parameters")
    for pair in text.split("&"):
        if pair:
            key, _, value = pair.partition("=")
            try:
                if "%" in key or "+" in key:
                    key = unquote_plus(key, errors="strict")
                if "%" in value or "+" in value:
                    value = unquote_plus(value, errors="strict")
            except UnicodeDecodeError:
                raise MalformedValueError("text in UTF-8", pair.partition("=")[0]) from None
            form[key] = value
    return form


def grow_tree(form: Mapping[str, str]) -> Tree:
    """Nest a form by the dots in its keys."""
    tree: Tree = {}
    for key, value in form.items():
        node = tree
        *branches, leaf = key.split(".", LEVELS_MAX)
        for branch in branches:
            below = node.setdefault(branch, {})
            if isinstance(below, str):
                if below:
                    raise MalformedValueError("either a value or parts of one", key)
                below = node[branch] = {}
            node = below
        if isinstance(node.get(leaf), dict):
            if value:
                raise MalformedValueError("either a value or parts of one", key)
        else:
            node[leaf] = value
    return tree


def compile_form_reader(model: ServiceModel, ref: Ref) -> Reader:
    """Compile the reader of a shape; readers of nested shapes are compiled when first needed."""
    return _Compiler(model).reader(ref)


class _Compiler:
    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._readers: dict[str, Reader] = {}

    def reader(self, ref: Ref) -> Reader:
        shape = self._model.shape(ref)
        if shape.type == "structure":
            return self._structure(ref.shape, shape)
        if shape.type == "list":
            return self._list(shape, flattened=shape.flattened or ref.flattened)
        if shape.type == "map":
            return self._map(shape, flattened=shape.flattened or ref.flattened)
        return _scalar(shape.type)

    def _structure(self, name: str, shape: Shape) -> Reader:
        if name in self._readers:
            return self._readers[name]
        members: dict[str, tuple[str, Reader]] = {}

        def read(node: Tree | str, path: str) -> Any:
            if isinstance(node, str):
                raise MalformedValueError("a structure", path)
            result = {}
            for key, child in node.items():
                try:
                    member, reader = members[key]
                except KeyError:
                    raise UnknownParameterError(_join(path, key)) from None
                result[member] = reader(child, _join(path, key))
            return result

        self._readers[name] = read
        for member, ref in shape.members.items():
            members[self._wire_name(member, ref)] = (member, self.reader(ref))
        return read

    def _wire_name(self, member: str, ref: Ref) -> str:
        """Return the key of a member; a flattened list goes by its elements' name if they have one."""
        shape = self._model.shape(ref)
        if shape.type == "list" and (shape.flattened or ref.flattened) and shape.member is not None:
            return shape.member.location_name or ref.location_name or member
        return ref.location_name or member

    def _list(self, shape: Shape, *, flattened: bool) -> Reader:
        assert shape.member is not None
        reader = self.reader(shape.member)
        word = shape.member.location_name or "member"

        def read(node: Tree | str, path: str) -> Any:
            items = node if flattened or isinstance(node, str) else _only(node, word, path)
            return [reader(child, f"{path}.{index}") for index, child in _numbered(items, path)]

        return read

    def _map(self, shape: Shape, *, flattened: bool) -> Reader:
        assert shape.key is not None
        assert shape.value is not None
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)
        key_word = shape.key.location_name or "key"
        value_word = shape.value.location_name or "value"

        def read(node: Tree | str, path: str) -> Any:
            items = node if flattened or isinstance(node, str) else _only(node, "entry", path)
            result = {}
            for index, entry in _numbered(items, path):
                if isinstance(entry, str) or key_word not in entry:
                    raise MalformedValueError(f"{key_word} and {value_word}", f"{path}.{index}")
                unknown = entry.keys() - {key_word, value_word}
                if unknown:
                    raise UnknownParameterError(f"{path}.{index}.{min(unknown)}")
                key = read_key(entry[key_word], f"{path}.{index}.{key_word}")
                result[key] = read_value(entry.get(value_word, ""), f"{path}.{index}.{value_word}")
            return result

        return read


def _scalar(kind: str) -> Reader:
    def read(node: Tree | str, path: str) -> Any:
        if not isinstance(node, str):
            raise MalformedValueError(f"a value ({kind})", path)
        try:
            return read_scalar(kind, node)
        except MalformedValueError as error:
            raise MalformedValueError(error.expected, path) from None

    return read


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _only(node: Tree, word: str, path: str) -> Tree | str:
    unknown = node.keys() - {word}
    if unknown:
        raise UnknownParameterError(_join(path, min(unknown)))
    return node[word]


def _numbered(node: Tree | str, path: str) -> list[tuple[int, Tree | str]]:
    """Return the elements of a list in the order of their numbers; an empty text is the empty list."""
    if isinstance(node, str):
        if node:
            raise MalformedValueError("a list", path)
        return []
    items = []
    for key, child in node.items():
        if not _NUMBER.fullmatch(key):
            raise UnknownParameterError(_join(path, key))
        items.append((int(key), child))
    return sorted(items, key=lambda item: item[0])
