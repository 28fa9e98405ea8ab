"""System functions by their names, in capital letters.

Azure Cosmos DB for NoSQL, "System functions" (https://learn.microsoft.com/cosmos-db/query/functions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.languages.cosmos_sql.functions.arrays import ARRAYS
from fogbank.languages.cosmos_sql.functions.conversions import CONVERSIONS
from fogbank.languages.cosmos_sql.functions.dates import DATES
from fogbank.languages.cosmos_sql.functions.mathematics import MATHEMATICS
from fogbank.languages.cosmos_sql.functions.scores import SCORES
from fogbank.languages.cosmos_sql.functions.spatial import SPATIAL
from fogbank.languages.cosmos_sql.functions.strings import STRINGS
from fogbank.languages.cosmos_sql.functions.texts import TEXTS
from fogbank.languages.cosmos_sql.functions.types import TYPES

if TYPE_CHECKING:
    from fogbank.languages.cosmos_sql.functions.model import Function

SYSTEM: Final[dict[str, Function]] = {
    **STRINGS, **MATHEMATICS, **ARRAYS, **TYPES, **CONVERSIONS, **DATES, **SPATIAL, **TEXTS, **SCORES,
}  # fmt: skip
