"""Who may send a request: one who has a key of the account, or a resource token that allows it (`tokens`).

"Access control in the Azure Cosmos DB SQL API" (https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-
resources): `type=master&ver=1.0&sig=…`, url-encoded. Tokens of Microsoft Entra (`type=aad`) aren't verified. How old a
request's date may be isn't checked: the server's clock may be another than the client's.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from fogbank.clouds.azure.cosmos.calls import EMULATOR
from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.resources.accounts import CONSISTENCY, LEVEL, address_of
from fogbank.clouds.azure.implied import imply, is_implied
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.storage import Store

# "Use the Azure Cosmos DB emulator", "Authentication".
EMULATOR_KEY: Final = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
KEY_NAMES: Final = ("primaryMasterKey", "secondaryMasterKey")
READONLY_KEY_NAMES: Final = ("primaryReadonlyMasterKey", "secondaryReadonlyMasterKey")
KIND: Final = "cosmos"
# As it is, or url-encoded.
_TOKEN: Final = re.compile(
    r"type(?:=|%3D)(master|aad|resource)(?:&|%26)ver(?:=|%3D)1(?:\.0)?(?:&|%26)sig(?:=|%3D)(.+)", re.IGNORECASE
)
_MISSING: Final = (
    "Required Header authorization is missing. Ensure a valid Authorization token is passed."
)  # fmt: skip
_READ_ONLY: Final = "The given key has insufficient privileges to perform the requested operation."


async def authorize(store: Store, call: CosmosCall) -> str:
    """Raise the error for a request whose sender has no key of the account; returns the account's consistency."""
    keys, readonly, level = await _account(store, call.account, implied=is_implied(call.request))
    header = call.header(b"authorization")
    if not header:
        raise CosmosError(401, _MISSING)
    token = _TOKEN.match(header)
    if token is None:
        raise CosmosError(401, "The authorization token is not in the expected format.")
    if token[1] == "aad":
        return level
    if not keys:
        # Made by nobody here: its keys aren't known.
        return level
    given = unquote(token[2]) if "%" in token[2] else token[2]
    if token[1] == "resource":
        from fogbank.clouds.azure.cosmos import tokens  # noqa: PLC0415 - loaded on first use

        await tokens.check(store, call, tokens.read_token(given, keys[0], call.now_us), writes=writes(call))
        return level
    texts = list(texts_to_sign(call))
    if _signed(texts, given, keys):
        return level
    if _signed(texts, given, readonly):
        # With a permission's token more could be done than with the key.
        if writes(call) or call.path[4:5] == ("permissions",):
            raise CosmosError(403, _READ_ONLY)
        return level
    shown = texts[0].replace("\n", "\\n")
    raise CosmosError(
        401,
        "The input authorization token can't serve the request. The wrong key is being used or the expected payload is"
        f" not built as per the protocol. Server used the following payload to sign: '{shown}'.",
    )


async def primary_key(store: Store, account: str) -> str:
    """Return the key that an account's resource tokens are signed with."""
    keys, _readonly, _level = await _account(store, account)
    return keys[0] if keys else EMULATOR_KEY


async def keys_of(store: Store, account: str) -> tuple[Sequence[str], Sequence[str]]:
    """Return an account's keys, and those for reading only; none if there is no such account."""
    try:
        keys, readonly, _level = await _account(store, account)
    except CosmosError:
        return (), ()
    return keys, readonly


async def _account(store: Store, account: str, *, implied: bool = False) -> tuple[Sequence[str], Sequence[str], str]:
    """Return an account's keys, those for reading only, and its level of consistency.

    One that is implied is made if it isn't there; it has no keys.
    """
    if account == EMULATOR:
        return (EMULATOR_KEY,), (), LEVEL
    try:
        config = (await store.read(keyed_resources.find_at, address_of(account))).config
    except KeyedResourceNotFoundError:
        if not implied:
            raise CosmosError(404, f"Database account '{account}' does not exist on this server.") from None
        config = (await imply(store, address_of(account), {CONSISTENCY: LEVEL})).config
    keys, readonly = (
        [config.keys[name] for name in names if name in config.keys] for names in (KEY_NAMES, READONLY_KEY_NAMES)
    )
    return keys, readonly, config.facts[CONSISTENCY]


def _signed(texts: Iterable[str], given: str, keys: Iterable[str]) -> bool:
    wanted = given.encode(errors="replace")
    return any(hmac.compare_digest(sign(key, text).encode(), wanted) for key in keys for text in texts)


@lru_cache(maxsize=256)
def _decoded(key: str) -> bytes:
    return b64decode(key)


def sign(key: str, text: str) -> str:
    """Return the signature of a text."""
    return b64encode(hmac.digest(_decoded(key), text.encode(), sha256)).decode()


def texts_to_sign(call: CosmosCall) -> Iterable[str]:
    """Yield what a client may have signed: the resource is named by its path, as it is or with escapes."""
    path = call.path
    stamped = call.header(b"x-ms-date").lower()
    dates = f"{stamped}\n\n" if stamped else f"\n{call.header(b'date').lower()}\n"
    verb = call.request.method.lower()
    raw = call.request.raw_path.strip("/").split("/")
    for segments in (path, tuple(raw)) if "%" in call.request.raw_path else (path,):
        if path[4:5] == ("operations",):
            kind, link = "colls", "/".join(segments[:4])
        elif len(path) % 2:
            kind, link = path[-1], "/".join(segments[:-1])
        else:
            kind, link = (path[-2], "/".join(segments)) if path else ("", "")
        if kind == "offers":
            link = segments[-1].lower() if len(path) == 2 else ""
        yield f"{verb}\n{kind}\n{link}\n{dates}"


def writes(call: CosmosCall) -> bool:
    """Whether a request changes anything."""
    if call.request.method in ("GET", "HEAD"):
        return False
    # Only lists are queried, whatever else says that it is a query.
    is_query = call.is_set(b"x-ms-documentdb-isquery") or call.is_set(b"x-ms-documentdb-query")
    return not (is_query and call.request.method == "POST" and len(call.path) % 2)
