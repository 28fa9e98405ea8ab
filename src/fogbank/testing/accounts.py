"""Accounts that nobody else has: their resources can't meet those of other tests, or of other workers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fogbank.kernel.clock import Clock
from fogbank.kernel.ids import Ids


@dataclass(frozen=True, slots=True)
class Account:
    """Who a test is to each cloud.

    `aws` is an account number, which is the access key as well; `project` one of Google Cloud; `subscription` one of
    Azure, `name` that of Azure's storage and Cosmos DB accounts.
    """

    aws: str
    project: str
    subscription: str
    name: str

    def owns(self, scope: str) -> bool:
        """Whether a scope key is of this account, on any cloud."""
        return not {self.aws, self.project, self.subscription, self.name}.isdisjoint(scope.split("/"))


@cache
def _ids() -> Ids:
    return Ids(Clock())


def new_account() -> Account:
    """Return an account that there wasn't before: by chance, so that no two processes have to agree."""
    chance = _ids().uuid()
    digits = chance.replace("-", "")
    return Account(f"{int(digits, 16) % 10**12:012d}", f"test-{chance[:13]}", chance, f"test{digits[:16]}")
