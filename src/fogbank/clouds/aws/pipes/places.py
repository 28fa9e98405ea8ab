"""Where a pipe's events come from, who enriches them, where they go; what goes together and what does not.

Amazon EventBridge User Guide, "Amazon EventBridge Pipes targets" and "… batching and concurrency":
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.dynamodb.streams.names import feed_of
from fogbank.clouds.aws.events.service import FOLDER as BUSES
from fogbank.clouds.aws.events.targets import place_of
from fogbank.clouds.aws.lambda_.mappings.criteria import compiled
from fogbank.clouds.aws.pipes.errors import invalid, unsupported
from fogbank.clouds.aws.pipes.streams import check_stream
from fogbank.clouds.aws.pipes.templates import check_template
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, LOG, QUEUE, TOPIC, endpoint_of
from fogbank.languages.matching import InvalidPatternError

if TYPE_CHECKING:
    from fogbank.clouds.aws.pipes.settings import FromStream, Kept, TargetParameters

BUS: Final = "bus"
BATCH_DEFAULT: Final = 10
STREAM_BATCH_DEFAULT: Final = 100
# Without a window, as with event source mappings: "Creating and configuring an Amazon SQS event source mapping".
BATCH_WITHOUT_WINDOW_MAX: Final = 10
# "Supported batchable targets"; what isn't there takes one at a time.
BATCH_MAX: Final = {QUEUE: 10, TOPIC: 10, BUS: 10, LOG: 10_000, FUNCTION: 10_000, HTTP: 1}
_PARAMETERS: Final = {
    "LambdaFunctionParameters": FUNCTION,
    "SqsQueueParameters": QUEUE,
    "HttpParameters": HTTP,
    "EventBridgeEventBusParameters": BUS,
    "CloudWatchLogsParameters": LOG,
}
_FIFO: Final = ".fifo"


class Place(NamedTuple):
    """A target or enrichment: its kind, as deliveries have it but for buses, and its endpoint."""

    kind: str
    endpoint: str


class Taking(NamedTuple):
    """How events are taken: how many at a time, how long is waited for more.

    `source` is the endpoint of a queue or the name of a change feed; `stream` says more of the latter.
    """

    source: str
    batch_size: int
    window_seconds: int
    stream: FromStream | None = None


def read_source(text: str) -> Arn:
    """Return the ARN of a queue or a stream, or raise the error for what can't be a source here."""
    arn = parse_arn(text)
    if arn is None:
        raise unsupported(f"the source {text}")
    if arn.service == "dynamodb" and feed_of(text) is not None:
        return arn
    if arn.service != "sqs":
        raise unsupported(f"sources of {arn.service}: {text}")
    return arn


def find_target(text: str, scope: str) -> Place:
    """Return where a target is, or raise the error for one that can't be; `scope` is the pipe's."""
    arn = _read(text)
    kind, endpoint = place_of(arn)
    if arn.service == "events" and kind == TOPIC:
        if arn.scope != scope:
            raise invalid(f"The event bus {text} must be in the account and Region of the pipe.")
        return Place(BUS, endpoint)
    if kind == TOPIC and endpoint.endswith(_FIFO):
        raise invalid(f"FIFO topics can't be targets of pipes: {text}.")
    return Place(kind, endpoint)


def find_enrichment(text: str) -> Place | None:
    """Return who enriches, None for nobody, or raise the error for what can't."""
    if not text:
        return None
    arn = _read(text)
    if arn.service not in ("lambda", "events") or arn.resource.startswith("event-bus/"):
        raise unsupported(f"enrichments of {arn.service}: {text}")
    return Place(*place_of(arn))


def default_bus(place: Place) -> bool:
    """Whether a place is a default event bus, which is there when it is first asked for."""
    return place.kind == BUS and place.endpoint.endswith(f"/{BUSES}/default")


def check(kept: Kept, scope: str) -> Taking:
    """Return how a pipe takes messages, or raise the error for a pipe that can't be."""
    source = read_source(kept.source)
    target = find_target(kept.target, scope)
    enrichment = find_enrichment(kept.enrichment)
    for pattern in kept.patterns:
        try:
            compiled(pattern)
        except (InvalidPatternError, msgspec.DecodeError, RecursionError):
            raise invalid(f"Invalid filter pattern: {pattern}") from None
    enriching = kept.enrichment_parameters
    if enriching.HttpParameters is not None and (enrichment is None or enrichment.kind != HTTP):
        raise invalid("EnrichmentParameters.HttpParameters are for API destinations.")
    if enriching.InputTemplate and enrichment is None:
        raise invalid("EnrichmentParameters.InputTemplate needs an Enrichment.")
    check_template(enriching.InputTemplate, "EnrichmentParameters.InputTemplate")
    check_template(kept.target_parameters.InputTemplate, "TargetParameters.InputTemplate")
    _check_parameters(kept.target_parameters, target)
    kinds = [target.kind] if enrichment is None else [target.kind, enrichment.kind]
    return _taking(kept, source, min(BATCH_MAX[kind] for kind in kinds))


def fitting(parameters: TargetParameters, kind: str) -> TargetParameters:
    """Return a target's parameters without those that are for targets of other kinds."""
    others = {name: None for name, owner in _PARAMETERS.items() if owner != kind}
    return msgspec.structs.replace(parameters, **others)


def _check_parameters(parameters: TargetParameters, target: Place) -> None:
    for name, kind in _PARAMETERS.items():
        if kind != target.kind and getattr(parameters, name) is not None:
            raise invalid(f"TargetParameters.{name} can't be specified for this target.")
    if target.kind != QUEUE:
        return
    given = parameters.SqsQueueParameters
    if target.endpoint.endswith(_FIFO) and (given is None or not given.MessageGroupId):
        raise invalid("TargetParameters.SqsQueueParameters.MessageGroupId is required for FIFO queues.")
    if given is not None and given.MessageDeduplicationId and not target.endpoint.endswith(_FIFO):
        raise invalid("TargetParameters.SqsQueueParameters.MessageDeduplicationId is for FIFO queues.")


def _taking(kept: Kept, source: Arn, size_max: int) -> Taking:
    of_queue, stream = kept.source_parameters.SqsQueueParameters, kept.source_parameters.DynamoDBStreamParameters
    is_queue = source.service == "sqs"
    for name, foreign in (("DynamoDBStreamParameters", is_queue), ("SqsQueueParameters", not is_queue)):
        if foreign and getattr(kept.source_parameters, name) is not None:
            raise invalid(f"SourceParameters.{name} can't be specified for this source.")
    given = of_queue if is_queue else stream
    size = given.BatchSize if given is not None else None
    window = (given.MaximumBatchingWindowInSeconds or 0) if given is not None else 0
    if size is None:
        size = min(BATCH_DEFAULT if is_queue else STREAM_BATCH_DEFAULT, size_max)
    if size > size_max:
        raise invalid(f"BatchSize {size} is larger than the {size_max} that the enrichment and the target support.")
    if not is_queue:
        return Taking(feed_of(kept.source) or "", size, window, check_stream(stream))
    if source.resource.endswith(_FIFO):
        if window:
            raise invalid("MaximumBatchingWindowInSeconds is not supported for FIFO queues.")
        if size > BATCH_WITHOUT_WINDOW_MAX:
            raise invalid(f"BatchSize must not be greater than {BATCH_WITHOUT_WINDOW_MAX} for FIFO queues.")
    elif size > BATCH_WITHOUT_WINDOW_MAX and not window:
        raise invalid(
            "MaximumBatchingWindowInSeconds must be greater than 0 if BatchSize is greater than"
            f" {BATCH_WITHOUT_WINDOW_MAX}."
        )
    return Taking(endpoint_of(source.scope, source.resource), size, window)


def _read(text: str) -> Arn:
    arn = parse_arn(text)
    if arn is None:
        raise invalid(f"{text} is not a valid ARN.")
    return arn
