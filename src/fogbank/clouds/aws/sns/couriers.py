"""How SNS delivers: which answers it tries again, how often, and what it puts into dead-letter queues.

Amazon SNS Developer Guide, "Message delivery retries" and "Amazon SNS dead-letter queues".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.service import FIFO_SUFFIX
from fogbank.clouds.aws.sns.signatures import sign
from fogbank.connectors.delivery.couriers import Courier
from fogbank.engines.messaging.delivery_model import MAIL, QUEUE, SMTP, Retry, endpoint_of
from fogbank.engines.messaging.model import Attribute, Message, decode_message
from fogbank.engines.outbox import outbox

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Answer, Drawn
    from fogbank.connectors.signing import Signer
    from fogbank.engines.messaging.delivery_model import Delivery

# What subscriptions name as their courier: for HTTP addresses, for AWS's own services, and for people.
HTTP_COURIER: Final = "sns.http"
AWS_COURIER: Final = "sns.aws"
MAIL_COURIER: Final = "sns.mail"
# The default delivery policy of HTTP endpoints: three retries, 20 seconds apart.
HTTP_RETRY: Final = Retry((20, 20, 20), attempts_max=4)
# AWS's own endpoints: 3 at once, 2 a second apart, 10 with exponential backoff from 1 to 20 seconds, then 100,000
# every 20 seconds.
AWS_RETRY: Final = Retry((0, 0, 0, 1, 1, 1, 1.4, 1.9, 2.7, 3.8, 5.3, 7.4, 10.3, 14.3, 20, 20), attempts_max=100_016)
# People: at once, 2 ten seconds apart, 10 with exponential backoff from 10 to 600 seconds, 38 ten minutes apart.
MAIL_RETRY: Final = Retry((0, 10, 10, 10, 16, 25, 39, 62, 98, 154, 243, 383, 600, 600), attempts_max=51)


def read_redrive_policy(text: str, *, ordered: bool) -> str:
    """Return the endpoint of the queue that a RedrivePolicy names, "" for none; of an ordered topic, one in order."""
    if not text:
        return ""
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid("RedrivePolicy: failed to parse JSON.")
    if not policy:
        return ""
    target = policy.get("deadLetterTargetArn")
    arn = parse_arn(target) if isinstance(target, str) else None
    if len(policy) != 1 or arn is None or arn.service != "sqs":
        raise invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of an Amazon SQS queue")
    if ordered != arn.resource.endswith(FIFO_SUFFIX):
        raise invalid(
            "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO topic"
            if ordered
            else "RedrivePolicy: must not use a FIFO queue as DLQ for a standard topic"
        )
    return endpoint_of(arn.scope, arn.resource)


def letter(delivery: Delivery, answer: Answer, drawn: Drawn) -> Message:
    """Return a dead letter: the notification as the endpoint would have got it, and why it didn't."""
    attributes: dict[str, Attribute] = {}
    body, key, dedup = delivery.content, "", ""
    if delivery.kind in (MAIL, SMTP):
        body = outbox.decode(body).text.encode()
    if delivery.kind == QUEUE:
        message = decode_message(delivery.content)
        attributes, body, key, dedup = dict(message.attributes), message.body, message.ordering_key, message.dedup_id
    attributes["RequestID"] = Attribute("String", drawn.id.encode())
    attributes["ErrorCode"] = Attribute("Number", str(answer.status).encode())
    attributes["ErrorMessage"] = Attribute("String", (answer.reason or "no answer").encode())
    return Message(drawn.id, body, attributes, key, dedup)


def couriers(signer: Signer) -> dict[str, Courier]:
    """Return the couriers by their names."""
    prepare = partial(sign, signer)
    return {
        HTTP_COURIER: Courier(HTTP_RETRY, letter=letter, prepare=prepare),
        AWS_COURIER: Courier(AWS_RETRY, letter=letter),
        MAIL_COURIER: Courier(MAIL_RETRY, letter=letter, prepare=prepare),
    }
