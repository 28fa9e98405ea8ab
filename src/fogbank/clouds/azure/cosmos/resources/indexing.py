"""Indexing policies: what they may say, and which paths of an item they enter into the index.

"Indexing policies in Azure Cosmos DB" (https://learn.microsoft.com/azure/cosmos-db/index-policy): of two paths that
an item's path is below of, the more precise one counts.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import bad_request, unsupported

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fogbank.languages.cosmos_sql.candidates import Steps

DEFAULT: Final[dict[str, Any]] = {
    "indexingMode": "consistent",
    "automatic": True,
    "includedPaths": [{"path": "/*"}],
    "excludedPaths": [{"path": '/"_etag"/?'}],
}
_MEMBERS: Final = frozenset({"indexingMode", "automatic", "includedPaths", "excludedPaths", "compositeIndexes"})
# `search_indexes` reads these.
SEARCHED: Final = frozenset({"spatialIndexes", "vectorIndexes", "fullTextIndexes"})
_MODES: Final = frozenset({"consistent", "none"})
# "Azure Cosmos DB service quotas", "SQL query limits".
PATHS_MAX: Final = 1_500
COMPOSITES_MAX: Final = 100
COMPOSITE_PATHS_MAX: Final = 8
_STEP: Final = re.compile(r'/(?:"((?:[^"\\]|\\.)*)"|([^/"]+))')
_NAME_BYTES: Final = 8
# What the service adds to items is in no index.
ADDED: Final = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})
# Of so many paths of one container it is kept where they stand; of more it is found out each time.
_KEPT: Final = 10_000


class Rule(NamedTuple):
    """A path of a policy; `below` says that it is for all that is below it, too."""

    steps: Steps
    below: bool
    included: bool


def read_policy(given: Any) -> dict[str, Any]:
    """Return a policy as it is kept and shown, or raise the error for what is none."""
    if given is None:
        return dict(DEFAULT)
    if not isinstance(given, dict):
        raise bad_request("The indexingPolicy must be an object.")
    for name, value in given.items():
        if name not in _MEMBERS and name not in SEARCHED and value is not None:
            raise unsupported(f"the property indexingPolicy.{name}")
    mode = str(given.get("indexingMode") or "consistent").lower()
    if mode not in _MODES:
        raise unsupported(f"the value {mode} of indexingPolicy.indexingMode")
    automatic = given.get("automatic", mode != "none")
    if automatic not in (True, False):
        raise bad_request("The indexingPolicy's automatic must be true or false.")
    if mode == "consistent" and automatic is False:
        raise unsupported("the value false of indexingPolicy.automatic with an index")
    if mode == "none":
        return {"indexingMode": "none", "automatic": False, "includedPaths": [], "excludedPaths": []}
    included, excluded = _paths(given, "includedPaths"), _paths(given, "excludedPaths")
    if not included and not excluded:
        included = [{"path": "/*"}]
    if not any(each["path"] == "/*" for each in (*included, *excluded)):
        raise bad_request(
            'The special mandatory indexing path "/" is not provided in any of the path type sets. Please provide this'
            " path in one of the sets."
        )
    if not any(each["path"] == '/"_etag"/?' for each in excluded):
        excluded = [*excluded, {"path": '/"_etag"/?'}]
    found = {"indexingMode": mode, "automatic": True, "includedPaths": included, "excludedPaths": excluded}
    if composites := given.get("compositeIndexes"):
        found["compositeIndexes"] = _composites(composites)
    return found


def _paths(given: Mapping[str, Any], what: str) -> list[dict[str, Any]]:
    paths = given.get(what) or []
    if not isinstance(paths, list) or not all(isinstance(each, dict) for each in paths):
        raise bad_request(f"The indexingPolicy's {what} must be a list of objects.")
    if len(paths) > PATHS_MAX:
        raise bad_request(f"An indexingPolicy has at most {PATHS_MAX} {what}.")
    for each in paths:
        path = each.get("path")
        if not isinstance(path, str) or not path.endswith(("/?", "/*")) or steps_in(path[:-2]) is None:
            raise bad_request(f"The indexing path '{path}' could not be accepted, failed near position '0'.")
    return [{"path": each["path"]} for each in paths]


def _composites(given: Any) -> list[list[dict[str, str]]]:
    found = []
    if isinstance(given, list) and len(given) > COMPOSITES_MAX:
        raise bad_request(f"An indexingPolicy has at most {COMPOSITES_MAX} compositeIndexes.")
    for composite in given if isinstance(given, list) else [None]:
        if not isinstance(composite, list) or len(composite) < 2:
            raise bad_request("A composite index must have at least two paths.")
        if len(composite) > COMPOSITE_PATHS_MAX:
            raise bad_request(f"A composite index has at most {COMPOSITE_PATHS_MAX} paths.")
        paths = []
        for each in composite:
            path, order = (each.get("path"), each.get("order") or "ascending") if isinstance(each, dict) else ("", "")
            if not isinstance(path, str) or not steps_in(path) or order not in ("ascending", "descending"):
                raise bad_request(f"The composite path '{path}' is invalid.")
            paths.append({"path": path, "order": order})
        found.append(paths)
    return found


def steps_in(path: str) -> Steps | None:
    """Return the names of which a path is made, None for what is none; the root has no names."""
    steps: list[str] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        steps.append(step[2] if step[1] is None else re.sub(r"\\(.)", r"\1", step[1]))
        at = step.end()
    return tuple(steps)


class PathTable:
    """Which paths a policy enters into the index, and what they are called there.

    `computed` are names of computed properties: those that the policy names itself are entered.
    """

    def __init__(self, policy: Mapping[str, Any], computed: Collection[str] = ()) -> None:
        self._computed = computed
        self._rules = [
            Rule(steps_in(each["path"][:-2]) or (), each["path"].endswith("*"), included)
            for what, included in (("includedPaths", True), ("excludedPaths", False))
            for each in policy[what]
        ]
        self._known: dict[Steps, bytes | None] = {}

    def name(self, steps: Steps) -> bytes | None:
        """Return what a path is called in the index, None if it isn't there."""
        try:
            return self._known[steps]
        except KeyError:
            found = path_name(steps) if self._includes(steps) else None
            if len(self._known) < _KEPT:
                self._known[steps] = found
            return found

    def _includes(self, steps: Steps) -> bool:
        if steps[0] in ADDED:
            return False
        # What is said of all paths is said of none of them.
        best, included = (0, True) if steps[0] in self._computed else (-1, False), False
        for rule in self._rules:
            if steps == rule.steps or (rule.below and steps[: len(rule.steps)] == rule.steps):
                precision = (len(rule.steps), not rule.below)
                if precision > best or (precision == best and not rule.included):
                    best, included = precision, rule.included
        return included


def path_name(steps: Steps) -> bytes:
    """Return what a path is called in an index: a hash, since the items found are looked at again."""
    return blake2b("\x00".join(steps).encode(errors="surrogatepass"), digest_size=_NAME_BYTES).digest()
