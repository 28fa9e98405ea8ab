"""Queues as callers name them."""

from __future__ import annotations

import pytest

from fogbank.clouds.aws.sqs.names import name_from_url
from fogbank.wire.aws.errors import AwsError


@pytest.mark.parametrize(
    ("url", "scope"),
    [
        ("http://localhost:4566/123456789012/orders", "aws/123456789012/eu-west-1"),
        ("http://fogbank/123456789012/orders/", "aws/123456789012/eu-west-1"),
        ("https://sqs.us-west-2.amazonaws.com/123456789012/orders", "aws/123456789012/us-west-2"),
        ("https://eu-central-1.queue.amazonaws.com/123456789012/orders", "aws/123456789012/eu-central-1"),
        ("http://localhost/queue/ap-south-1/123456789012/orders", "aws/123456789012/ap-south-1"),
    ],
)
def test_the_region_is_the_callers_unless_the_url_says_another(url: str, scope: str) -> None:
    assert name_from_url(url, "eu-west-1") == (scope, "orders")


@pytest.mark.parametrize("url", ["http://[", "nonsense", "http://localhost", "http://localhost/1/2/3", "", "//a/b/c"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(AwsError, match="InvalidAddress"):
        name_from_url(url, "us-east-1")
