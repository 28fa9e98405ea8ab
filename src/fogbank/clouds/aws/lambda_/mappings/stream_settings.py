"""What event source mappings say of streams only: where to begin, and what to do about batches that fail.

AWS Lambda Developer Guide, "Lambda parameters for Amazon DynamoDB event source mappings":
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Input
from fogbank.clouds.aws.dynamodb.streams.names import feed_of
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported
from fogbank.clouds.aws.lambda_.queued import settings
from fogbank.clouds.aws.lambda_.queued.targets import DEAD_LETTERS, check_target
from fogbank.connectors.piping.feeds import KIND
from fogbank.connectors.piping.lanes import FAILED, OK
from fogbank.engines.documents import feeds
from fogbank.engines.documents.errors import FeedNotFoundError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import TriggerConfig

FORMAT: Final = "aws.dynamodb"
BATCH_DEFAULT: Final = 100
AGE_SECONDS_MIN: Final = 60
FOR_EVER: Final = -1
LATEST: Final = "LATEST"
RESULTS: Final = {"": "No records processed", OK: "OK", FAILED: "PROBLEM: Function call failed"}
TRIM_HORIZON: Final = "TRIM_HORIZON"


class StreamSettings(Input):
    """The parameters of mappings that only streams have, and only at any time."""

    BisectBatchOnFunctionError: bool | None = None
    DestinationConfig: settings.DestinationConfig | None = None
    MaximumRecordAgeInSeconds: int | None = None
    MaximumRetryAttempts: int | None = None
    ParallelizationFactor: int | None = None


_PARAMETERS: Final = (*StreamSettings.__struct_fields__, "StartingPosition")


def refuse_for_queues(request: StreamSettings) -> None:
    """Refuse what only streams have."""
    for name in _PARAMETERS:
        if getattr(request, name, None) is not None:
            raise not_of_source(name)


def not_of_source(name: str) -> Exception:
    """A parameter that this kind of event source hasn't."""
    return invalid(f"Unsupported {name} parameter for given event source mapping type.")


def starts_latest(position: str | None) -> bool:
    """Read StartingPosition, which a stream's mapping must have."""
    if position is None:
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint:"
            " Member must not be null."
        )
    if position not in (LATEST, TRIM_HORIZON):
        raise invalid(f"Unsupported starting position for event source type DynamoDB: {position}")
    return position == LATEST


def is_stream(arn: str | None) -> bool:
    """Whether an event source is one of DynamoDB's."""
    return arn is not None and arn.split(":")[2:3] == ["dynamodb"]


def as_stream(config: TriggerConfig, request: StreamSettings, position: str | None) -> TriggerConfig:
    """Return a new mapping's configuration, with what a stream has in addition."""
    changes = {"kind": KIND, "format": FORMAT, "from_latest": starts_latest(position), **stream_changes(request)}
    if getattr(request, "BatchSize", None) is None:
        changes["batch_size"] = BATCH_DEFAULT
    config = msgspec.structs.replace(config, **changes)
    check_stream(config)
    return config


def check_stream(config: TriggerConfig) -> None:
    """Refuse what only queues have."""
    if config.concurrency_max:
        raise not_of_source("ScalingConfig")


def stream_changes(request: StreamSettings) -> dict[str, Any]:
    """Return what a request changes of a mapping; what isn't given stays."""
    changes: dict[str, Any] = {}
    if request.BisectBatchOnFunctionError is not None:
        changes["bisect"] = request.BisectBatchOnFunctionError
    if request.ParallelizationFactor is not None:
        changes["lanes"] = request.ParallelizationFactor
    retries, age = request.MaximumRetryAttempts, request.MaximumRecordAgeInSeconds
    if retries is not None:
        changes["retries_max"] = None if retries == FOR_EVER else retries
    if age is not None:
        if age != FOR_EVER and age < AGE_SECONDS_MIN:
            raise invalid(f"MaximumRecordAgeInSeconds must be {FOR_EVER} or at least {AGE_SECONDS_MIN}.")
        changes["age_seconds_max"] = None if age == FOR_EVER else age
    if request.DestinationConfig is not None:
        changes["on_failure"] = _read_destination(request.DestinationConfig)
    return changes


def _read_destination(wanted: settings.DestinationConfig) -> str:
    if wanted.OnSuccess is not None and wanted.OnSuccess.Destination:
        raise not_of_source("DestinationConfig.OnSuccess")
    destination = "" if wanted.OnFailure is None else wanted.OnFailure.Destination or ""
    if destination.startswith("arn:aws:s3:"):
        raise unsupported(f"the destination {destination}: Amazon S3")
    if destination:
        check_target(destination, DEAD_LETTERS)
    return destination


def show_stream_settings(config: TriggerConfig) -> dict[str, Any]:
    """Return what a stream's mapping shows of them."""
    return {
        "StartingPosition": LATEST if config.from_latest else TRIM_HORIZON,
        "BisectBatchOnFunctionError": config.bisect,
        "DestinationConfig": {"OnFailure": {"Destination": config.on_failure} if config.on_failure else {}},
        "MaximumRecordAgeInSeconds": FOR_EVER if config.age_seconds_max is None else config.age_seconds_max,
        "MaximumRetryAttempts": FOR_EVER if config.retries_max is None else config.retries_max,
        "ParallelizationFactor": config.lanes,
        "TumblingWindowInSeconds": 0,
    }


async def find_stream(lambda_: Lambda, arn: str) -> str:
    """Return the name of the change feed that a stream's ARN names."""
    feed = feed_of(arn)
    if feed is None:
        raise invalid(f"Unrecognized event source: {arn}. A stream's ARN is expected.")
    try:
        return (await lambda_.store.read(feeds.find, feed)).name
    except FeedNotFoundError:
        raise invalid(f"Stream not found: {arn}") from None
