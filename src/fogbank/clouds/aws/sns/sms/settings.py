"""Amazon SNS operations on attributes of text messages and on phone numbers that opted out.

Amazon SNS API Reference, "SetSMSAttributes", "ListPhoneNumbersOptedOut". A number opts out when its owner answers
STOP: in Fogbank, `POST /_fogbank/outbox/NUMBER/stop`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.paging import write_token
from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.clouds.aws.sns.mail import PHONE_NUMBER, SENDER_FORM, TRANSACTIONAL
from fogbank.clouds.aws.sns.topics import read_next_token
from fogbank.engines.outbox import choices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.aws.sns.service import Sns
    from fogbank.storage import Tx

ATTRIBUTE: Final = "sms.attribute"
SENDER: Final = "DefaultSenderID"
TYPE: Final = "DefaultSMSType"
PAGE_MAX: Final = 100
_UNSUPPORTED: Final = ("DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "UsageReportS3Bucket")
_DEFAULTS: Final = {"MonthlySpendLimit": "1"}
_DOLLARS: Final = re.compile(r"\d{1,9}", re.ASCII)


class SetSMSAttributes(Input):
    """Input of SetSMSAttributes."""

    attributes: dict[str, str]


@operation(SetSMSAttributes)
async def set_sms_attributes(sns: Sns, call: Call, request: SetSMSAttributes) -> Reply:
    """Set attributes of all text messages of the account in this region; an empty one is taken back."""
    for name, value in request.attributes.items():
        _check(name, value)
    await sns.store.run(_set, call.scope, request.attributes)
    return {}


class GetSMSAttributes(Input):
    """Input of GetSMSAttributes."""

    attributes: list[str] | None = None


@operation(GetSMSAttributes)
async def get_sms_attributes(sns: Sns, call: Call, request: GetSMSAttributes) -> Reply:
    """Return the attributes that are set, or those of them that are asked for."""
    shown = _DEFAULTS | dict(await sns.store.read(choices.following, call.scope, ATTRIBUTE))
    wanted = request.attributes
    return {"attributes": {name: value for name, value in shown.items() if not wanted or name in wanted}}


class CheckIfPhoneNumberIsOptedOut(Input):
    """Input of CheckIfPhoneNumberIsOptedOut."""

    phoneNumber: str


@operation(CheckIfPhoneNumberIsOptedOut)
async def check_if_phone_number_is_opted_out(sns: Sns, call: Call, request: CheckIfPhoneNumberIsOptedOut) -> Reply:
    """Tell whether a number gets no messages from this account."""
    number = read_number(request.phoneNumber, "phoneNumber")
    return {"isOptedOut": await sns.store.read(choices.is_opted_out, call.scope, number)}


class ListPhoneNumbersOptedOut(Input):
    """Input of ListPhoneNumbersOptedOut."""

    nextToken: str | None = None


@operation(ListPhoneNumbersOptedOut)
async def list_phone_numbers_opted_out(sns: Sns, call: Call, request: ListPhoneNumbersOptedOut) -> Reply:
    """List the numbers that get no messages from this account, a hundred at a time."""
    after = read_next_token(request.nextToken)
    found = await sns.store.read(choices.opted_out, call.scope, after, PAGE_MAX + 1)
    reply: dict[str, Any] = {"phoneNumbers": found[:PAGE_MAX]}
    if len(found) > PAGE_MAX:
        reply["nextToken"] = write_token(found[PAGE_MAX - 1])
    return reply


class OptInPhoneNumber(Input):
    """Input of OptInPhoneNumber."""

    phoneNumber: str


@operation(OptInPhoneNumber)
async def opt_in_phone_number(sns: Sns, call: Call, request: OptInPhoneNumber) -> Reply:
    """Let a number get messages again."""
    await sns.store.run(choices.opt_in, call.scope, read_number(request.phoneNumber, "phoneNumber"))
    return {}


def read_number(text: str, parameter: str) -> str:
    """Return a phone number if it is one (E.164)."""
    if not PHONE_NUMBER.fullmatch(text):
        raise invalid(f"{parameter} Reason: input incorrectly formatted")
    return text


def _check(name: str, value: str) -> None:
    if name in _UNSUPPORTED:
        if value:
            raise unsupported(f"the attribute {name}")
    elif name == TYPE:
        if value and value not in TRANSACTIONAL:
            raise invalid(f"{name} must be one of {', '.join(TRANSACTIONAL)}")
    elif name == SENDER:
        if value and not SENDER_FORM.fullmatch(value):
            raise invalid(f"{name} must have 1 to 11 letters, digits and hyphens, and at least one letter")
    elif name == "MonthlySpendLimit":
        if value and not _DOLLARS.fullmatch(value):
            raise invalid(f"{name} must be a whole number of dollars")
    else:
        raise invalid(f"{name} is not a valid attribute")


async def _set(tx: Tx, now_us: int, scope: str, attributes: Mapping[str, str]) -> None:
    if SENDER in attributes:
        await choices.set_sender(tx, now_us, scope, attributes[SENDER])
    for name, value in attributes.items():
        if value:
            await choices.put(tx, now_us, scope, ATTRIBUTE, name, value)
        else:
            await choices.remove(tx, now_us, scope, ATTRIBUTE, name)


OPERATIONS: Final = (
    check_if_phone_number_is_opted_out,
    get_sms_attributes,
    list_phone_numbers_opted_out,
    opt_in_phone_number,
    set_sms_attributes,
)
