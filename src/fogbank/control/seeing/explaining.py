"""Why a request failed, in words, and what would make it pass."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.wire.watching.faults import last_part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.connectors.watching.names import Known
    from fogbank.control.seeing.requests import Told

NEAR_MAX: Final = 5
# Services whose resources are of one kind each, by what the engines call them.
_KINDS: Final = {
    "sqs": "queue", "queues": "queue", "sns": "topic", "dynamodb": "collection", "cosmos": "collection",
    "tables": "collection", "firestore": "collection", "lambda": "function", "functions": "function",
}  # fmt: skip
_MISSING: Final = re.compile(r"not_?found|nonexistent|doesnotexist|no ?such|notexist", re.IGNORECASE)
_THROTTLED: Final = re.compile(
    r"thrott|toomanyrequests|throughputexceeded|exhausted|serverbusy|slowdown", re.IGNORECASE
)
_UNPROVEN: Final = re.compile(
    r"authenticationfailed|unauthorized|unauthenticated|invalidclienttoken|expiredtoken|signature|unrecognizedclient"
    r"|invalidauthenticationinfo",
    re.IGNORECASE,
)
_FORBIDDEN: Final = re.compile(
    r"accessdenied|permission_?denied|forbidden|authorizationfailure|permissionmismatch", re.IGNORECASE
)
_EXISTS: Final = re.compile(r"already_?exists|alreadyexist|conflict|inuse|entityalready", re.IGNORECASE)
_CONDITION: Final = re.compile(
    r"conditionalcheckfailed|preconditionfailed|conditionnot|updateconditionnot|transactioncancel|precondition",
    re.IGNORECASE,
)
_OPERATION: Final = re.compile(
    r"unknownoperation|invalidaction|unimplemented|missingaction|verb|methodnotallowed", re.IGNORECASE
)
_UNSUPPORTED: Final = re.compile(r"Fogbank (?:does not|doesn't) (?:support|have) (.+?)\.?$", re.MULTILINE)
_INDEX: Final = re.compile(r"requires an index", re.IGNORECASE)


class Explanation(NamedTuple):
    """`why` says what was refused and for what reason, `cure` what would make it pass."""

    why: str
    cure: str


def explain(told: Told, known: Sequence[Known]) -> dict[str, Any]:
    """Say why a request failed; `known` is what there is, to find what the request may have meant."""
    if not told.failed:
        return {"why": "It has not failed.", "cure": "", "near": [], "elsewhere": []}
    near: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    if told.entry.status in (0, 404) or _MISSING.search(told.code) or _MISSING.search(told.message):
        near, elsewhere = _meant(told, known)
    for applies, word in _REASONS:
        if applies(told):
            found = word(told)
            break
    else:
        found = _plain(told)
    cure = found.cure
    if elsewhere:
        cure = f"It is there in {_listed(elsewhere)}: ask there, with that account, region or project. {cure}"
    elif near:
        cure = f"Did you mean {_listed(near)}? {cure}"
    return {"why": found.why, "cure": cure.strip(), "near": list(near), "elsewhere": list(elsewhere)}


def _meant(told: Told, known: Sequence[Known]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return near names in the request's own scope, and the other scopes in which the very name is."""
    cloud = told.entry.cloud
    kind = _KINDS.get(told.seen.service)
    mine = f"{cloud}/{told.seen.scope}".rstrip("/")
    near: dict[str, None] = {}
    elsewhere: dict[str, None] = {}
    wanted = {last_part(resource) for resource in told.seen.resources}
    own, there = set(), set()
    for each in known:
        if not each.scope.startswith(f"{cloud}/") or (kind is not None and each.kind != kind):
            continue
        name = last_part(each.name)
        if _is_in(each.scope, mine, told.seen.scope):
            own.add(name)
        elif name in wanted:
            there.add((each.scope.partition("/")[2].strip("/"), name))
    missing = wanted - own
    for scope, name in sorted(there):
        if name in missing:
            elsewhere[scope] = None
    for name in sorted(missing):
        near.update(dict.fromkeys(get_close_matches(name, sorted(own), NEAR_MAX)))
    return tuple(near)[:NEAR_MAX], tuple(elsewhere)[:NEAR_MAX]


def _is_in(scope: str, mine: str, seen: str) -> bool:
    """Whether a scope of the store's is that of a request, which may say less or more of it."""
    parts = [part for part in scope.split("/")[1:] if part]
    asked = [part for part in seen.split("/") if part]
    return scope.rstrip("/") == mine or not asked or asked[: len(parts)] == parts or parts[-len(asked) :] == asked


def _fault(told: Told) -> Explanation:
    numbers = ", ".join(map(str, told.entry.faults))
    return Explanation(
        f"A fault that was set on purpose struck it (fault {numbers}): {_answer(told)}",
        f"`fogbank faults list` shows the faults; `fogbank faults clear {told.entry.faults[-1]}` removes this one.",
    )


def _unanswered(told: Told) -> Explanation:
    del told
    return Explanation(
        "It had no answer: the client went away, or sent less than it had announced.",
        "Look at the client's own time limit, and at what the request waited for.",
    )


def _unsupported(told: Told) -> Explanation:
    match = _UNSUPPORTED.search(told.message)
    assert match is not None
    return Explanation(
        f"Fogbank doesn't support {match[1]}; the cloud itself may.",
        f"Do without {match[1]}. What is supported of {_service(told)} stands in docs/reference.",
    )


def _no_service(told: Told) -> Explanation:
    cure = (
        "Look at the endpoint that the client was given, and at the service that it signs for: the request has to say"
        " what it is for, by a signature, X-Amz-Target, its host or its path."
    )
    return Explanation(f"Nothing here answers that: {_answer(told)}", cure)


def _index(told: Told) -> Explanation:
    return Explanation(
        f"The query needs an index that isn't defined: {told.message}",
        "Define the index that the message describes (firestore.indexes.json, or CreateIndex), or start the server"
        " without --firestore-index-check.",
    )


def _missing(told: Told) -> Explanation:
    names = _listed(tuple(told.seen.resources[:NEAR_MAX])) or "what it is for"
    where = f" in {told.seen.scope}" if told.seen.scope else ""
    return Explanation(
        f"{names} isn't there{where}: {_answer(told)}", "Create it first, or correct the name, account or region."
    )


def _unproven(told: Told) -> Explanation:
    if told.entry.cloud == "azure":
        cure = (
            "Sign with one of the account's own keys (for the emulator's account the well-known one), for the very"
            " host, path and version that is sent; a shared access signature must not be expired and must allow the"
            " operation. A clock that was moved counts, too: `fogbank clock show`."
        )
    elif told.entry.cloud == "aws":
        cure = (
            "Any access key is taken; temporary ones (ASIA…) must be those that STS of this server gave, and not"
            " expired: get new ones, or use a key such as test."
        )
    else:
        cure = "Use credentials that this server gave, or a client without credentials."
    return Explanation(f"The request doesn't prove who sends it: {_answer(told)}", cure)


def _forbidden(told: Told) -> Explanation:
    return Explanation(
        f"It isn't allowed: {_answer(told)}",
        "Change the policy, the security rules or the signature's permissions that the message speaks of.",
    )


def _throttled(told: Told) -> Explanation:
    return Explanation(
        f"There was too much to do at once: {_answer(told)}",
        "Try again after a while, as the cloud's SDKs do by themselves; for functions, look at their concurrency.",
    )


def _exists(told: Told) -> Explanation:
    return Explanation(
        f"What it would create or change is there already, or is in use: {_answer(told)}",
        "Take another name, delete what is there first, or read it again before it is changed.",
    )


def _condition(told: Told) -> Explanation:
    return Explanation(
        f"Its condition doesn't hold: {_answer(told)}",
        "Read the resource as it is now, and send the request with a condition that fits it.",
    )


def _operation(told: Told) -> Explanation:
    return Explanation(
        f"{_service(told)} has no such operation: {_answer(told)}",
        "Look at the operation's name, the API's version, the path and the method; and at the endpoint, which may be"
        " that of another service.",
    )


def _internal(told: Told) -> Explanation:
    return Explanation(
        f"Fogbank failed to answer, which is no fault of the request's: {_answer(told)}",
        "The server's log says why. Please report it with what `fogbank requests show` prints.",
    )


def _plain(told: Told) -> Explanation:
    return Explanation(
        f"{_service(told)} refused it: {_answer(told)}",
        f"Correct what the message names; `fogbank requests show {told.entry.number}` prints what was sent.",
    )


def _answer(told: Told) -> str:
    return ": ".join(filter(None, (told.code, told.message))) or f"HTTP {told.entry.status}"


def _service(told: Told) -> str:
    return told.seen.service or told.entry.cloud


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _matches(pattern: re.Pattern[str], *statuses: int) -> Callable[[Told], bool]:
    return lambda told: told.entry.status in statuses or bool(pattern.search(told.code))


# The first that applies explains it.
_REASONS: Final[tuple[tuple[Callable[[Told], bool], Callable[[Told], Explanation]], ...]] = (
    (lambda told: bool(told.entry.faults) and (told.entry.status >= 400 or told.entry.status == 0), _fault),
    (lambda told: told.entry.status == 0, _unanswered),
    (lambda told: bool(_UNSUPPORTED.search(told.message)), _unsupported),
    (lambda told: bool(_INDEX.search(told.message)), _index),
    (lambda told: not told.seen.service and told.entry.status < 500, _no_service),
    (_matches(_UNPROVEN, 401), _unproven),
    (_matches(_FORBIDDEN, 403), _forbidden),
    (_matches(_OPERATION, 405, 501), _operation),
    (_matches(_MISSING, 404), _missing),
    (_matches(_THROTTLED, 429), _throttled),
    (_matches(_CONDITION, 412), _condition),
    (_matches(_EXISTS, 409), _exists),
    (lambda told: told.entry.status >= 500, _internal),
)
