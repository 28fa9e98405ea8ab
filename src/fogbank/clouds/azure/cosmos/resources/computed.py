"""Computed properties of containers: what may be defined ("Computed properties in Azure Cosmos DB for NoSQL").

https://learn.microsoft.com/azure/cosmos-db/nosql/query/computed-properties
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.errors import bad_request, query_refused
from fogbank.clouds.azure.cosmos.resources.indexing import ADDED, steps_in
from fogbank.languages.cosmos_sql.computed import names_in, read_definition
from fogbank.languages.cosmos_sql.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPUTED_MAX: Final = 20
_RESERVED: Final = ADDED | {"id", "ttl"}


def read_computed(given: Any, key_paths: Sequence[str]) -> list[dict[str, str]]:
    """Return computed properties as they are kept and shown, or raise the error for what can't be."""
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > COMPUTED_MAX:
        raise bad_request(f"A container has at most {COMPUTED_MAX} computedProperties.")
    found: dict[str, str] = {}
    taken = {steps[0] for path in key_paths if (steps := steps_in(path))}
    for each in given:
        name, query = (each.get("name"), each.get("query")) if isinstance(each, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(query, str) or each.keys() != {"name", "query"}:
            raise bad_request("A computed property must have a name and a query.")
        if not name or name in _RESERVED or name in taken or "/" in name:
            raise bad_request(f"The computed property name '{name}' is reserved or invalid.")
        if name in found:
            raise bad_request(f"The computed property name '{name}' is not unique.")
        found[name] = query
    for name, query in found.items():
        try:
            others = names_in(read_definition(query)) & found.keys()
        except QueryError as error:
            raise query_refused(error) from None
        if others:
            raise bad_request(f"The computed property '{name}' refers to the computed property '{min(others)}'.")
    return [{"name": name, "query": query} for name, query in found.items()]
