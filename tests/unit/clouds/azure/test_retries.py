"""Retry policies, as the workers of both languages and function.json say them."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.clouds.azure.functions.triggering.retries import Retry, RetryError, read_retry


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        (None, None),
        ({"strategy": "fixedDelay", "maxRetryCount": 4, "delayInterval": "00:00:10"}, Retry(4, 10, 10)),
        ({"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:01:00"}, Retry(3, 60, 60)),
        (
            {"strategy": "exponentialBackoff", "retryStrategy": "exponentialBackoff", "maxRetryCount": -1,
             "minimumInterval": {"seconds": 2}, "maximumInterval": {"minutes": 1}, "delayInterval": None},
            Retry(None, 2, 60),
        ),
        ({"strategy": "fixedDelay", "maxRetryCount": 0, "delayInterval": {"seconds": 0}}, Retry(0, 0.001, 0.001)),
    ],
)  # fmt: skip
def test_policies(given: Any, policy: Retry | None) -> None:
    assert read_retry(given) == policy


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("often", "must be an object"),
        ({"strategy": "never"}, "fixedDelay or exponentialBackoff"),
        ({"strategy": "fixedDelay", "maxRetryCount": -2, "delayInterval": "00:00:10"}, "maxRetryCount"),
        ({"strategy": "fixedDelay", "delayInterval": "00:00:10"}, "maxRetryCount"),
        ({"strategy": "fixedDelay", "maxRetryCount": 1}, "delayinterval"),
        ({"strategy": "fixedDelay", "maxRetryCount": 1, "delayInterval": "soon"}, "delayinterval"),
        ({"strategy": "fixedDelay", "maxRetryCount": 1, "minimumInterval": "00:00:10"}, "does not support"),
        (
            {"strategy": "exponentialBackoff", "maxRetryCount": 1, "minimumInterval": "00:10:00",
             "maximumInterval": "00:00:10"},
            "longer than",
        ),
    ],
)  # fmt: skip
def test_what_is_no_policy(given: Any, message: str) -> None:
    with pytest.raises(RetryError, match=message):
        read_retry(given)
