"""Amazon Resource Names."""

from __future__ import annotations

from typing import NamedTuple

from fogbank.clouds.aws.api import scope_key


class Arn(NamedTuple):
    """An ARN's parts; `resource` is all that follows the account."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @property
    def scope(self) -> str:
        """The scope that the resource is in."""
        return scope_key(self.account, self.region)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn | None:
    """Take an ARN apart; None if it isn't one."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not all((parts[1], parts[2], parts[5])):
        return None
    return Arn(*parts[1:])


def invoked_as(arn: Arn) -> dict[str, str]:
    """Return the context by which a function knows the version or alias that it was invoked as."""
    return {"Lambda-Runtime-Invoked-Function-Arn": str(arn)}
