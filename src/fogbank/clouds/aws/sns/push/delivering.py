"""How notifications reach devices: by the endpoint's token as it is then, if it is enabled; into the outbox.

Amazon SNS Developer Guide, "Amazon SNS message delivery retries": mobile push is tried again as e-mails are.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.sns.couriers import MAIL_RETRY, letter
from fogbank.clouds.aws.sns.endpoints import APPLICATION
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.push import events, messages, records
from fogbank.clouds.aws.sns.push.records import read_endpoint_arn
from fogbank.connectors.delivery.couriers import Answer, Courier
from fogbank.engines.messaging import publishing
from fogbank.engines.messaging.delivery_model import MAIL, Delivery
from fogbank.engines.outbox import outbox
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.engines.outbox.outbox import Mail
    from fogbank.storage import Store, Tx

PUSH_COURIER: Final = "sns.push"
_DISABLED: Final = "Endpoint is disabled"
_GONE: Final = "Endpoint does not exist"
_LATE: Final = "Time to live is over"
_TYPES: Final = {_DISABLED: "EndpointDisabled", _GONE: "EndpointNotFound", _LATE: "Expired"}
# Of all other failures that are final.
_PERMANENT: Final = "DeliveryFailedPerm"


async def check_endpoint(tx: Tx, now_us: int, arn: str) -> None:
    """Refuse to subscribe an endpoint that isn't there."""
    if await records.find_endpoint(tx, now_us, *read_endpoint_arn(arn)) is None:
        raise invalid(f"Endpoint Reason: Endpoint does not exist for endpoint {arn}")


async def send(tx: Tx, now_us: int, mail: Mail, sequence: int) -> None:
    """Queue a notification for an endpoint that is there and enabled, or refuse."""
    endpoint = await records.find_endpoint(tx, now_us, *read_endpoint_arn(mail.facts[messages.ENDPOINT], "TargetArn"))
    if endpoint is None:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    if not endpoint.enabled:
        raise AwsError("EndpointDisabled", _DISABLED)
    name = f"{APPLICATION}:{mail.facts[messages.ENDPOINT]}"
    delivery = Delivery(MAIL, name, outbox.encode(mail), courier=PUSH_COURIER, first_us=now_us)
    await publishing.enqueue(tx, now_us, sequence, delivery)


async def prepare(store: Store, delivery: Delivery, now_us: int) -> Delivery | Answer:
    """Return a delivery that is addressed to its endpoint's token, or why it can't be made."""
    mail = outbox.decode(delivery.content)
    endpoint = await store.read(records.find_endpoint, *read_endpoint_arn(mail.facts[messages.ENDPOINT]))
    if endpoint is None:
        return Answer(404, _GONE)
    if not endpoint.enabled:
        return Answer(400, _DISABLED)
    if messages.is_late(mail, delivery.age_seconds(now_us)):
        return Answer(410, _LATE)
    try:
        messages.check(mail)
    except AwsError as error:
        return Answer(400, error.message)
    content = outbox.encode(messages.addressed(mail, endpoint))
    return msgspec.structs.replace(delivery, content=content)


async def tell_failure(tx: Tx, now_us: int, delivery: Delivery, answer: Answer, sequence: int) -> None:
    """Tell of a notification that was given up, if its application wants to know."""
    facts = outbox.decode(delivery.content).facts
    arn = facts[messages.ENDPOINT]
    place, _number = read_endpoint_arn(arn)
    told = {
        "DeliveryAttempts": delivery.attempt,
        "FailureMessage": answer.reason,
        "FailureType": _TYPES.get(answer.reason, _PERMANENT),
        "MessageId": facts.get("id", ""),
    }
    await events.tell(tx, now_us, place, events.FAILURE, arn, sequence, told)


def push_courier(store: Store) -> Courier:
    """Return the rules by which notifications are delivered."""
    return Courier(MAIL_RETRY, letter=letter, prepare=partial(prepare, store), given_up=tell_failure)
