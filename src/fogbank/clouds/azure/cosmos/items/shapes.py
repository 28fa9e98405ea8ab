"""What the store keeps of items beside themselves: their places in indexes, and when they go away.

"Time to Live (TTL) in Azure Cosmos DB": an item's `ttl` counts, in seconds since it was last written, if its container
has a default, and before that; -1 is for never.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.items.keys import encode_levels, encode_value, find_value, levels_of
from fogbank.clouds.azure.cosmos.items.shown import show_item
from fogbank.clouds.azure.cosmos.resources.definitions import PATHS, UNIQUE, layout_of
from fogbank.engines.documents.keys import encode_scalar
from fogbank.engines.documents.model import Entry, Traits
from fogbank.engines.documents.traits import Shape
from fogbank.kernel.clock import SECOND_US
from fogbank.languages.cosmos_sql.running import ROOT, Program
from fogbank.languages.cosmos_sql.values import UNDEFINED, is_primitive

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout
    from fogbank.clouds.azure.cosmos.resources.indexing import PathTable
    from fogbank.engines.documents.model import CollectionConfig, Document
    from fogbank.languages.cosmos_sql.candidates import Steps
    from fogbank.languages.cosmos_sql.nodes import Select

# So many bytes of a value are in the index: those that it begins with.
VALUE_BYTES_MAX: Final = 200
_PROGRAMS_MAX: Final = 512


def describe(config: CollectionConfig, document: Document) -> Traits:
    """Return an item's places in indexes, and its end."""
    layout = layout_of(config)
    entries: list[Entry] = []
    for index in config.indexes:
        if index.name == PATHS:
            _enter(entries, index.number, layout.paths, (), indexed_fields(layout, document))
        elif index.name == UNIQUE:
            entries.extend(unique_entries(layout, index.number, document.fields))
    return Traits(frozenset(entries), expiry_of(layout, document))


def indexed_fields(layout: Layout, document: Document) -> dict[str, Any]:
    """Return an item with its computed properties, which count for more than what it has under their names."""
    if not layout.computed:
        return document.fields
    fields = {name: value for name, value in document.fields.items() if name not in layout.computed}
    row = {ROOT: show_item(layout, document)}
    for name, query in layout.computed.items():
        for value in program_of(query).results(row):
            fields[name] = value
    return fields


@lru_cache(maxsize=_PROGRAMS_MAX)
def program_of(query: Select) -> Program:
    """Return what a computed property's query is compiled to."""
    return Program(query)


def _enter(entries: list[Entry], number: int, paths: PathTable, above: Steps, fields: Any) -> None:
    for name, value in fields.items():
        steps = (*above, name)
        if type(value) is dict:
            _enter(entries, number, paths, steps, value)
        elif type(value) is not list:
            place = paths.name(steps)
            if place is not None:
                entries.append(Entry(number, place, index_value(value)))


def index_value(value: Any) -> bytes:
    """Return a primitive value as the index has it."""
    return encode_scalar(value)[:VALUE_BYTES_MAX]


def unique_entries(layout: Layout, number: int, fields: Any) -> list[Entry]:
    """Return where an item stands by each of its container's unique keys: within its logical partition."""
    partition = encode_levels(levels_of(fields, layout.levels))
    entries = []
    for place, paths in enumerate(layout.unique):
        values = [find_value(fields, steps) for steps in paths]
        parts = [encode_value(value if is_primitive(value) else UNDEFINED) for value in values]
        entries.append(Entry(number, bytes((place,)) + partition, b"\x00\x01".join(parts)))
    return entries


def expiry_of(layout: Layout, document: Document) -> int:
    """Return when an item goes away, in microseconds; 0 for never."""
    default = layout.definition.ttl
    if default is None:
        return 0
    ttl = document.fields.get("ttl")
    seconds = ttl if type(ttl) is int else default
    return 0 if seconds <= 0 else document.version // SECOND_US * SECOND_US + seconds * SECOND_US


SHAPE: Final = Shape(describe)
