"""Keys of documents on their way to another collection, where keys are made of other parts.

A document keeps what is in it. Where its key there has a part that the document lacks, that is its identity: the parts
of its key where it comes from, as one text. Two documents never become one: a key that doesn't hold all of the old one
is refused.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET

from fogbank.engines.documents.portable.fitting import Note

if TYPE_CHECKING:
    from fogbank.engines.documents.portable.values import Fields, Value

Parts: TypeAlias = "tuple[Value, ...]"
# Characters that some service doesn't take in names, and a percent sign that could be read as one of them escaped.
_UNSAFE: Final = re.compile(r"[/\\?#\x00]|%(?=[0-9A-Fa-f]{2})")
_UNSAFE_IN_PARTS: Final = re.compile(_UNSAFE.pattern + r"|\|")
_ANY: Final = "any"


class KeyPart(NamedTuple):
    """Where a part of the key is in documents, and its kind: `text`, `number`, `bytes` or `any`."""

    path: tuple[str, ...]
    kind: str


class KeyForm(NamedTuple):
    """What a collection's keys are made of.

    `identity` is the part that takes the identity of documents without one. It is `outside` where documents have it
    beside their fields, and `moves` what was in its place before. `reserved` are fields that the service sets itself.
    """

    parts: tuple[KeyPart, ...]
    identity: KeyPart
    outside: bool = False
    moves: bool = False
    reserved: frozenset[str] = frozenset()

    @property
    def is_any(self) -> bool:
        """Whether parts of keys may be of any kind, so that 1 and "1" are two."""
        return any(part.kind == _ANY for part in self.parts)


class UnplacedError(Exception):
    """A document can't have a key there; the message says why."""


def parts_of(fields: Fields, form: KeyForm) -> Parts:
    """Return the parts of a document's key; `UNSET` for those that it lacks, which lists and maps can't be."""
    return tuple([_find(fields, part.path) for part in form.parts])


def _find(fields: Fields, path: tuple[str, ...]) -> Value:
    value: Any = fields
    for name in path:
        value = value.get(name, UNSET) if isinstance(value, dict) else UNSET
    return UNSET if isinstance(value, (dict, list)) else value


def identity(parts: Parts, form: KeyForm) -> str:
    """Return a key as one text: no two keys of one collection have the same."""
    unsafe = _UNSAFE if len(parts) == 1 else _UNSAFE_IN_PARTS
    return "|".join([unsafe.sub(_escaped, _text(each, form)) for each in parts])


def place(fields: Fields, key: Parts, source: KeyForm, target: KeyForm) -> tuple[Fields, list[Note]]:
    """Give a document the key that it is to have in another collection; raises `UnplacedError`.

    `key` are the parts of its key where it comes from.
    """
    taken = target.reserved & fields.keys()
    notes = [Note("system field", "left out, the service sets its own", name) for name in sorted(taken)]
    fields = {name: value for name, value in fields.items() if name not in taken}
    for part in target.parts:
        if part.kind != _ANY and part != target.identity and _find(fields, part.path) is UNSET:
            message = f"It has no {'.'.join(part.path)}, which is part of the key."
            raise UnplacedError(message)
    (name,), kind = target.identity
    own = fields.get(name)
    if own is not None and _is_of(own, kind) and _tells_apart(fields, key, source, target):
        return fields, notes
    text = identity(key, source)
    wanted: Value = text
    if kind == "number":
        if not re.fullmatch(r"0|-?[1-9]\d{0,17}", text, re.ASCII):
            raise UnplacedError(f"Its key {text} is no number, and {name} has to be one.")
        wanted = int(text)
    elif kind == "bytes":
        raise UnplacedError(f"It has no {name} of bytes, which is part of the key.")
    placed = {**fields, name: wanted}
    if name not in fields:
        if not target.outside:
            notes.append(Note("key", "the document's name stands in the key's field", name))
    elif type(own) in (int, float, Decimal) and str(own) == text:
        notes.append(Note("key", "the number of the key as text", name))
    elif target.moves and f"{name}_" not in fields:
        placed[f"{name}_"] = own
        notes.append(Note("key", f"what was in `{name}` moved to `{name}_`", name))
    else:
        raise UnplacedError(f"Its {name} doesn't tell it apart from others.")
    if not _tells_apart(placed, key, source, target):
        raise UnplacedError(f"Its {name} doesn't tell it apart from others.")
    return placed, notes


def _tells_apart(fields: Fields, key: Parts, source: KeyForm, target: KeyForm) -> bool:
    """Whether the key that a document has in its fields says the old one: holds its parts, or was made into them."""
    own = parts_of(fields, target)
    if identity(key, source) in own:
        return True
    made = identity(own, target)
    # Where the collection that it comes from was copied from one like the target, and through one with single names.
    names = {made, _UNSAFE.sub(_escaped, made)}
    rest = [part for part in key if not (isinstance(part, str) and part in names)]
    return not Counter(map(_comparable, rest)) - Counter(map(_comparable, own))


def _comparable(value: Value) -> tuple[str, Any]:
    return ("number" if type(value) in (int, float, Decimal) else type(value).__name__), value


def _is_of(value: Value, kind: str) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "bytes":
        return isinstance(value, bytes)
    return type(value) in (int, float, Decimal)


def _text(value: Value, form: KeyForm) -> str:
    if isinstance(value, str):
        # What isn't text begins so where it could be taken for text.
        return f"={value}" if form.is_any and value.startswith("=") else value
    if form.is_any:
        return "=" if value is UNSET else f"={msgspec.json.encode(value).decode()}"
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).decode()
    return str(value)


def _escaped(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"
