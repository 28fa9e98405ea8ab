"""How long a container keeps all its writes, for the change feed that tells of all versions and deletes.

By its own change feed policy, in minutes, or by the continuous backups of its account ("Change feed modes in Azure
Cosmos DB", https://learn.microsoft.com/azure/cosmos-db/nosql/change-feed-modes): of 7 or of 30 days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.azure.cosmos.resources.accounts import BACKUP, address_of
from fogbank.clouds.azure.cosmos.resources.definitions import definition_of
from fogbank.clouds.azure.errors import bad_request
from fogbank.engines.documents import collections, feeds
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from fogbank.engines.documents.model import Collection, Name
    from fogbank.storage import Tx

TIERS: Final = {"Continuous7Days": 7, "Continuous30Days": 30}
_MINUTE: Final = 60
_DAY: Final = 86_400


async def backup_days(tx: Tx, now_us: int, scope: str) -> int:
    """Return for how many days the backups of an account go back that has its collections in a scope; 0 for none."""
    try:
        account = await keyed_resources.find_at(tx, now_us, address_of(scope.rpartition("/")[2]))
    except KeyedResourceNotFoundError:
        return 0
    return int(account.config.facts.get(BACKUP, "0"))


async def settle(tx: Tx, now_us: int, name: Name) -> Collection:
    """Have a container keep its writes for as long as it is to; returns it."""
    collection = await collections.find(tx, now_us, name)
    days = await backup_days(tx, now_us, name[0])
    seconds = max(definition_of(collection.config).retention_minutes * _MINUTE, days * _DAY)
    if seconds and not collection.config.feed:
        return await feeds.open_feed(tx, now_us, name, {}, kept_seconds=seconds)
    if seconds:
        await feeds.keep(tx, now_us, collection.config.feed, seconds)
    elif collection.config.feed:
        return await feeds.close_feed(tx, now_us, name)
    return collection


def read_backup(properties: dict[str, Any]) -> int:
    """Return for how many days the backups of an account are to go back; raises the error for a policy that is none."""
    policy = properties.get("backupPolicy") or {}
    kind = policy.get("type", "Periodic") if isinstance(policy, dict) else None
    if kind not in ("Periodic", "Continuous"):
        raise bad_request("The type of the backupPolicy must be Periodic or Continuous.")
    if kind == "Periodic":
        return 0
    tier = (policy.get("continuousModeProperties") or {}).get("tier") or "Continuous30Days"
    if tier not in TIERS:
        raise bad_request(f"The tier of continuous backups must be one of {', '.join(TIERS)}.")
    return TIERS[tier]
