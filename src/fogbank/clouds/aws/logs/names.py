"""Names, ARNs and identifiers of log groups and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.logs.errors import invalid

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.telemetry.model import Name

_GROUP: Final = "log-group:"


def group_arn(scope: str, name: str) -> str:
    """Return a log group's ARN, without the `:*` that stands for its streams."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "logs", region, account, _GROUP + name))


def stream_arn(scope: str, group: str, stream: str) -> str:
    """Return a log stream's ARN."""
    return f"{group_arn(scope, group)}:log-stream:{stream}"


def group_by_arn(call: Call, text: str) -> Name:
    """Return the log group that an ARN names; the form that ends in `:*` is for policies, and refused here."""
    arn = parse_arn(text)
    if arn is None or arn.service != "logs" or arn.region != call.region or not arn.resource.startswith(_GROUP):
        raise invalid(f"The ARN {text} is not that of a log group in {call.region}.")
    name = arn.resource.removeprefix(_GROUP)
    if not name or ":" in name:
        raise invalid(f"The ARN {text} is not that of a log group in {call.region}.")
    return arn.scope, name


def group_of(call: Call, name: str | None, identifier: str | None) -> Name:
    """Return the log group that a request names in one of two ways: by name, or by identifier (name or ARN)."""
    if name is not None and identifier is not None:
        msg = "logGroupName and logGroupIdentifier are mutually exclusive; specify one of them."
        raise invalid(msg)
    if identifier is not None and identifier.startswith("arn:"):
        return group_by_arn(call, identifier)
    chosen = identifier if name is None else name
    if chosen is None:
        msg = "You must specify either logGroupName or logGroupIdentifier."
        raise invalid(msg)
    return call.scope, chosen
