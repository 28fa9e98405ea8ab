"""What the store keeps of documents beside themselves, by the names of fields in the collection's configuration.

A service whose documents aren't fields by name gives the engine a shape of its own in the place of `FIELDS`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from fogbank.engines.documents.keys import NO_SORT_KEY, encode_partition, encode_scalar
from fogbank.engines.documents.model import Entry, Traits
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fogbank.engines.documents.model import CollectionConfig, Document, Index, KeyField, Name
    from fogbank.engines.documents.values import Fields, Value
    from fogbank.storage import Tx

    Describe: TypeAlias = "Callable[[CollectionConfig, Document], Traits]"
    Check: TypeAlias = "Callable[[CollectionConfig, Document], None]"
    Expired: TypeAlias = "Callable[[Tx, int, Name, Document, int], Coroutine[Any, Any, None]]"

NOTHING: Final = Traits()
# Later than this nobody waits; and it fits into the column.
_SECONDS_MAX: Final = 1 << 42
_TYPES: Final = {"text": (str,), "number": (int, float, Decimal), "bytes": (bytes,)}


def by_fields(config: CollectionConfig, document: Document) -> Traits:
    """Return a document's places in the indexes whose fields it has with values of their kinds, and its end."""
    fields = document.fields
    entries = [entry for index in config.indexes if (entry := entry_of(index, fields)) is not None]
    return Traits(frozenset(entries), expiry_of(fields.get(config.expiry)) if config.expiry else 0)


def entry_of(index: Index, fields: Fields) -> Entry | None:
    """Return a document's place in an index; None if it has none."""
    partition = fields.get(index.partition_key.name)
    if not fits(index.partition_key, partition):
        return None
    assert not isinstance(partition, list | dict | frozenset)
    if index.sort_key is None:
        return Entry(index.number, encode_partition(partition), NO_SORT_KEY)
    sort = fields.get(index.sort_key.name)
    if not fits(index.sort_key, sort):
        return None
    assert not isinstance(sort, list | dict | frozenset)
    return Entry(index.number, encode_partition(partition), encode_scalar(sort))


def fits(field: KeyField, value: Value) -> bool:
    """Tell whether a value is of a key field's kind."""
    return isinstance(value, _TYPES[field.kind]) and not isinstance(value, bool)


def expiry_of(value: Value) -> int:
    """Return when a document goes away whose field has this value, in microseconds; 0 for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 < value < _SECONDS_MAX:
        return 0
    return int(value) * SECOND_US


class Shape(NamedTuple):
    """What a service's documents are like. `check` refuses, by raising, what a collection doesn't take.

    `expired` is called for a document that goes away by itself, in that transaction, with its collection's name and
    the number of the write.
    """

    describe: Describe = by_fields
    check: Check | None = None
    expired: Expired | None = None


FIELDS: Final = Shape()
