"""Which service a request is for, by whatever tells."""

from __future__ import annotations

import pytest

from fogbank.clouds.aws.registry import identify
from fogbank.wire.http import Request


@pytest.mark.parametrize(
    ("target", "headers", "signed_for", "service"),
    [
        (b"/", {b"x-amz-target": b"AmazonSQS.SendMessage"}, None, "sqs"),
        (b"/", {}, "sns", "sns"),
        (b"/", {b"host": b"dynamodb.us-east-1.amazonaws.com"}, None, "dynamodb"),
        (b"/2015-03-31/functions/", {}, None, "lambda"),
        (b"/?Action=ListTopics&Version=2010-03-31", {}, None, "sns"),
        (b"/000000000000/orders.fifo?Action=SendMessage", {}, None, "sqs"),
        (b"/000000000000/orders/more", {}, None, None),
        (b"/", {}, None, None),
    ],
)
def test_what_tells(target: bytes, headers: dict[bytes, bytes], signed_for: str | None, service: str | None) -> None:
    assert identify(Request("POST", target, headers), signed_for) == service
