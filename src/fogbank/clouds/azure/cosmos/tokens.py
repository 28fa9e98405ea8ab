"""Resource tokens: what they say, how they are signed, and what they allow.

"Permissions" (https://learn.microsoft.com/rest/api/cosmos-db/permissions): a permission shows a new token each time,
which is good for an hour or as long as is asked for. What a token says stands in it, signed with the account's primary
key: it is good until it expires, or the key is another.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError
from fogbank.clouds.azure.cosmos.items.keys import PARTITION_KEY, encode_levels, read_levels
from fogbank.clouds.azure.cosmos.resources import containers
from fogbank.engines.documents.errors import CollectionNotFoundError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.storage import Store

BATCH: Final = b"x-ms-cosmos-is-batch-request"
READ: Final = "Read"
ALL: Final = "All"
_INVALID: Final = "The input authorization token can't serve the request. The resource token is invalid."
_EXPIRED: Final = "The authorization token is not valid at the current time: it has expired."
_INSUFFICIENT: Final = (
    "Insufficient permissions provided in the authorization header for the corresponding request. Please retry with"
    " another authorization header."
)


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token allows: the container's resource id, what it is of that is below it, and until when, in seconds.

    `key` is the partition key that it is restricted to, as it stands in a header.
    """

    permission: str
    container: str
    mode: str
    expires: int
    below: tuple[str, ...] = ()
    key: str = ""


def write_token(grant: Grant, secret: str) -> str:
    """Return a token."""
    data = b64encode(msgspec.json.encode(grant)).decode()
    return f"type=resource&ver=1.0&sig={_sign(data, secret)};{data};"


def _sign(data: str, secret: str) -> str:
    return b64encode(hmac.digest(b64decode(secret), data.encode(), sha256)).decode()


def read_token(text: str, secret: str, now_us: int) -> Grant:
    """Return what a token says, from what follows `sig=`; raises the error for one that isn't good, or any more."""
    signature, _, rest = text.partition(";")
    data = rest.rstrip(";")
    if not data or not hmac.compare_digest(_sign(data, secret).encode(), signature.encode()):
        raise CosmosError(401, _INVALID)
    grant = msgspec.json.decode(b64decode(data), type=Grant)
    if now_us >= grant.expires * SECOND_US:
        raise CosmosError(403, _EXPIRED)
    return grant


async def check(store: Store, call: CosmosCall, grant: Grant, *, writes: bool) -> None:
    """Raise the error for a request that a token doesn't allow."""
    path = call.path
    if not path and not writes:
        # Clients ask for the account with any token they have.
        return
    if len(path) < 4 or path[0] != "dbs" or path[2] != "colls":
        raise CosmosError(403, _INSUFFICIENT)
    try:
        container = (await store.read(containers.find, call.container)).definition.rid
    except CollectionNotFoundError:
        container = ""
    if container != grant.container or (writes and grant.mode != ALL):
        raise CosmosError(403, _INSUFFICIENT)
    if not writes and (len(path) == 4 or path[4:] == ("pkranges",)):
        # What clients have to know of a container before they can ask for any of its items.
        return
    if path[4 : 4 + len(grant.below)] != grant.below:
        raise CosmosError(403, _INSUFFICIENT)
    if grant.key and not all(_is_of(each, grant.key) for each in await _keys_of(call)):
        raise CosmosError(403, _INSUFFICIENT)


async def _keys_of(call: CosmosCall) -> list[str]:
    """Return the partition keys that a request names: its own, and in a batch those of its operations."""
    keys = [call.header(PARTITION_KEY)]
    if call.is_set(BATCH):
        operations = await call.read_json()
        for each in operations if isinstance(operations, list) else ():
            own = each.get("partitionKey") if isinstance(each, dict) else None
            if own is not None:
                keys.append(own if isinstance(own, str) else msgspec.json.encode(own).decode())
    return keys


def _is_of(given: str, key: str) -> bool:
    """Whether a partition key begins with another, as they stand in headers."""
    wanted, levels = read_levels(key), read_levels(given)
    return wanted is not None and levels is not None and (
        encode_levels(levels[: len(wanted)]) == encode_levels(wanted)
    )  # fmt: skip
