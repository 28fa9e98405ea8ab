"""Endpoints of subscriptions: what each protocol takes, and where that is for the engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.clouds.aws.sns.mail import ADDRESS, PHONE_NUMBER, address_of
from fogbank.clouds.aws.sns.push.records import read_endpoint_arn
from fogbank.clouds.aws.sns.service import FIFO_SUFFIX
from fogbank.engines.messaging.delivery_model import FUNCTION, HTTP, MAIL, QUEUE
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Subscription

EMAIL: Final = ("email", "email-json")
# Their owners are asked whether they mean it.
ASKED: Final = ("http", "https", *EMAIL)
APPLICATION: Final = "application"
_UNSUPPORTED: Final = ("firehose",)
_PROTOCOLS: Final = ("sqs", "lambda", "sms", APPLICATION, *ASKED)
# What a FIFO topic delivers to.
_ORDERED: Final = ("sqs",)
_URL: Final = re.compile(r"(https?)://[^/\s]+\S*", re.IGNORECASE)


def read_endpoint(protocol: str, endpoint: str | None, topic: str) -> tuple[str, str]:
    """Return the engine's kind and form of an endpoint."""
    if protocol in _UNSUPPORTED:
        raise unsupported(f"the protocol {protocol}")
    if protocol not in _PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise invalid("Endpoint")
    ordered = topic.endswith(FIFO_SUFFIX)
    if ordered and protocol not in _ORDERED:
        raise invalid(f"Invalid protocol type: {protocol}")
    if protocol in ("http", "https"):
        match = _URL.fullmatch(endpoint)
        if match is None or match[1].lower() != protocol:
            raise invalid(f"Endpoint must match the specified protocol: {protocol}" if match else "Endpoint")
        return HTTP, endpoint
    if protocol in EMAIL:
        if not ADDRESS.fullmatch(endpoint):
            raise invalid("Email address")
        return MAIL, f"{protocol}:{endpoint}"
    if protocol == "sms":
        if not PHONE_NUMBER.fullmatch(endpoint):
            raise invalid(f"Invalid SMS endpoint: {endpoint}")
        return MAIL, f"{protocol}:{endpoint}"
    if protocol == APPLICATION:
        try:
            read_endpoint_arn(endpoint)
        except AwsError:
            raise invalid(f"Application endpoint arn invalid:{endpoint}") from None
        return MAIL, f"{protocol}:{endpoint}"
    return _read_arn(protocol, endpoint, ordered=ordered)


def _read_arn(protocol: str, endpoint: str, *, ordered: bool) -> tuple[str, str]:
    arn = parse_arn(endpoint)
    if protocol == "sqs":
        if arn is None or arn.service != "sqs":
            raise invalid("SQS endpoint ARN")
        if arn.resource.endswith(FIFO_SUFFIX) and not ordered:
            raise invalid("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
        return QUEUE, f"{arn.scope}/{arn.resource}"
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise invalid("Lambda endpoint ARN")
    return FUNCTION, f"{scope_key(arn.account, arn.region)}/{arn.resource.removeprefix('function:')}"


def show_endpoint(subscription: Subscription) -> str:
    """Return an endpoint as it was subscribed."""
    if subscription.kind == HTTP:
        return subscription.endpoint
    if subscription.kind == MAIL:
        return address_of(subscription)
    _realm, account, region, name = subscription.endpoint.split("/")
    if subscription.kind == QUEUE:
        return str(Arn("aws", "sqs", region, account, name))
    return str(Arn("aws", "lambda", region, account, f"function:{name}"))
