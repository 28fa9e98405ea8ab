"""What Cosmos DB bindings may say."""

from __future__ import annotations

from typing import Final

TYPE: Final = "cosmosdb"
# In small letters, as all names of properties are compared.
PROPERTIES: Final = frozenset({
    "type", "direction", "name", "datatype", "connection", "databasename", "containername", "createifnotexists",
    "partitionkey",
})  # fmt: skip
