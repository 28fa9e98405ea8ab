"""Amazon EventBridge Pipes: what its operations stand on, and the names of pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.aws.api import epoch_seconds
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.paging import InvalidTokenError, read_token
from fogbank.clouds.aws.pipes.errors import invalid
from fogbank.clouds.aws.pipes.settings import read_kept

if TYPE_CHECKING:
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

DIALECT: Final = "aws.pipes"
PAGE_MAX: Final = 100
_PREFIX: Final = "pipe/"


class PipesService(NamedTuple):
    """The parts of the server that Pipes uses."""

    store: Store
    clock: Clock
    ids: Ids


def pipe_arn(pipe: Pipe) -> str:
    """Return the ARN of a pipe."""
    _realm, account, region = pipe.scope.split("/")
    return str(Arn("aws", "pipes", region, account, f"{_PREFIX}{pipe.name}"))


def read_pipe_arn(text: str) -> Name:
    """Return the scope and name of the pipe that an ARN names, or raise the error."""
    arn = parse_arn(text)
    if arn is None or arn.service != "pipes" or not arn.resource.startswith(_PREFIX):
        raise invalid(f"{text} is not the ARN of a pipe.")
    return arn.scope, arn.resource.removeprefix(_PREFIX)


def read_next(token: str | None) -> str:
    """Return where a list goes on."""
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise invalid("NextToken is not valid.") from None


def told(pipe: Pipe, state: str = "", desired: str = "") -> dict[str, Any]:
    """Return what every operation tells of a pipe; `state` is what is being done to it."""
    kept = read_kept(pipe.config.body)
    return {
        "Arn": pipe_arn(pipe),
        "Name": pipe.name,
        "DesiredState": desired or kept.desired,
        "CurrentState": state or kept.current,
        "CreationTime": epoch_seconds(pipe.created_us),
        "LastModifiedTime": epoch_seconds(pipe.modified_us),
    }
