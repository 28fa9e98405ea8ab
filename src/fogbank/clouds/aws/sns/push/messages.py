"""What a device gets: the payload of its platform, and what SNS tells the platform besides.

Amazon SNS Developer Guide, "Publishing Amazon SNS notifications with platform-specific payloads"
(docs.aws.amazon.com/sns/latest/dg/mobile-push-send-custommessage.html), "Using the Amazon SNS Time To Live message
attribute for mobile push notifications" (docs.aws.amazon.com/sns/latest/dg/sns-ttl.html). A text that isn't for a
platform is put into the simplest payload of that platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.sns.push.records import APPLE, read_endpoint_arn
from fogbank.engines.outbox.outbox import PUSH, Mail
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.aws.sns.push.records import Endpoint
    from fogbank.engines.messaging.model import Attribute

MOBILE: Final = "AWS.SNS.MOBILE."
# Facts of a notification.
ENDPOINT: Final = "endpoint"
PUSH_TYPE: Final = "apns-push-type"
_BYTES_MAX: Final = {"ADM": 6_144, "APNS_VOIP": 5_120, "APNS_VOIP_SANDBOX": 5_120}
_BYTES_MAX_OTHERS: Final = 4_096
# What makes a notification of Apple's one that people see or hear.
_NOTICED: Final = ("alert", "badge", "sound")


def payload(platform: str, texts: Mapping[str, str]) -> str:
    """Return the payload for a platform of a message's texts: its own, or one made of the default."""
    own = texts.get(platform)
    if own is not None:
        return own
    text = texts["default"]
    made: dict[str, Any] = {"aps": {"alert": text}} if platform in APPLE else {"data": {"default": text}}
    return msgspec.json.encode(made).decode()


def notification(
    arn: str, texts: Mapping[str, str], attributes: Mapping[str, Attribute], facts: Mapping[str, str]
) -> Mail:
    """Return a notification for an endpoint; its recipient is found when it is delivered."""
    place, _number = read_endpoint_arn(arn)
    text = payload(place.platform, texts)
    told = {name: each.value.decode("utf-8", "replace") for name, each in attributes.items() if name.startswith(MOBILE)}
    told |= {"application": place.arn, ENDPOINT: arn, "platform": place.platform}
    if place.platform in APPLE:
        told[PUSH_TYPE] = told.get(f"{MOBILE}APNS.PUSH_TYPE") or _push_type(place.platform, text)
    return Mail(PUSH, "", text, sender=place.name, scope=place.scope, facts={**facts, **told})


def _push_type(platform: str, text: str) -> str:
    if "VOIP" in platform:
        return "voip"
    try:
        aps = msgspec.json.decode(text)["aps"]
        silent = aps["content-available"] in (1, True) and not any(name in aps for name in _NOTICED)
    except (msgspec.DecodeError, KeyError, TypeError):
        return "alert"
    return "background" if silent else "alert"


def check(mail: Mail) -> None:
    """Refuse a notification that its platform wouldn't take, by its form or its size; `AwsError` says why."""
    platform = mail.facts["platform"]
    problem = ""
    if len(mail.text.encode()) > _BYTES_MAX.get(platform, _BYTES_MAX_OTHERS):
        problem = "Notification is too long"
    else:
        try:
            if not isinstance(msgspec.json.decode(mail.text), dict):
                problem = "Notification is malformed"
        except msgspec.DecodeError:
            problem = "Notification is malformed"
    if problem:
        raise AwsError(
            "InvalidParameter",
            f"Invalid parameter: Message Reason: Invalid notification for protocol {platform}: {problem}",
        )


def is_late(mail: Mail, age_seconds: float) -> bool:
    """Tell whether a notification has waited longer than its time to live, so that it isn't sent any more."""
    platform = mail.facts["platform"]
    names = (f"{MOBILE}{each}.TTL" for each in ((platform, "FCM") if platform == "GCM" else (platform,)))
    seconds = next((mail.facts[name] for name in names if name in mail.facts), "")
    if not (seconds.isascii() and seconds.isdigit()):
        return False
    if seconds.strip("0") == "":
        # For Apple and Google, it means now or never; for others, nothing.
        return platform == "ADM"
    return age_seconds > int(seconds[:18])


def addressed(mail: Mail, endpoint: Endpoint) -> Mail:
    """Return a notification with the token of its endpoint."""
    return msgspec.structs.replace(mail, recipient=endpoint.token)
