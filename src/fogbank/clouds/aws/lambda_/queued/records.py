"""What is told of a finished asynchronous invocation: destinations' records and dead letters.

AWS Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations" (the record's members) and "Adding
a dead-letter queue" (the event as it was, with the attributes RequestID, ErrorCode and ErrorMessage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import TRACE_ID
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.invoking.invocation import ASYNC_PAYLOAD_BYTES_MAX, payload
from fogbank.clouds.aws.lambda_.names import LATEST, FunctionName, arn_of
from fogbank.clouds.aws.lambda_.recursion import follow
from fogbank.clouds.aws.sns.content import MESSAGE_BYTES_MAX as SNS_BYTES_MAX
from fogbank.clouds.aws.sns.content import timestamp
from fogbank.clouds.aws.sns.envelopes import Published
from fogbank.clouds.aws.sqs.content import SENDER, TRACE, size_of
from fogbank.connectors.destinations import Verdict, to_function, to_queue, to_topic, unsendable
from fogbank.connectors.invoker import LoopError
from fogbank.engines.functions.model import QueuedInvocation
from fogbank.engines.messaging.messages import Send
from fogbank.engines.messaging.model import Attribute, Message
from fogbank.engines.messaging.publishing import Publication
from fogbank.runtimes.model import Ended

if TYPE_CHECKING:
    from fogbank.connectors.destinations import Finished, Parcel
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids

ERROR_BYTES_MAX: Final = 1_024
_CONDITIONS: Final = {
    Verdict.SUCCESS: "Success",
    Verdict.EXHAUSTED: "RetriesExhausted",
    Verdict.TOO_OLD: "EventAgeExceeded",
    Verdict.STOPPED: "ZeroReservedConcurrency",
    # What AWS says here isn't documented.
    Verdict.LOOP: "RetriesExhausted",
}
_NOT_RUN: Final = {
    Verdict.TOO_OLD: ("429", "The event is older than it may be."),
    Verdict.STOPPED: ("429", "Rate Exceeded."),
    Verdict.LOOP: ("400", "Recursive invocation detected."),
}


def parcels(finished: Finished, origin: str, clock: Clock, ids: Ids) -> list[Parcel]:
    """Return what is sent to the function's destination of that outcome, and to its dead letters."""
    success = finished.verdict is Verdict.SUCCESS
    told: list[Parcel] = []
    trace = _onward(finished, clock, ids)
    target = finished.handling.on_success if success else finished.handling.on_failure
    if target:
        record = msgspec.json.encode(_record(finished, clock.now()))
        told.append(parcel(target, record, {}, origin, trace, clock, ids))
    if not success and finished.function.config.dead_letters:
        event, attributes = finished.invocation.event, _dead_letter_attributes(finished)
        told.append(parcel(finished.function.config.dead_letters, event, attributes, origin, trace, clock, ids))
    return told


def _record(finished: Finished, now_us: int) -> dict[str, Any]:
    queued = finished.invocation
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": timestamp(now_us),
        "requestContext": {
            "requestId": queued.id,
            "functionArn": f"{arn_of(queued.scope, queued.function)}:{queued.qualifier or LATEST}",
            "condition": _CONDITIONS[finished.verdict],
            "approximateInvokeCount": finished.runs,
        },
        "requestPayload": msgspec.Raw(queued.event),
    }
    if finished.outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": finished.function.version or LATEST}
        if finished.outcome.ended is not Ended.OK:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = _json(payload(queued.id, finished.outcome))
    return record


def _dead_letter_attributes(finished: Finished) -> dict[str, Attribute]:
    queued = finished.invocation
    code, text = "200", ""
    if finished.outcome is None:
        code, text = _NOT_RUN[finished.verdict]
    else:
        answer = _json(payload(queued.id, finished.outcome))
        if isinstance(answer, dict):
            text = str(answer.get("errorMessage") or "")
    attributes = {
        "RequestID": Attribute("String", queued.id.encode()),
        "ErrorCode": Attribute("Number", code.encode()),
    }
    if text:
        cut = text.encode()[:ERROR_BYTES_MAX].decode("utf-8", "ignore")
        attributes["ErrorMessage"] = Attribute("String", cut.encode())
    return attributes


def _onward(finished: Finished, clock: Clock, ids: Ids) -> str:
    """Return the trace header that goes on to whoever is told; nothing where none came with the event."""
    context = finished.invocation.context
    if TRACE_ID not in context:
        return ""
    try:
        return follow(finished.function, context, clock.now(), ids)[TRACE_ID]
    except LoopError:
        return str(context[TRACE_ID])


def parcel(
    target: str, body: bytes, attributes: dict[str, Attribute], origin: str, trace: str, clock: Clock, ids: Ids
) -> Parcel:
    """Address a text to the queue, topic or function that an ARN names."""
    arn = parse_arn(target)
    assert arn is not None
    if arn.service == "sqs":
        message = Message(
            ids.uuid(), body, attributes, system={SENDER: arn.account, **({TRACE: trace} if trace else {})}
        )
        send = Send(message, ids.sequence(), None, size_of(body, attributes))
        return to_queue((arn.scope, arn.resource), send)
    limit = SNS_BYTES_MAX if arn.service == "sns" else ASYNC_PAYLOAD_BYTES_MAX
    if len(body) > limit:
        return unsendable(f"{len(body)} bytes are more than {target} takes")
    if arn.service == "sns":
        number = ids.uuid()
        texts = {"default": body.decode()}
        published = Published(number, target, texts, None, attributes, origin, arn.account, clock.now(), trace=trace)
        publication = Publication(Message(number, body), ids.sequence(), published.render, published.as_cloud_event)
        return to_topic((arn.scope, arn.resource), publication, ids.sequence)
    function, _, qualifier = arn.resource.removeprefix("function:").partition(":")
    name = FunctionName(arn.account, arn.region, function, qualifier or None)
    context = {**name.context, TRACE_ID: trace} if trace else name.context
    queued = QueuedInvocation(
        ids.uuid(), arn.scope, function, body, clock.now(), context=context, qualifier=name.target
    )
    return to_function(ids.sequence(), queued)


def _json(text: bytes) -> Any:
    """Return what a text says in JSON; what isn't JSON is a string."""
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text.decode("utf-8", "replace")
