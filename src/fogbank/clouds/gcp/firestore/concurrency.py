"""Concurrency modes: how transactions of a database meet others.

google/firestore/admin/v1/database.proto, `Database.ConcurrencyMode`: pessimistic is the default of databases of the
Standard edition.
"""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.shape import firestore_types

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection

# What the admin API was told of a database, among its collection's labels.
FACTS: Final = "facts"
OPTIMISTIC: Final = 1
PESSIMISTIC: Final = 2


def read_facts(text: str) -> Any:
    """Return a `google.firestore.admin.v1.Database` as it was told, of a collection's labels; empty for nothing."""
    return firestore_types().message("google.firestore.admin.v1.Database").FromString(b64decode(text))


def mode_of(collection: Collection | None) -> int:
    """Return the mode of a database, which needn't be there yet."""
    return PESSIMISTIC if collection is None else _mode(collection.config.labels.get(FACTS, ""))


@lru_cache(maxsize=256)
def _mode(facts: str) -> int:
    return read_facts(facts).concurrency_mode or PESSIMISTIC
