"""What a pipe makes of events: who is asked to enrich them, what the target gets, what its answer means.

Amazon EventBridge User Guide, "Amazon EventBridge Pipes batching and concurrency", "Event enrichment in Amazon
EventBridge Pipes": https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/pipes-enrichment.html. Functions get a batch as one list, all
others each event by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.events.couriers import API_COURIER
from fogbank.clouds.aws.events.rendering import timestamp
from fogbank.clouds.aws.events.targets import API_SECONDS_MAX
from fogbank.clouds.aws.lambda_.mappings.criteria import is_wanted
from fogbank.clouds.aws.lambda_.mappings.events import sqs_record
from fogbank.clouds.aws.pipes.parcels import COURIER, Sender, function_context, http_facts, traces_of
from fogbank.clouds.aws.pipes.places import BATCH_MAX, find_enrichment, find_target
from fogbank.clouds.aws.pipes.service import pipe_arn
from fogbank.clouds.aws.pipes.settings import read_kept
from fogbank.clouds.aws.pipes.streams import piped_stream
from fogbank.clouds.aws.pipes.templates import (
    ENRICHMENT_ARN,
    INGESTION_TIME,
    PIPE_ARN,
    PIPE_NAME,
    SOURCE_ARN,
    TARGET_ARN,
    as_json,
    enriched_item,
    item_of,
    render,
)
from fogbank.connectors.delivery.posting import ANSWER_BYTES_MAX
from fogbank.connectors.piping.handing import Consignment, FailedError, PipeForm, Taken
from fogbank.connectors.queue_triggers import named_failures
from fogbank.engines.messaging.delivery_model import CALL, FUNCTION, HTTP, Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.pipes.settings import Kept
    from fogbank.clouds.aws.pipes.templates import Item
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.connectors.piping.lanes import Form
    from fogbank.engines.messaging.model import Queue, Received
    from fogbank.engines.messaging.pipes import Pipe
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

# "Invocation types": https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes.html#pipes-invocation.
FIRE_AND_FORGET: Final = "FIRE_AND_FORGET"
# What an enrichment answers that wants the target to get nothing.
_NOTHING: Final[tuple[Any, ...]] = ("", {}, [], None)


def _taken(queue: Queue, received: Received) -> Taken:
    return Taken(received.message.id, sqs_record(queue, received), received)


def _wanted(pipe: Pipe, taken: Taken) -> bool:
    patterns = read_kept(pipe.config.body).patterns
    return not patterns or is_wanted(patterns, taken.record)


def _entry_id(record: dict[str, Any]) -> str:
    """Return what a function names a stream's record by that it failed with."""
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def _enrichment(pipe: Pipe, batch: list[Taken], now_us: int) -> Delivery | None:
    kept = read_kept(pipe.config.body)
    place = find_enrichment(kept.enrichment)
    if place is None:
        return None
    items = [item_of(taken.record) for taken in batch]
    parameters = kept.enrichment_parameters
    texts = [render(parameters.InputTemplate, item, _reserved(pipe, kept, now_us)) for item in items]
    if place.kind == FUNCTION:
        context = {**function_context(kept.enrichment), **traces_of(batch)}
        return Delivery(CALL, place.endpoint, _listed(texts), headers=context, courier=COURIER, first_us=now_us)
    return Delivery(
        HTTP,
        place.endpoint,
        texts[0].encode(),
        subscription=f"{pipe_arn(pipe)}/{batch[0].id}/{ENRICHMENT_ARN}",
        courier=API_COURIER,
        first_us=now_us,
        facts=http_facts(parameters.HttpParameters, items[0]),
        seconds_max=API_SECONDS_MAX,
    )


def _consignments(
    pipe: Pipe, batch: list[Taken], enriched: Answer | None, draw: Callable[[], Drawn]
) -> list[Consignment]:
    kept = read_kept(pipe.config.body)
    place = find_target(kept.target, pipe.scope)
    items, is_list = [item_of(taken.record) for taken in batch], True
    if enriched is not None:
        items, is_list = _read_enriched(kept, enriched, BATCH_MAX[place.kind])
        if not items:
            return [Consignment([], batch)]
    now_us = draw().now_us
    texts = [render(kept.target_parameters.InputTemplate, item, _reserved(pipe, kept, now_us)) for item in items]
    if place.kind == FUNCTION:
        content = _listed(texts) if is_list else as_json(texts[0])
        return [Consignment([_to_function(kept, place.endpoint, content, batch, now_us)], batch)]
    sender = Sender(pipe, kept, place)
    if enriched is not None:
        # What was given of a batch stands for all of it.
        return [_consignment(sender, list(zip(items, texts, strict=True)), batch, draw)]
    return [
        _consignment(sender, [(item, text)], [taken], draw)
        for item, text, taken in zip(items, texts, batch, strict=True)
    ]


def _to_function(kept: Kept, endpoint: str, content: bytes, batch: list[Taken], now_us: int) -> Delivery:
    given = kept.target_parameters.LambdaFunctionParameters
    kind = FUNCTION if given is not None and given.InvocationType == FIRE_AND_FORGET else CALL
    context = {**function_context(kept.target), **traces_of(batch)}
    return Delivery(kind, endpoint, content, headers=context, courier=COURIER, first_us=now_us)


def _consignment(
    sender: Sender, contents: list[tuple[Item, str]], taken: list[Taken], draw: Callable[[], Drawn]
) -> Consignment:
    """Return what stands for events; for none of them, if a part of it can't be made."""
    try:
        return Consignment([sender.send(item, text, taken, draw()) for item, text in contents], taken)
    except FailedError as error:
        return Consignment([], taken, str(error))


def _read_enriched(kept: Kept, answer: Answer, count_max: int) -> tuple[list[Item], bool]:
    """Return the events that an enrichment gave, none for the target to get nothing; and whether it was a list."""
    enrichment = find_enrichment(kept.enrichment)
    if enrichment is not None and enrichment.kind == HTTP and len(answer.body) >= ANSWER_BYTES_MAX:
        # More isn't read of an answer, so this one may have been longer.
        msg = f"{kept.enrichment}: the answer has {ANSWER_BYTES_MAX} bytes or more"
        raise FailedError(msg)
    try:
        item = enriched_item(answer.body.decode())
    except UnicodeDecodeError:
        msg = f"{kept.enrichment}: the answer is no text"
        raise FailedError(msg) from None
    if item.value in _NOTHING:
        return [], False
    if not isinstance(item.value, list):
        return [item], False
    if len(item.value) > count_max:
        msg = f"{kept.enrichment}: it gave {len(item.value)} events, more than the target takes at a time"
        raise FailedError(msg)
    return [enriched_item(msgspec.json.encode(each).decode()) for each in item.value], True


def _dealt(_pipe: Pipe, batch: list[Taken], answer: Answer) -> list[Taken]:
    """Return the events that a function has dealt with: all, unless it names those that failed.

    "Partial batch failure"; what is no object says nothing of failures.
    """
    try:
        said: Any = msgspec.json.decode(answer.body) if answer.body else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return batch
    if not isinstance(said, dict):
        return batch
    failed = named_failures({taken.id for taken in batch}, answer.body)
    return [taken for taken in batch if taken.id not in failed]


def _listed(texts: list[str]) -> bytes:
    return b"[" + b",".join(map(as_json, texts)) + b"]"


def _reserved(pipe: Pipe, kept: Kept, now_us: int) -> dict[str, Any]:
    return {
        PIPE_ARN: pipe_arn(pipe),
        PIPE_NAME: pipe.name,
        SOURCE_ARN: kept.source,
        ENRICHMENT_ARN: kept.enrichment,
        TARGET_ARN: kept.target,
        INGESTION_TIME: timestamp(now_us),
    }


def make_form(origin: Callable[[], str], clock: Clock, ids: Ids) -> PipeForm:
    """Return how pipes treat events; `origin` is where the server is."""

    async def feed(tx: Tx, now_us: int, pipe: Pipe) -> Form | None:
        return await piped_stream(tx, now_us, pipe, origin(), clock, ids)

    return PipeForm(_taken, feed, _entry_id, _wanted, _enrichment, _consignments, _dealt)
