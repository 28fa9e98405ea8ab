"""Which topic, queue or function an ARN names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.arns import parse_arn
from fogbank.connectors.delivery.targets import Target
from fogbank.engines.messaging.delivery_model import FUNCTION, QUEUE, TOPIC, endpoint_of

if TYPE_CHECKING:
    from fogbank.clouds.aws.arns import Arn

_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_QUEUE: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_BUS: Final = re.compile(r"event-bus/([A-Za-z0-9._-]{1,256})")
_FUNCTION: Final = re.compile(r"function:([A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9_$-]{1,128})?)")


def read_address(text: str) -> Target | None:
    """Return what an ARN names, None if it is none or names something else."""
    arn = parse_arn(text)
    if arn is None or not _ACCOUNT.fullmatch(arn.account) or not _REGION.fullmatch(arn.region):
        return None
    found = _read(arn)
    if found is None:
        return None
    kind, name = found
    return Target(kind, endpoint_of(arn.scope, name))


def _read(arn: Arn) -> tuple[str, str] | None:
    if arn.service == "sns" and _TOPIC.fullmatch(arn.resource):
        return TOPIC, arn.resource
    if arn.service == "sqs" and _QUEUE.fullmatch(arn.resource):
        return QUEUE, arn.resource
    if arn.service == "events" and (match := _BUS.fullmatch(arn.resource)):
        return TOPIC, f"bus/{match[1]}"
    if arn.service == "lambda" and (match := _FUNCTION.fullmatch(arn.resource)):
        return FUNCTION, match[1].removesuffix(":$LATEST")
    return None
