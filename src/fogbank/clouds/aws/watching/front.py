"""What is seen of AWS's requests: service, operation, resources; and how each service throttles and fails.

"Common errors" (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html), "Error
handling with DynamoDB"
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html) and the services' own models
say which codes there are; SDKs know by the codes what to try again ("Retry behavior",
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT, DEFAULT_REGION
from fogbank.clouds.aws.refusals import metadata_of, writer_of
from fogbank.clouds.aws.registry import REGISTRY, identify
from fogbank.wire.aws.codec import codec_for
from fogbank.wire.aws.error_replies import error_writer
from fogbank.wire.aws.errors import AwsError, InputError
from fogbank.wire.aws.sigv4 import IncompleteSignatureError, read_credential
from fogbank.wire.watching.model import Seen
from fogbank.wire.watching.showing import merged, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.kernel.ids import Ids
    from fogbank.wire.aws.codec import Codec, Named
    from fogbank.wire.http import Request, Response
    from fogbank.wire.watching.model import Refusal

_ACCOUNT_DIGITS: Final = 12
# Parameters that name what an operation is about.
_NAMES: Final = (
    "QueueUrl", "QueueName", "TableName", "IndexName", "FunctionName", "LayerName", "TopicArn", "TargetArn",
    "SubscriptionArn", "logGroupName", "EventBusName", "Rule", "ScheduleGroupName", "GroupName", "RoleName",
    "PolicyArn", "PolicyName", "UserName", "RoleArn", "StreamArn", "EventSourceArn", "ResourceArn", "resourceArn",
    "SourceArn", "UUID", "Name",
)  # fmt: skip
_RATE: Final = "Rate exceeded"
_TOO_MUCH: Final = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning"
    " level with the UpdateTable API."
)
# Of DynamoDB, what reads and writes items has its own word for too much of it.
_ITEMS: Final = frozenset(
    {
        "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "GetItem",
        "PutItem", "Query", "Scan", "UpdateItem",
    }
)  # fmt: skip
_FAILURES: Final = {
    "dynamodb": ("InternalServerError", "Internal server error"),
    "dynamodbstreams": ("InternalServerError", "Internal server error"),
    "events": ("InternalException", "Internal error"),
    "lambda": ("ServiceException", "An error occurred and the request cannot be processed."),
    "logs": ("InternalServerException", "Internal error"),
    "pipes": ("InternalException", "Internal error"),
    "scheduler": ("InternalServerException", "Unexpected error encountered while processing the request."),
    "sns": ("InternalError", "Internal error"),
}
_FAILURE: Final = ("InternalFailure", "The request processing has failed because of an unknown error.")


class AwsFront:
    """Tells of AWS's requests."""

    cloud = "aws"

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._codecs: dict[str, Codec] = {}

    def describe(self, request: Request) -> Seen:
        """Say what a request is for."""
        body = b"" if request.stream is not None else request.body
        account, region = DEFAULT_ACCOUNT, DEFAULT_REGION
        try:
            credential = read_credential(request)
        except IncompleteSignatureError:
            credential = None
        if credential is not None:
            key, region = credential.access_key, credential.region
            account = key if len(key) == _ACCOUNT_DIGITS and key.isdecimal() else account
        service = identify(request, None if credential is None else credential.service) or ""
        scope = f"{account}/{region}"
        if service not in REGISTRY:
            return Seen(service, request.header(b"x-amz-target").rpartition(".")[2], scope)
        try:
            named = self._codec(service).name(request, body)
        except InputError:
            named = None
        if named is None:
            return Seen(service, "", scope, (), read_body(request.header(b"content-type"), body))
        parameters = _parameters(request, named, body)
        return Seen(service, named.operation, scope, tuple(dict.fromkeys(_resources(parameters))), parameters)

    def refuse(self, request: Request, seen: Seen, refusal: Refusal) -> Response:
        """Return a refusal in the form of the service that a request is for."""
        number = self._ids.request()
        error = _error(seen, refusal)
        if seen.service in REGISTRY:
            return error_writer(self._codec(seen.service).model)(error, number)
        return writer_of(metadata_of(seen.service or None, request))(error, number)

    def _codec(self, service: str) -> Codec:
        codec = self._codecs.get(service)
        if codec is None:
            codec = self._codecs[service] = codec_for(REGISTRY[service].model)
        return codec


def _parameters(request: Request, named: Named, body: bytes) -> dict[str, Any]:
    if named.form:
        return dict(named.form)
    query = {name: values[0] if len(values) == 1 else values for name, values in named.query.items()}
    return merged(dict(named.labels), query, read_body(request.header(b"content-type"), body))


def _resources(parameters: dict[str, Any]) -> Iterator[str]:
    """Yield the names of what a request is about, those of each item of a batch or transaction, too."""
    for name in _NAMES:
        value = parameters.get(name)
        if isinstance(value, str) and value:
            yield value
    tables = parameters.get("RequestItems")
    if isinstance(tables, dict):
        yield from tables
    items = parameters.get("TransactItems")
    for item in items if isinstance(items, list) else ():
        for inner in item.values() if isinstance(item, dict) else ():
            if isinstance(inner, dict) and isinstance(inner.get("TableName"), str):
                yield inner["TableName"]


def _error(seen: Seen, refusal: Refusal) -> AwsError:
    if refusal.throttled:
        return _throttled(seen)
    code, message = _FAILURES.get(seen.service, _FAILURE)
    status = refusal.status or (None if refusal.code else 500)
    return AwsError(
        refusal.code or code,
        refusal.message or (message if not refusal.code else "A fault was set on purpose."),
        status,
        server=(status or 0) >= 500,
    )


def _throttled(seen: Seen) -> AwsError:
    """Word what each service answers to whoever asks too much of it."""
    service = seen.service
    if service == "dynamodb" and seen.operation in _ITEMS:
        return AwsError("ProvisionedThroughputExceededException", _TOO_MUCH)
    if service == "dynamodbstreams":
        return AwsError("LimitExceededException", _RATE)
    if service == "lambda":
        fields = {"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "1"}
        return AwsError("TooManyRequestsException", "Rate Exceeded.", fields=fields)
    if service == "sqs":
        return AwsError("RequestThrottled", "Request is throttled.", 403, query_code="RequestThrottled")
    if service in ("iam", "sns", "sts"):
        return AwsError("Throttling", _RATE, 400)
    return AwsError("ThrottlingException", _RATE)
