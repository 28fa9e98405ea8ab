"""Notifications for devices: how long they live."""

from __future__ import annotations

import pytest

from fogbank.clouds.aws.sns.push.messages import is_late, notification
from fogbank.engines.messaging.model import Attribute


@pytest.mark.parametrize(
    ("platform", "attribute", "seconds", "age_seconds", "late"),
    [
        ("GCM", "GCM", "60", 59, False),
        ("GCM", "GCM", "60", 61, True),
        ("GCM", "FCM", "60", 61, True),
        ("GCM", "APNS", "60", 61, False),
        ("GCM", "GCM", "soon", 61, False),
        ("APNS", "APNS", "0", 61, False),
        ("APNS_SANDBOX", "APNS", "60", 61, False),
        ("ADM", "ADM", "0", 0, True),
    ],
)
def test_a_notification_is_not_sent_when_its_time_is_over(
    platform: str, attribute: str, seconds: str, age_seconds: float, late: bool
) -> None:
    arn = f"arn:aws:sns:us-east-1:000000000000:endpoint/{platform}/app/1"
    attributes = {f"AWS.SNS.MOBILE.{attribute}.TTL": Attribute("String", seconds.encode())}
    assert is_late(notification(arn, {"default": "m"}, attributes, {}), age_seconds) is late
