"""What SNS writes to people: e-mails with their links, e-mails as JSON, text messages.

Amazon SNS Developer Guide, "Email notifications", "Mobile text messaging with Amazon SNS".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.sns.errors import invalid
from fogbank.engines.outbox.outbox import EMAIL, SMS, Mail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.messaging.model import Attribute
    from fogbank.engines.messaging.topic_model import Subscription

ADDRESS: Final = re.compile(r"[^@\s:]{1,64}@[^@\s:]{1,255}")
PHONE_NUMBER: Final = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
SMS_CHARS_MAX: Final = 1_600
SENDER_ID: Final = "AWS.SNS.SMS.SenderID"
SMS_TYPE: Final = "AWS.SNS.SMS.SMSType"
SENDER_FORM: Final = re.compile(r"(?=[0-9-]*[A-Za-z])[A-Za-z0-9-]{1,11}")
TRANSACTIONAL: Final = ("Promotional", "Transactional")
_FROM: Final = "no-reply@sns.amazonaws.com"
_SUBJECT: Final = "AWS Notification Message"
_QUESTION: Final = "AWS Notification - Subscription Confirmation"


def address_of(subscription: Subscription) -> str:
    """Return the address or phone number of a subscription."""
    return subscription.endpoint.partition(":")[2]


def sender(display_name: str) -> str:
    """Return whom an e-mail is from: the topic's display name comes before the address."""
    return f'"{display_name}" <{_FROM}>' if display_name else f"AWS Notifications <{_FROM}>"


def email(
    subscription: Subscription, display_name: str, subject: str | None, text: str, facts: Mapping[str, str]
) -> Mail:
    """Return the e-mail of a notification."""
    return Mail(
        EMAIL,
        address_of(subscription),
        text,
        subject or _SUBJECT,
        sender(display_name),
        subscription.scope,
        dict(facts),
    )


def with_footer(text: str, unsubscribe: str) -> str:
    """Return a text with the words that end every e-mail of a notification."""
    return (
        f"{text}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link"
        f" below to unsubscribe:\n{unsubscribe}\n\nPlease do not reply directly to this email. If you have any"
        " questions or comments regarding this email, please contact us at https://aws.amazon.com/support\n"
    )


def question(subscription: Subscription, display_name: str, topic: str, link: str) -> Mail:
    """Return the e-mail that asks whether a subscription is meant."""
    text = (
        f"You have chosen to subscribe to the topic:\n{topic}\n\nTo confirm this subscription, click or visit the link"
        f" below (If this was in error no action is necessary):\n{link}\n\nPlease do not reply directly to this email."
        " If you wish to remove yourself from receiving all future SNS subscription confirmation requests please send"
        " an email to sns-opt-out\n"
    )
    return email(subscription, display_name, _QUESTION, text, {"topic": topic})


def text_message(
    number: str, text: str, scope: str, attributes: Mapping[str, Attribute], facts: dict[str, str]
) -> Mail:
    """Return a text message."""
    told = {
        name: each.value.decode() for name, each in attributes.items() if name.startswith("AWS.") and not each.binary
    }
    return Mail(SMS, number, text, sender=told.get(SENDER_ID, ""), scope=scope, facts={**facts, **told})


def with_type(mail: Mail, default: str | None) -> Mail:
    """Return a text message with its type, which is the account's default if the message has none."""
    return msgspec.structs.replace(mail, facts={SMS_TYPE: default or TRANSACTIONAL[0], **mail.facts})


def check_attributes(attributes: Mapping[str, Attribute]) -> None:
    """Refuse attributes of a text message that SNS doesn't take."""
    sender_id, kind = attributes.get(SENDER_ID), attributes.get(SMS_TYPE)
    if sender_id is not None and not SENDER_FORM.fullmatch(sender_id.value.decode("utf-8", "replace")):
        raise invalid(f"{SENDER_ID} must have 1 to 11 letters, digits and hyphens, and at least one letter")
    if kind is not None and kind.value.decode("utf-8", "replace") not in TRANSACTIONAL:
        raise invalid(f"{SMS_TYPE} must be one of {', '.join(TRANSACTIONAL)}")
