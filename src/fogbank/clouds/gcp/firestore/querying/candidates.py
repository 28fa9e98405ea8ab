"""A document that a query looks at: its fields are parsed when something is asked of them, and encoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH, value_at
from fogbank.clouds.gcp.firestore.order import encode, encode_reference
from fogbank.clouds.gcp.firestore.shape import message_of, path_of
from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ordered import encode_path

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.engines.documents.model import Document


class Candidate:
    """One document of a database."""

    __slots__ = ("_fields", "_members", "_places", "_root", "document", "path")

    def __init__(self, root: str, document: Document) -> None:
        self.document = document
        self.path = path_of(document)
        self._root = root
        self._fields: Any = None
        self._places: dict[FieldPath, bytes | None] = {}
        self._members: dict[FieldPath, frozenset[bytes]] = {}

    @property
    def key(self) -> Key:
        """Where it is in the store."""
        *collection, last = self.path.split("/")
        return Key(encode_path(collection), last.encode())

    @property
    def collection(self) -> str:
        """The path of its collection."""
        return self.path.rpartition("/")[0]

    def value(self, path: FieldPath) -> Any:
        """Return a field's value; None if it hasn't the field."""
        if self._fields is None:
            self._fields = message_of(self.document).fields
        return value_at(self._fields, path)

    def place(self, path: FieldPath) -> bytes | None:
        """Return the place of a field's value in the order of values; None if it hasn't the field."""
        if path in self._places:
            return self._places[path]
        if path == NAME_PATH:
            encoded: bytes | None = encode_reference(f"{self._root}/{self.path}")
        else:
            value = self.value(path)
            encoded = None if value is None else encode(value)
        self._places[path] = encoded
        return encoded

    def members(self, path: FieldPath) -> frozenset[bytes]:
        """Return the places of an array's members; nothing where the field is no array."""
        found = self._members.get(path)
        if found is None:
            value = None if path == NAME_PATH else self.value(path)
            members = () if value is None else value.array_value.values
            found = self._members[path] = frozenset(encode(each) for each in members)
        return found
