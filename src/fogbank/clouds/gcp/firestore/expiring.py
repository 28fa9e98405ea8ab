"""TTL policies: which field of a collection group says when its documents go away.

Google Cloud, "Manage data retention with TTL policies" (https://cloud.google.com/firestore/docs/ttl): one field of a
collection group, whose value is a date and time; with any other value, or without one, a document stays.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.firestore.field_paths import read_path, value_at
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from typing import TypeAlias

    Policies: TypeAlias = "dict[str, Policy]"

# Later than this is the end of Google's years, and fits into the column.
_LAST_US: Final = 253_402_300_800 * SECOND_US


class Policy(msgspec.Struct, frozen=True, array_like=True):
    """One collection group's: the path of its field, and by how many seconds documents outlive what that says."""

    field: str
    offset_seconds: int = 0


_DECODER: Final = msgspec.json.Decoder(dict[str, Policy])


@lru_cache(maxsize=256)
def read_policies(expiry: str) -> Policies:
    """Return the policies by collection group, from a collection's `expiry`; they are not to be changed."""
    return _DECODER.decode(expiry) if expiry else {}


def write_policies(policies: Policies) -> str:
    """Return what `read_policies` reads: nothing for none."""
    return msgspec.json.encode(dict(sorted(policies.items()))).decode() if policies else ""


def expires_us(expiry: str, group: str, fields: Any, version: int) -> int:
    """Return when a document of a collection group goes away, in microseconds; 0 for never.

    What was over when it was written (`version`) goes away as of then.
    """
    policy = read_policies(expiry).get(group)
    if policy is None:
        return 0
    value = value_at(fields, read_path(policy.field))
    if value is None or value.WhichOneof("value_type") != "timestamp_value":
        return 0
    time = value.timestamp_value
    until_us: int = (time.seconds + policy.offset_seconds) * SECOND_US + time.nanos // 1_000
    return min(max(until_us, version), _LAST_US)
