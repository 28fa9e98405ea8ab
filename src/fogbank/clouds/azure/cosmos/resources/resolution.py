"""Conflict resolution policies: kept and shown; with one region nothing is left for them to resolve.

"Manage conflict resolution policies in Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/how-to-manage-
conflicts): the last writer wins, by a path that has numbers, or a stored procedure decides, which may be made later;
without one, conflicts would stand in their feed.
"""

from __future__ import annotations

from typing import Any, Final

from fogbank.clouds.azure.cosmos.errors import bad_request
from fogbank.clouds.azure.cosmos.resources.indexing import steps_in

LAST_WRITER: Final = "LastWriterWins"
CUSTOM: Final = "Custom"
_PATH: Final = "conflictResolutionPath"
_PROCEDURE: Final = "conflictResolutionProcedure"
_INVALID: Final = "The conflict resolution policy is invalid."


def read_conflicts(given: Any) -> dict[str, Any]:
    """Return a policy as it is kept and shown, or raise the error for what is none."""
    told = {} if given is None else given
    if not isinstance(told, dict) or not told.keys() <= {"mode", _PATH, _PROCEDURE}:
        raise bad_request(_INVALID)
    mode, path, procedure = told.get("mode") or LAST_WRITER, told.get(_PATH) or "", told.get(_PROCEDURE) or ""
    if mode not in (LAST_WRITER, CUSTOM) or not isinstance(path, str) or not isinstance(procedure, str):
        raise bad_request(_INVALID)
    if mode == CUSTOM:
        if path:
            raise bad_request(f"{_INVALID} A {_PATH} is for the mode {LAST_WRITER} only.")
        if not _names_procedure(procedure):
            raise bad_request(f"{_INVALID} The {_PROCEDURE} '{procedure}' names no stored procedure.")
        return {"mode": mode, _PATH: "", _PROCEDURE: procedure}
    if procedure:
        raise bad_request(f"{_INVALID} A {_PROCEDURE} is for the mode {CUSTOM} only.")
    if path and not steps_in(path):
        raise bad_request(f"{_INVALID} The {_PATH} '{path}' is no path.")
    return {"mode": mode, _PATH: path or "/_ts", _PROCEDURE: ""}


def _names_procedure(text: str) -> bool:
    """Whether a text is a procedure's id or its path, or says that there is none."""
    segments = text.strip("/").split("/")
    return len(segments) == 1 or (segments[::2] == ["dbs", "colls", "sprocs"] and len(segments) == 6 and all(segments))
