"""What subscribers get: the message itself, or the envelope that SNS puts around it.

Amazon SNS Developer Guide, "Parsing Amazon SNS message formats".
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.api import TRACE_ID
from fogbank.clouds.aws.arns import Arn, invoked_as
from fogbank.clouds.aws.sns import mail
from fogbank.clouds.aws.sns.archiving.archives import ARCHIVE
from fogbank.clouds.aws.sns.content import QUEUE_ATTRIBUTES_MAX, show_attributes, timestamp
from fogbank.clouds.aws.sns.delivery_policies import CONTENT_TYPE, DISPLAY_NAME, PLAIN_TEXT, SIGNATURE
from fogbank.clouds.aws.sns.filters import attributes_as_object, body_as_object, compiled
from fogbank.clouds.aws.sns.push.messages import notification
from fogbank.clouds.aws.sns.service import subscription_arn, topic_arn
from fogbank.clouds.aws.sns.signatures import to_be_signed
from fogbank.clouds.aws.sqs.content import SENDER, TRACE
from fogbank.clouds.aws.sqs.content import sequence_number as write_sequence
from fogbank.engines.messaging.delivery_model import FUNCTION, MAIL, QUEUE
from fogbank.engines.messaging.model import Attribute, Message
from fogbank.engines.messaging.topic_model import Rendered, Subscription
from fogbank.engines.outbox import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.messaging.topic_model import Topic


EVENT_TYPE: Final = "com.amazonaws.sns.notification"


class Published(NamedTuple):
    """A published message, as all its subscribers share it. `texts` are by protocol, with a default.

    `replayed`: it comes out of the topic's archive, to those that had it already.
    """

    id: str
    topic: str
    texts: Mapping[str, str]
    subject: str | None
    attributes: Mapping[str, Attribute]
    origin: str
    account: str
    now_us: int
    sequence: int | None = None
    trace: str = ""
    replayed: bool = False

    def render(self, subscription: Subscription, message: Message) -> Rendered | None:
        """Return what a subscription gets; None if its filter says no."""
        if not self._passes(subscription):
            return None
        config = subscription.config
        protocol = config.labels["protocol"]
        if protocol == ARCHIVE:
            return Rendered(msgspec.structs.replace(message, body=archived(self)))
        text = self.texts.get(protocol, self.texts["default"])
        if subscription.kind == QUEUE:
            return self._for_queue(subscription, message, text)
        if subscription.kind == FUNCTION:
            context = _function_context(subscription)
            if self.trace:
                context[TRACE_ID] = self.trace
            return Rendered(content=self._function_event(subscription, text), headers=context)
        if subscription.kind == MAIL:
            return self._for_person(subscription, protocol, text)
        headers = self._http_headers(subscription)
        if config.raw:
            return Rendered(content=text.encode(), headers=headers)
        envelope = msgspec.json.encode(self._envelope(subscription, text))
        return Rendered(content=envelope, headers=headers, facts=self._to_be_signed(subscription))

    def _to_be_signed(self, subscription: Subscription) -> dict[str, str]:
        return to_be_signed(subscription.config.labels.get(SIGNATURE, "1"), self.origin)

    def _for_person(self, subscription: Subscription, protocol: str, text: str) -> Rendered:
        facts, display_name = {"id": self.id, "topic": self.topic}, subscription.config.labels.get(DISPLAY_NAME, "")
        if protocol == "sms":
            said = f"{display_name}> {text}" if display_name else text
            number = mail.address_of(subscription)
            message = mail.text_message(number, said, subscription.scope, self.attributes, facts)
            return Rendered(content=outbox.encode(message))
        if protocol == "application":
            pushed = notification(mail.address_of(subscription), self.texts, self.attributes, facts)
            return Rendered(content=outbox.encode(pushed))
        if protocol == "email":
            written = mail.with_footer(text, self._unsubscribe_url(subscription))
            message = mail.email(subscription, display_name, self.subject, written, facts)
            return Rendered(content=outbox.encode(message))
        envelope = msgspec.json.encode(self._envelope(subscription, text)).decode()
        message = mail.email(subscription, display_name, self.subject, envelope, facts)
        return Rendered(content=outbox.encode(message), facts=self._to_be_signed(subscription))

    def as_cloud_event(self, topic: Topic, _message: Message) -> bytes:
        """Return the message as a CloudEvent, for routes to other services.

        AWS publishes no mapping, so it is ours: `data` is what a function would get, its record's `Sns`.
        """
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.topic,
            "type": EVENT_TYPE,
            "datacontenttype": "application/json",
            "time": timestamp(self.now_us),
        }
        if self.subject is not None:
            event["subject"] = self.subject
        event["data"] = {
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": topic_arn(topic.scope, topic.name),
            "Subject": self.subject,
            "Message": self.texts["default"],
            "Timestamp": timestamp(self.now_us),
            "MessageAttributes": show_attributes(self.attributes),
        }
        return msgspec.json.encode(event)

    def _passes(self, subscription: Subscription) -> bool:
        config = subscription.config
        if not config.filter:
            return True
        if config.filter_body:
            body = body_as_object(self.texts["default"].encode())
            return body is not None and compiled(config.filter)(body)
        return compiled(config.filter)(attributes_as_object(self.attributes))

    def _for_queue(self, subscription: Subscription, message: Message, text: str) -> Rendered | None:
        attributes: Mapping[str, Attribute] = {}
        if subscription.config.raw:
            if len(self.attributes) > QUEUE_ATTRIBUTES_MAX:
                return None
            attributes = self.attributes
            body = text.encode()
        else:
            body = msgspec.json.encode(self._envelope(subscription, text))
        system = {SENDER: self.account, TRACE: self.trace} if self.trace else {SENDER: self.account}
        number = _derived_id(self.id, f"{subscription.id}/replayed" if self.replayed else subscription.id)
        ordering = (message.ordering_key, message.dedup_id)
        return Rendered(Message(number, body, dict(attributes), *ordering, system))

    def _envelope(self, subscription: Subscription, text: str) -> dict[str, Any]:
        envelope: dict[str, Any] = {"Type": "Notification", "MessageId": self.id}
        if self.sequence is not None:
            envelope["SequenceNumber"] = write_sequence(self.sequence)
        envelope["TopicArn"] = self.topic
        if self.subject is not None:
            envelope["Subject"] = self.subject
        envelope["Message"] = text
        envelope["Timestamp"] = timestamp(self.now_us)
        envelope["UnsubscribeURL"] = self._unsubscribe_url(subscription)
        if self.attributes:
            envelope["MessageAttributes"] = show_attributes(self.attributes)
        if self.replayed:
            envelope["Replayed"] = True
        return envelope

    def _unsubscribe_url(self, subscription: Subscription) -> str:
        arn = subscription_arn(subscription)
        return f"{self.origin}/?Action=Unsubscribe&SubscriptionArn={arn}&Version=2010-03-31"

    def _http_headers(self, subscription: Subscription) -> dict[str, str]:
        headers = {
            "Content-Type": subscription.config.labels.get(CONTENT_TYPE, PLAIN_TEXT),
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": self.id,
            "x-amz-sns-topic-arn": self.topic,
            "x-amz-sns-subscription-arn": subscription_arn(subscription),
        }
        if subscription.config.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        return headers

    def _function_event(self, subscription: Subscription, text: str) -> bytes:
        """Return the event for a function ("Invoking Lambda functions with Amazon SNS notifications")."""
        sns = {
            "Type": "Notification",
            "MessageId": self.id,
            "TopicArn": self.topic,
            "Subject": self.subject,
            "Message": text,
            "Timestamp": timestamp(self.now_us),
            "UnsubscribeUrl": self._unsubscribe_url(subscription),
            "MessageAttributes": show_attributes(self.attributes),
        }
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription_arn(subscription),
            "Sns": sns,
        }
        return msgspec.json.encode({"Records": [record]})


class _Archived(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published message as archives keep it."""

    id: str
    topic: str
    texts: dict[str, str]
    subject: str | None
    attributes: dict[str, Attribute]
    origin: str
    account: str
    now_us: int
    sequence: int | None = None
    trace: str = ""


_ARCHIVED: Final = msgspec.msgpack.Decoder(_Archived)


def archived(published: Published) -> bytes:
    """Return a published message as archives keep it."""
    members = {name: value for name, value in published._asdict().items() if name != "replayed"}
    return msgspec.msgpack.encode(_Archived(**members))


def read_archived(data: bytes, *, replayed: bool) -> Published:
    """Return a published message from an archive."""
    return Published(**msgspec.structs.asdict(_ARCHIVED.decode(data)), replayed=replayed)


def _function_context(subscription: Subscription) -> dict[str, str]:
    _realm, account, region, name = subscription.endpoint.split("/")
    return invoked_as(Arn("aws", "lambda", region, account, f"function:{name}")) if ":" in name else {}


def confirmation(number: str, topic: str, token: str, url: str, now_us: int) -> tuple[bytes, dict[str, str]]:
    """Return the question whether an HTTP endpoint wants its subscription, with its headers."""
    content = {
        "Type": "SubscriptionConfirmation",
        "MessageId": number,
        "Token": token,
        "TopicArn": topic,
        "Message": f"You have chosen to subscribe to the topic {topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": url,
        "Timestamp": timestamp(now_us),
    }
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "SubscriptionConfirmation",
        "x-amz-sns-message-id": number,
        "x-amz-sns-topic-arn": topic,
    }
    return msgspec.json.encode(content), headers


def _derived_id(message: str, subscription: str) -> str:
    """Return the id of the queue's copy: the same whenever the same publication is rendered for it."""
    h = sha256(f"{message}/{subscription}".encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:32]}"
