"""Where a resource lives: whose it is and in which location."""

from __future__ import annotations

from typing import NamedTuple


class Scope(NamedTuple):
    """One namespace of resource names.

    `realm` keeps the name spaces of different clouds apart, `account` is the owner (an account number, a
    project, a subscription), `location` a region or zone; engines compare them and read nothing into them.
    """

    realm: str
    account: str
    location: str

    @property
    def key(self) -> str:
        """The scope as one text, for the store: the same prefix for all locations of an account."""
        return f"{self.realm}/{self.account}/{self.location}"
