"""The services whose every operation is tested, with their codecs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fogbank.wire.aws.codec import codec_for
from tests.unit.wire.aws.kinds import Kinds

if TYPE_CHECKING:
    from fogbank.wire.aws.models import Ref, ServiceModel

SERVICES = ("dynamodb", "events", "iam", "lambda", "logs", "s3", "sns", "sqs", "sts")
# Operations that can't be told from a newer one, and those that are told by their hosts.
OUT_OF_REACH = frozenset({
    ("s3", "GetBucketLifecycle"), ("s3", "GetBucketNotification"), ("s3", "PutBucketLifecycle"),
    ("s3", "PutBucketNotification"), ("s3", "ListDirectoryBuckets"), ("s3", "WriteGetObjectResponse"),
})  # fmt: skip
codec = cache(codec_for)


@cache
def kinds(service: str) -> Kinds:
    return Kinds(codec(service).model, service)


def every_operation() -> list[tuple[str, str]]:
    """Service and operation, all of them but those that stream events and those that nobody can call."""
    found = [
        (service, operation.name)
        for service in SERVICES
        for operation in codec(service).model.operations.values()
        if not _streams_events(codec(service).model, operation.output)
    ]
    return [each for each in found if each not in OUT_OF_REACH]


def possible(model: ServiceModel, ref: Ref | None) -> dict[str, Any]:
    """What the service's protocol can and can't express, for making examples."""
    protocol = model.metadata.protocol
    return {"xml": protocol in ("query", "rest-xml"), "nonempty": protocol == "query", "always": _always(model, ref)}


def _always(model: ServiceModel, ref: Ref | None) -> set[str]:
    """The members that are there in every message: they can't be left out of HTTP, or botocore doesn't."""
    if ref is None or not model.metadata.protocol.startswith("rest-"):
        return set()
    shape = model.shape(ref)
    found = {name for name, member in shape.members.items() if member.location in ("statusCode", "headers")}
    return found if shape.payload is None else found | {shape.payload}


def _streams_events(model: ServiceModel, ref: Ref | None) -> bool:
    return ref is not None and any(model.shape(member).eventstream for member in model.shape(ref).members.values())
