"""What Cosmos DB triggers and bindings may say.

"Azure Cosmos DB trigger for Azure Functions" and "Azure Cosmos DB input binding for Azure Functions"
(https://learn.microsoft.com/azure/azure-functions/functions-bindings-cosmosdb-v2-trigger and -input).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE: Final = "cosmosdb"
TRIGGER: Final = "cosmosdbtrigger"
_CONTAINER: Final = frozenset({
    "type", "direction", "name", "datatype", "connection", "databasename", "containername", "preferredlocations",
})  # fmt: skip
# In small letters, as all names of properties are compared. There is one region, and nothing is polled for.
_OUTPUT: Final = _CONTAINER | {"createifnotexists", "partitionkey"}
_INPUT: Final = _CONTAINER | {"id", "partitionkey", "sqlquery"}
_TRIGGER: Final = _CONTAINER | {
    "leaseconnection", "leasedatabasename", "leasecontainername", "createleasecontainerifnotexists",
    "leasescontainerthroughput", "leasecontainerprefix", "feedpolldelay", "leaseacquireinterval",
    "leaseexpirationinterval", "leaserenewinterval", "maxitemsperinvocation", "startfrombeginning", "startfromtime",
    "changefeedmode",
}  # fmt: skip
_NUMBERS: Final = (
    "feedpolldelay", "leaseacquireinterval", "leaseexpirationinterval", "leaserenewinterval", "maxitemsperinvocation",
)  # fmt: skip
_FIXED: Final = ("databasename", "containername", "leasedatabasename", "leasecontainername", "leasecontainerprefix")
ITEMS_MAX: Final = 1_000
LATEST_VERSION: Final = "LatestVersion"
ALL_VERSIONS: Final = "AllVersionsAndDeletes"


def folded(binding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a binding's properties that are set, by their names in small letters."""
    return {name.lower(): value for name, value in binding.items() if value is not None}


def is_true(value: Any) -> bool:
    """Whether a property says so."""
    return value is True or str(value).lower() == "true"


def problem_of(binding: Mapping[str, Any]) -> str:
    """Return what is wrong with a trigger or binding, "" if nothing is."""
    told = folded(binding)
    kind, direction = str(told.get("type")).lower(), str(told.get("direction", "in")).lower()
    what = "cosmosDBTrigger" if kind == TRIGGER else "cosmosDB bindings"
    allowed = _TRIGGER if kind == TRIGGER else _INPUT if direction == "in" else _OUTPUT
    for name in binding:
        if name.lower() in told and name.lower() not in allowed:
            return f"Fogbank does not support the property {name} of {what}."
        if name.lower() in _FIXED and "{" in str(told.get(name.lower(), "")):
            return f"Fogbank does not support binding expressions in {name}."
    for name in ("databasename", "containername"):
        if not isinstance(told.get(name), str) or not told[name]:
            return f"The property {name.removesuffix('name')}Name of {what} must be a text."
    if kind == TRIGGER:
        return _problem_of_trigger(told)
    if "id" in told and "sqlquery" in told:
        return "Both the id and the sqlQuery of a cosmosDB binding are set."
    return ""


def _problem_of_trigger(told: Mapping[str, Any]) -> str:
    for name in _NUMBERS:
        value = told.get(name, 1)
        if type(value) is not int or value < 1:
            return f"The property {name} of cosmosDBTrigger must be a number from 1 on."
    if told.get("maxitemsperinvocation", 1) > ITEMS_MAX:
        return f"The property maxItemsPerInvocation of cosmosDBTrigger is at most {ITEMS_MAX}."
    mode = told.get("changefeedmode", LATEST_VERSION)
    if mode not in (LATEST_VERSION, ALL_VERSIONS):
        return f"The changeFeedMode of cosmosDBTrigger must be {LATEST_VERSION} or {ALL_VERSIONS}."
    if mode == ALL_VERSIONS and ("startfromtime" in told or is_true(told.get("startfrombeginning"))):
        return f"StartFromBeginning and StartFromTime can't be used with the changeFeedMode {ALL_VERSIONS}."
    if "startfromtime" in told:
        if is_true(told.get("startfrombeginning")):
            return "Only one of StartFromBeginning or StartFromTime can be used"
        if moment_of(str(told["startfromtime"])) is None:
            return "The specified StartFromTime parameter is not in the correct format. Please use the ISO 8601 format."
    return ""


def moment_of(text: str) -> datetime | None:
    """Return the time that a text in ISO 8601 tells, None if it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
