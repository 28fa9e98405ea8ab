"""Amazon SQS operations on queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation, scope_key
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.clouds.aws.sqs.attributes import (
    READABLE,
    allows_redrive,
    apply_attributes,
    differing_attribute,
    show_attributes,
)
from fogbank.clouds.aws.sqs.errors import invalid_value, missing, unknown_attribute
from fogbank.clouds.aws.sqs.names import FIFO_SUFFIX, check_name, queue_url, scope_arn
from fogbank.clouds.aws.sqs.service import Sqs, queue_of
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.engines.messaging.model import QueueConfig
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.engines.messaging.model import Queue

RESULTS_MAX: Final = 1_000
TAGS_MAX: Final = 50
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class CreateQueue(Input):
    """Input of CreateQueue."""

    QueueName: str
    Attributes: dict[str, str] | None = None
    tags: dict[str, str] | None = None


@operation(CreateQueue)
async def create_queue(sqs: Sqs, call: Call, request: CreateQueue) -> Reply:
    """Create a queue; one with the same name and attributes is returned as it is."""
    attributes = request.Attributes or {}
    fifo = attributes.get("FifoQueue") == "true"
    check_name(request.QueueName, fifo=fifo)
    if fifo and not request.QueueName.endswith(FIFO_SUFFIX):
        raise AwsError(
            "InvalidParameterValue",
            "The name of a FIFO queue can only include alphanumeric characters,"
            " hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )
    tags = request.tags or {}
    config = apply_attributes(QueueConfig(ordered=fifo, tags=_check_tags(tags)), attributes)
    source = scope_arn(call.scope, request.QueueName)
    await _check_dead_letter_target(sqs, call, config, attributes, source)
    name = (call.scope, request.QueueName)
    if sqs.strict and await sqs.store.read(queues.was_deleted, name):
        msg = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        raise AwsError("QueueDeletedRecently", msg, query_code="AWS.SimpleQueueService.QueueDeletedRecently")
    queue, new = await sqs.store.run(queues.create, name, sqs.ids.sequence(), config)
    if not new:
        differing = differing_attribute(queue, attributes)
        if differing is not None:
            msg = f"A queue already exists with the same name and a different value for attribute {differing}"
            raise AwsError("QueueNameExists", msg, query_code="QueueAlreadyExists")
    return {"QueueUrl": queue_url(call, *name, sqs.queue_urls)}


class DeleteQueue(Input):
    """Input of DeleteQueue."""

    QueueUrl: str


@operation(DeleteQueue)
async def delete_queue(sqs: Sqs, call: Call, request: DeleteQueue) -> Reply:
    """Delete a queue with all that is in it."""
    await sqs.store.run(queues.delete, queue_of(call, request.QueueUrl), remembered=sqs.strict)
    return None


class GetQueueUrl(Input):
    """Input of GetQueueUrl."""

    QueueName: str
    QueueOwnerAWSAccountId: str | None = None


@operation(GetQueueUrl)
async def get_queue_url(sqs: Sqs, call: Call, request: GetQueueUrl) -> Reply:
    """Return the URL of an existing queue."""
    scope = scope_key(request.QueueOwnerAWSAccountId or call.account, call.region)
    queue = await sqs.store.read(queues.find, (scope, request.QueueName))
    return {"QueueUrl": queue_url(call, queue.scope, queue.name, sqs.queue_urls)}


class ListQueues(Input):
    """Input of ListQueues."""

    QueueNamePrefix: str = ""
    MaxResults: int | None = None
    NextToken: str | None = None


@operation(ListQueues)
async def list_queues(sqs: Sqs, call: Call, request: ListQueues) -> Reply:
    """List queues by name; without MaxResults up to 1,000 and no token, as SQS does."""
    limit = _page_size(request.MaxResults)
    found = await sqs.store.read(
        queues.list_queues, call.scope, request.QueueNamePrefix, _after(request.NextToken), limit + 1
    )
    return _page("QueueUrls", _urls(sqs, call), found, limit, paged=request.MaxResults is not None)


class ListDeadLetterSourceQueues(Input):
    """Input of ListDeadLetterSourceQueues."""

    QueueUrl: str
    MaxResults: int | None = None
    NextToken: str | None = None


@operation(ListDeadLetterSourceQueues)
async def list_dead_letter_source_queues(sqs: Sqs, call: Call, request: ListDeadLetterSourceQueues) -> Reply:
    """List the queues whose dead letters go to a queue."""
    name = queue_of(call, request.QueueUrl)
    await sqs.store.read(queues.find, name)
    limit = _page_size(request.MaxResults)
    after = _after(request.NextToken)
    found = await sqs.store.read(queues.dead_letter_sources, name[0], name, after, limit + 1)
    return _page("queueUrls", _urls(sqs, call), found, limit, paged=request.MaxResults is not None)


class GetQueueAttributes(Input):
    """Input of GetQueueAttributes."""

    QueueUrl: str
    AttributeNames: list[str] | None = None


@operation(GetQueueAttributes)
async def get_queue_attributes(sqs: Sqs, call: Call, request: GetQueueAttributes) -> Reply:
    """Return the attributes that are asked for, of those that the queue has."""
    name = queue_of(call, request.QueueUrl)
    wanted = request.AttributeNames or []
    queue = await sqs.store.read(queues.find, name)
    for attribute in wanted:
        if attribute != "All" and attribute not in READABLE:
            raise unknown_attribute(attribute)
    everything = "All" in wanted
    shown = show_attributes(queue)
    if everything or any(attribute in _COUNTS for attribute in wanted):
        shown.update(zip(_COUNTS, map(str, await sqs.store.scan(queues.counts, name)), strict=True))
    chosen = shown if everything else {key: shown[key] for key in wanted if key in shown}
    return {"Attributes": chosen} if chosen else {}


class SetQueueAttributes(Input):
    """Input of SetQueueAttributes."""

    QueueUrl: str
    Attributes: dict[str, str]


@operation(SetQueueAttributes)
async def set_queue_attributes(sqs: Sqs, call: Call, request: SetQueueAttributes) -> Reply:
    """Set attributes; an empty policy removes it."""
    name = queue_of(call, request.QueueUrl)
    if "FifoQueue" in request.Attributes:
        raise AwsError("InvalidAttributeName", "You can specify the attribute FifoQueue only at queue creation.")
    queue = await sqs.store.read(queues.find, name)
    config = apply_attributes(queue.config, request.Attributes)
    await _check_dead_letter_target(sqs, call, config, request.Attributes, scope_arn(*name))
    await sqs.store.run(queues.update, name, lambda config: apply_attributes(config, request.Attributes))
    return None


class PurgeQueue(Input):
    """Input of PurgeQueue."""

    QueueUrl: str


@operation(PurgeQueue)
async def purge_queue(sqs: Sqs, call: Call, request: PurgeQueue) -> Reply:
    """Remove all messages, at once; allowed every 60 seconds."""
    await sqs.store.run(queues.purge, queue_of(call, request.QueueUrl), sqs.ids.sequence())
    return None


class TagQueue(Input):
    """Input of TagQueue."""

    QueueUrl: str
    Tags: dict[str, str]


@operation(TagQueue)
async def tag_queue(sqs: Sqs, call: Call, request: TagQueue) -> Reply:
    """Add tags, or replace those of the same keys."""
    if not request.Tags:
        raise missing("Tags")

    def change(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, tags=_check_tags({**config.tags, **request.Tags}))

    await sqs.store.run(queues.update, queue_of(call, request.QueueUrl), change)
    return None


class UntagQueue(Input):
    """Input of UntagQueue."""

    QueueUrl: str
    TagKeys: list[str]


@operation(UntagQueue)
async def untag_queue(sqs: Sqs, call: Call, request: UntagQueue) -> Reply:
    """Remove tags; keys that aren't there are passed over."""
    if not request.TagKeys:
        raise missing("TagKeys")

    def change(config: QueueConfig) -> QueueConfig:
        kept = {key: value for key, value in config.tags.items() if key not in request.TagKeys}
        return msgspec.structs.replace(config, tags=kept)

    await sqs.store.run(queues.update, queue_of(call, request.QueueUrl), change)
    return None


class ListQueueTags(Input):
    """Input of ListQueueTags."""

    QueueUrl: str


@operation(ListQueueTags)
async def list_queue_tags(sqs: Sqs, call: Call, request: ListQueueTags) -> Reply:
    """Return a queue's tags."""
    queue = await sqs.store.read(queues.find, queue_of(call, request.QueueUrl))
    return {"Tags": queue.config.tags} if queue.config.tags else {}


async def _check_dead_letter_target(
    sqs: Sqs, call: Call, config: QueueConfig, attributes: dict[str, str], source: str
) -> None:
    """Refuse a redrive policy whose target isn't a queue of the same kind, account and region."""
    if config.dead_letter is None or "RedrivePolicy" not in attributes:
        return
    policy = attributes["RedrivePolicy"]
    target = config.dead_letter
    if target.scope != call.scope:
        raise invalid_value(policy, "RedrivePolicy", "Dead letter target must be in the same account and region.")
    try:
        queue = await sqs.store.read(queues.find, (target.scope, target.name))
    except QueueNotFoundError:
        raise invalid_value(policy, "RedrivePolicy", "Dead letter target does not exist.") from None
    if not allows_redrive(queue.config, source):
        raise invalid_value(policy, "RedrivePolicy", "The dead letter queue's redrive allow policy denies this source.")
    if queue.config.ordered != config.ordered:
        msg = "Dead-letter queue must be same type of queue as the source."
        raise AwsError("InvalidParameterValue", msg)


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_MAX:
        raise AwsError("InvalidParameterValue", f"Too many tags added for queue. Maximum is {TAGS_MAX}.")
    return tags


def _page_size(wanted: int | None) -> int:
    if wanted is None:
        return RESULTS_MAX
    if not 1 <= wanted <= RESULTS_MAX:
        raise invalid_value(wanted, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
    return wanted


def _after(token: str | None) -> str:
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise AwsError("InvalidParameterValue", "Invalid or expired next token.") from None


def _urls(sqs: Sqs, call: Call) -> Callable[[Queue], str]:
    return lambda queue: queue_url(call, queue.scope, queue.name, sqs.queue_urls)


def _page(key: str, urls: Callable[[Queue], str], found: Sequence[Queue], limit: int, *, paged: bool) -> dict[str, Any]:
    page = found[:limit]
    reply: dict[str, Any] = {}
    if page or key == "queueUrls":
        reply[key] = [urls(queue) for queue in page]
    if paged and len(found) > limit:
        reply["NextToken"] = write_token(page[-1].name)
    return reply


OPERATIONS: Final = (
    create_queue,
    delete_queue,
    get_queue_attributes,
    get_queue_url,
    list_dead_letter_source_queues,
    list_queue_tags,
    list_queues,
    purge_queue,
    set_queue_attributes,
    tag_queue,
    untag_queue,
)
