"""Where the outcomes of asynchronous invocations may go: checked when they are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported

if TYPE_CHECKING:
    from collections.abc import Collection

    from fogbank.clouds.aws.arns import Arn
    from fogbank.wire.aws.errors import AwsError

DESTINATIONS: Final = frozenset({"sqs", "sns", "lambda"})
DEAD_LETTERS: Final = frozenset({"sqs", "sns"})
_FIFO: Final = ".fifo"
_FUNCTION: Final = "function:"
_ELSEWHERE: Final = {"events": "EventBridge", "s3": "Amazon S3"}


def check_target(text: str, services: Collection[str]) -> Arn:
    """Refuse what no outcome can be sent to, among it ordered queues and topics, and what Fogbank lacks."""
    arn = parse_arn(text)
    if arn is None:
        if text.startswith("kafka://"):
            raise unsupported(f"the destination {text}: Apache Kafka")
        raise _refusal(text)
    if arn.service in _ELSEWHERE and services == DESTINATIONS:
        raise unsupported(f"the destination {text}: {_ELSEWHERE[arn.service]}")
    if arn.service not in services or arn.resource.endswith(_FIFO):
        raise _refusal(text)
    if arn.service == "lambda" and not arn.resource.startswith(_FUNCTION):
        raise _refusal(text)
    return arn


def _refusal(text: str) -> AwsError:
    return invalid(f"The destination ARN {text} is invalid.")
