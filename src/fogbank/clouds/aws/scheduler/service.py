"""Amazon EventBridge Scheduler: what its operations stand on, and the names of schedules and their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.arns import Arn
from fogbank.clouds.aws.paging import InvalidTokenError, read_token
from fogbank.clouds.aws.scheduler.errors import invalid

if TYPE_CHECKING:
    from fogbank.engines.schedules.model import Schedule
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

DIALECT: Final = "scheduler"
DEFAULT: Final = "default"
GROUP: Final = "scheduler/group"
FOLDER: Final = "schedule"
PAGE_MAX: Final = 100


class Scheduler(NamedTuple):
    """The parts of the server that Scheduler uses."""

    store: Store
    clock: Clock
    ids: Ids


def schedule_key(group: str, name: str) -> str:
    """Return the name in the store of a schedule."""
    return f"{FOLDER}/{group}/{name}"


def read_key(schedule: Schedule) -> tuple[str, str]:
    """Return the group and name of a schedule."""
    _folder, group, name = schedule.name.split("/")
    return group, name


def schedule_arn(scope: str, group: str, name: str) -> str:
    """Return the ARN of a schedule."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "scheduler", region, account, f"schedule/{group}/{name}"))


def group_arn(scope: str, name: str) -> str:
    """Return the ARN of a group."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "scheduler", region, account, f"schedule-group/{name}"))


def read_next(token: str | None) -> str:
    """Return where a list goes on."""
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise invalid("Invalid token.") from None
