"""Keys of items: the values of a partition key, in documents and in headers, and the bytes that they are in the store.

A level's value is text, a number, a bool, null, or undefined where a document has none. Each level is encoded so that
its bytes sort as values do and end where it ends; what begins with some levels is a range of bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from fogbank.clouds.azure.cosmos.errors import PARTITION_KEY_MISMATCH, bad_request
from fogbank.engines.documents.keys import encode_scalar
from fogbank.engines.documents.model import Key
from fogbank.languages.cosmos_sql.values import UNDEFINED, is_primitive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.languages.cosmos_sql.candidates import Steps

    Levels: TypeAlias = "tuple[Any, ...]"

ID_BYTES_MAX: Final = 1_023
# "Azure Cosmos DB service quotas", and of scripts, users and permissions what their REST operations say.
NAME_LENGTH_MAX: Final = 255
PARTITION_KEY_BYTES_MAX: Final = 2_048
PARTITION_KEY: Final = b"x-ms-documentdb-partitionkey"
_END: Final = b"\x00\x01"
_MISMATCH: Final = (
    "PartitionKey extracted from document doesn't match the one specified in the header. Learn more:"
    " https://aka.ms/CosmosDB/sql/errors/wrong-pk-value"
)
_FORBIDDEN: Final = frozenset("/\\?#")


def find_value(document: Any, steps: Steps) -> Any:
    """Return what a document has at a path, UNDEFINED if nothing."""
    value = document
    for name in steps:
        if type(value) is not dict:
            return UNDEFINED
        value = value.get(name, UNDEFINED)
    return value


def levels_of(document: dict[str, Any], paths: Sequence[Steps]) -> Levels:
    """Return a document's partition key; arrays and objects are none."""
    found = [find_value(document, steps) for steps in paths]
    return tuple([value if is_primitive(value) else UNDEFINED for value in found])


def encode_levels(levels: Levels) -> bytes:
    """Return the bytes of a partition key, or of its first levels."""
    # 1, 1.0 and true are the same to a cache.
    return _encode_levels(levels, tuple(map(type, levels)))


@lru_cache(maxsize=8192)
def _encode_levels(levels: Levels, _types: tuple[type, ...]) -> bytes:
    return b"".join([encode_value(value) + _END for value in levels])


def encode_value(value: Any) -> bytes:
    """Return the bytes of a value that others may follow; nothing for an undefined one."""
    return b"" if value is UNDEFINED else encode_scalar(value).replace(b"\x00", b"\x00\xff")


def key_of(levels: Levels, identifier: str) -> Key:
    """Return where an item stands."""
    return Key(encode_levels(levels), identifier.encode())


@lru_cache(maxsize=8192)
def read_levels(header: str) -> Levels | None:
    """Return the partition key that a header says, None if there is none; an empty one is that of undefined values."""
    if not header:
        return None
    try:
        values = msgspec.json.decode(header)
    except msgspec.DecodeError:
        values = None
    if not isinstance(values, list):
        raise bad_request(f"Partition key {header} is invalid.")
    levels = [UNDEFINED if value == {} else value for value in values]
    if not all(value is UNDEFINED or is_primitive(value) for value in levels):
        raise bad_request(f"Partition key {header} is invalid.")
    if any(type(value) is str and len(value.encode()) > PARTITION_KEY_BYTES_MAX for value in levels):
        raise bad_request(f"The partition key is longer than {PARTITION_KEY_BYTES_MAX} bytes.")
    return tuple(levels) or (UNDEFINED,)


def match(levels: Levels, given: Levels | None) -> None:
    """Raise the error for a partition key that isn't the document's."""
    if given is None:
        raise missing_key()
    if len(given) != len(levels) or encode_levels(given) != encode_levels(levels):
        raise bad_request(_MISMATCH, PARTITION_KEY_MISMATCH)


def missing_key() -> Exception:
    """Return the error for a request without the partition key that it needs."""
    return bad_request("PartitionKey value must be supplied for this operation.")


def check_levels(given: Levels | None, paths: Sequence[Steps]) -> Levels:
    """Return the whole partition key that a request says, or raise the error for what is none."""
    if given is None:
        raise missing_key()
    if len(given) != len(paths):
        message = (
            "Partition key provided either doesn't correspond to definition in the collection or doesn't match"
            " partition key field values specified in the document."
        )
        raise bad_request(message, PARTITION_KEY_MISMATCH)
    return given


def check_id(identifier: Any) -> str:
    """Return the id of an item or another resource, or raise the error for what is none."""
    if identifier is None:
        raise bad_request("The input content is invalid because the required properties - 'id; ' - are missing")
    if not isinstance(identifier, str) or not identifier:
        raise bad_request("The input name is invalid. Ensure to provide a unique non-empty string less than '1024'"
                          " characters.")  # fmt: skip
    if len(identifier.encode()) > ID_BYTES_MAX:
        raise bad_request("The input name is too long. Ensure it is less than '1024' characters.")
    if not _FORBIDDEN.isdisjoint(identifier):
        raise bad_request(f"The input name '{identifier}' contains invalid characters: '/', '\\', '?' and '#'.")
    return identifier


def check_name(identifier: Any) -> str:
    """Return the name of a resource that is no item, or raise the error for what is none."""
    name = check_id(identifier)
    if len(name) > NAME_LENGTH_MAX:
        raise bad_request(f"The input name is too long. Ensure it is less than '{NAME_LENGTH_MAX + 1}' characters.")
    return name
