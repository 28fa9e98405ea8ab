"""Which AWS services there are, and how a request shows which one it is meant for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fogbank.wire.http import Request


class Entry(NamedTuple):
    """How a service is addressed.

    `package` is the package here that makes it, `model` botocore's name for it, `target` the prefix of
    X-Amz-Target, `hosts` the first labels of its host names, `version` the API version that its Query requests
    carry, `paths` what its REST paths start with.
    """

    package: str
    model: str
    target: str = ""
    hosts: tuple[str, ...] = ()
    version: str = ""
    paths: tuple[str, ...] = ()


REGISTRY: Final = {
    "dynamodb": Entry("dynamodb", "dynamodb", target="DynamoDB_20120810", hosts=("dynamodb",)),
    "dynamodbstreams": Entry(
        "dynamodbstreams", "dynamodbstreams", target="DynamoDBStreams_20120810", hosts=("streams",)
    ),
    "events": Entry("events", "events", target="AWSEvents", hosts=("events",)),
    "iam": Entry("iam", "iam", hosts=("iam",), version="2010-05-08"),
    "logs": Entry("logs", "logs", target="Logs_20140328", hosts=("logs",)),
    "lambda": Entry(
        "lambda_",
        "lambda",
        hosts=("lambda",),
        paths=(
            "/2015-03-31/",
            "/2016-08-19/account-settings",
            "/2017-03-31/tags/",
            "/2017-10-31/functions/",
            "/2018-10-31/layers",
            "/2019-09-25/functions/",
            "/2019-09-30/functions/",
            "/2020-06-30/functions/",
            "/2021-10-31/functions/",
        ),
    ),
    "pipes": Entry("pipes", "pipes", hosts=("pipes",), paths=("/v1/pipes",)),
    "scheduler": Entry("scheduler", "scheduler", hosts=("scheduler",), paths=("/schedules", "/schedule-groups")),
    "sns": Entry("sns", "sns", hosts=("sns",), version="2010-03-31"),
    "sqs": Entry("sqs", "sqs", target="AmazonSQS", hosts=("sqs", "queue"), version="2012-11-05"),
    "sts": Entry("sts", "sts", hosts=("sts",), version="2011-06-15"),
}
_BY_TARGET: Final = {entry.target: name for name, entry in REGISTRY.items() if entry.target}
_BY_HOST: Final = {host: name for name, entry in REGISTRY.items() for host in entry.hosts}
_BY_VERSION: Final = {entry.version: name for name, entry in REGISTRY.items() if entry.version}
# A queue's URL, which may be asked without a signature.
_QUEUE: Final = re.compile(r"/\d{12}/[\w.-]{1,80}")
_VERSION: Final = re.compile(r"(?:^|&)Version=([\d-]+)")


def identify(request: Request, signed_for: str | None) -> str | None:
    """Return the service's name: by target, signature, host, path or API version; None if nothing tells."""
    target = request.headers.get(b"x-amz-target")
    if target is not None:
        prefix = target.rpartition(b".")[0].decode("latin-1")
        return _BY_TARGET.get(prefix, signed_for or prefix or None)
    if signed_for is not None:
        return signed_for
    host = request.header(b"host").split(":")[0].split(".")
    for label in host[:2]:
        if label in _BY_HOST:
            return _BY_HOST[label]
    for name, entry in REGISTRY.items():
        if any(request.raw_path.startswith(path) for path in entry.paths):
            return name
    if _QUEUE.fullmatch(request.raw_path):
        return "sqs"
    match = _VERSION.search(request.raw_query)
    if match is None and request.stream is None:
        match = _VERSION.search(request.body.decode("latin-1"))
    return _BY_VERSION.get(match[1]) if match else None
