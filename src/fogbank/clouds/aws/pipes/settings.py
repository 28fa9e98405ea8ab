"""What a pipe is made of, as it is put and as it is kept.

Amazon EventBridge Pipes API Reference, "PipeSourceParameters", "PipeEnrichmentParameters", "PipeTargetParameters":
https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_CreatePipe.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.events.rendering import ForHttp

RUNNING: Final = "RUNNING"
STOPPED: Final = "STOPPED"


class Filter(Input):
    """A pattern that messages must match."""

    Pattern: str | None = None


class FilterCriteria(Input):
    """The patterns, one of which a message must match."""

    Filters: list[Filter] | None = None


class FromQueue(Input):
    """How messages are taken from a queue."""

    BatchSize: int | None = None
    MaximumBatchingWindowInSeconds: int | None = None


class DeadLetterConfig(Input):
    """Where it is told what was given up."""

    Arn: str | None = None


class ChangedFromStream(Input):
    """How records are taken from a stream, as far as that can be changed."""

    BatchSize: int | None = None
    DeadLetterConfig: DeadLetterConfig | None = None
    MaximumBatchingWindowInSeconds: int | None = None
    MaximumRecordAgeInSeconds: int | None = None
    MaximumRetryAttempts: int | None = None
    OnPartialBatchItemFailure: str | None = None
    ParallelizationFactor: int | None = None


class FromStream(ChangedFromStream):
    """How records are taken from a stream, and from where on."""

    StartingPosition: str | None = None


class ChangedSourceParameters(Input):
    """What can be changed of which messages are taken, and how."""

    FilterCriteria: FilterCriteria | None = None
    SqsQueueParameters: FromQueue | None = None
    DynamoDBStreamParameters: ChangedFromStream | None = None


class SourceParameters(Input):
    """Which messages are taken, and how."""

    FilterCriteria: FilterCriteria | None = None
    SqsQueueParameters: FromQueue | None = None
    DynamoDBStreamParameters: FromStream | None = None


class EnrichmentParameters(Input):
    """What is sent to be enriched."""

    InputTemplate: str | None = None
    HttpParameters: ForHttp | None = None


class ForFunction(Input):
    """Whether a function's outcome is waited for."""

    InvocationType: str | None = None


class ForQueue(Input):
    """The group and deduplication id of what is sent to a queue."""

    MessageGroupId: str | None = None
    MessageDeduplicationId: str | None = None


class ForBus(Input):
    """What an event says of itself, besides its detail."""

    DetailType: str | None = None
    Source: str | None = None
    Resources: list[str] | None = None
    Time: str | None = None


class ForLogs(Input):
    """Where in a log group an entry stands."""

    LogStreamName: str | None = None
    Timestamp: str | None = None


class TargetParameters(Input):
    """What is sent to the target."""

    InputTemplate: str | None = None
    LambdaFunctionParameters: ForFunction | None = None
    SqsQueueParameters: ForQueue | None = None
    HttpParameters: ForHttp | None = None
    EventBridgeEventBusParameters: ForBus | None = None
    CloudWatchLogsParameters: ForLogs | None = None


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pipe as its engine keeps it. `failed` is the state of one that couldn't be begun, `reason` says why."""

    source: str
    target: str
    role: str
    description: str | None = None
    desired: str = RUNNING
    source_parameters: SourceParameters = msgspec.field(default_factory=SourceParameters)
    enrichment: str = ""
    enrichment_parameters: EnrichmentParameters = msgspec.field(default_factory=EnrichmentParameters)
    target_parameters: TargetParameters = msgspec.field(default_factory=TargetParameters)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    failed: str = ""
    reason: str = ""

    @property
    def current(self) -> str:
        """The state that the pipe is in."""
        return self.failed or self.desired

    @property
    def patterns(self) -> list[str]:
        """The texts of the patterns, one of which a message must match if there are any."""
        criteria = self.source_parameters.FilterCriteria
        return [each.Pattern or "" for each in (criteria.Filters or () if criteria is not None else ())]


_KEPT: Final = msgspec.json.Decoder(Kept)


@lru_cache(maxsize=4096)
def read_kept(body: bytes) -> Kept:
    """Return a pipe from the body of its configuration; not to be changed."""
    return _KEPT.decode(body)


def without_nothing(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what was said, without what was not."""
    inner = {name: without_nothing(value) if isinstance(value, dict) else value for name, value in shown.items()}
    return {name: value for name, value in inner.items() if value is not None and value != {} and value != []}
