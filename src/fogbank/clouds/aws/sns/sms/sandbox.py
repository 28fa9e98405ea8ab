"""Amazon SNS operations on the sandbox of text messages, which no account of Fogbank's is in.

Amazon SNS Developer Guide, "Using the SMS sandbox": numbers can be added and verified all the same; the one-time
password is a text message in the outbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.paging import write_token
from fogbank.clouds.aws.sns.errors import invalid
from fogbank.clouds.aws.sns.mail import text_message
from fogbank.clouds.aws.sns.sms.settings import read_number
from fogbank.clouds.aws.sns.topics import read_next_token
from fogbank.engines.outbox import choices, outbox
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.sns.service import Sns
    from fogbank.engines.outbox.outbox import Mail
    from fogbank.storage import Tx

SANDBOX: Final = "sms.sandbox"
PAGE_MAX: Final = 100
ORIGINATION_MAX: Final = 30
NUMBERS_MAX: Final = 10
VERIFIED: Final = "Verified"
LANGUAGES: Final = frozenset({
    "en-US", "en-GB", "es-419", "es-ES", "de-DE", "fr-CA", "fr-FR", "it-IT", "ja-JP", "pt-BR", "kr-KR", "zh-CN",
    "zh-TW",
})  # fmt: skip


class GetSMSSandboxAccountStatus(Input):
    """Input of GetSMSSandboxAccountStatus."""


@operation(GetSMSSandboxAccountStatus)
async def get_sms_sandbox_account_status(sns: Sns, call: Call, request: GetSMSSandboxAccountStatus) -> Reply:
    """Say that messages may go to any number."""
    del sns, call, request
    return {"IsInSandbox": False}


class CreateSMSSandboxPhoneNumber(Input):
    """Input of CreateSMSSandboxPhoneNumber."""

    PhoneNumber: str
    LanguageCode: str = "en-US"


@operation(CreateSMSSandboxPhoneNumber)
async def create_sms_sandbox_phone_number(sns: Sns, call: Call, request: CreateSMSSandboxPhoneNumber) -> Reply:
    """Add a number, and send it its one-time password."""
    number = read_number(request.PhoneNumber, "PhoneNumber")
    if request.LanguageCode not in LANGUAGES:
        raise invalid(f"LanguageCode {request.LanguageCode}")
    password = f"{int(sns.ids.hex(8), 16) % 1_000_000:06d}"
    text = f"Your verification code is {password}. It was sent for Amazon SNS's SMS sandbox."
    await sns.store.run(_add, text_message(number, text, call.scope, {}, {}), password)
    return {}


class VerifySMSSandboxPhoneNumber(Input):
    """Input of VerifySMSSandboxPhoneNumber."""

    PhoneNumber: str
    OneTimePassword: str


@operation(VerifySMSSandboxPhoneNumber)
async def verify_sms_sandbox_phone_number(sns: Sns, call: Call, request: VerifySMSSandboxPhoneNumber) -> Reply:
    """Verify a number by the password that it was sent."""
    number = read_number(request.PhoneNumber, "PhoneNumber")
    await sns.store.run(_verify, call.scope, number, request.OneTimePassword)
    return {}


class DeleteSMSSandboxPhoneNumber(Input):
    """Input of DeleteSMSSandboxPhoneNumber."""

    PhoneNumber: str


@operation(DeleteSMSSandboxPhoneNumber)
async def delete_sms_sandbox_phone_number(sns: Sns, call: Call, request: DeleteSMSSandboxPhoneNumber) -> Reply:
    """Remove a number."""
    number = read_number(request.PhoneNumber, "PhoneNumber")
    if not await sns.store.run(choices.remove, call.scope, SANDBOX, number):
        raise _no_such_number()
    return {}


class ListSMSSandboxPhoneNumbers(Input):
    """Input of ListSMSSandboxPhoneNumbers."""

    NextToken: str | None = None
    MaxResults: int = PAGE_MAX


@operation(ListSMSSandboxPhoneNumbers)
async def list_sms_sandbox_phone_numbers(sns: Sns, call: Call, request: ListSMSSandboxPhoneNumbers) -> Reply:
    """List the numbers that were added."""
    if not 1 <= request.MaxResults <= PAGE_MAX:
        raise invalid(f"MaxResults must be between 1 and {PAGE_MAX}")
    limit, after = request.MaxResults, read_next_token(request.NextToken)
    found = await sns.store.read(choices.following, call.scope, SANDBOX, after, limit + 1)
    numbers = [{"PhoneNumber": name, "Status": VERIFIED if value == VERIFIED else "Pending"} for name, value in found]
    reply: dict[str, Any] = {"PhoneNumbers": numbers[:limit]}
    if len(found) > limit:
        reply["NextToken"] = write_token(found[limit - 1][0])
    return reply


class ListOriginationNumbers(Input):
    """Input of ListOriginationNumbers."""

    NextToken: str | None = None
    MaxResults: int = ORIGINATION_MAX


@operation(ListOriginationNumbers)
async def list_origination_numbers(sns: Sns, call: Call, request: ListOriginationNumbers) -> Reply:
    """List the numbers that the account sends from: none, as none can be bought here."""
    del sns, call
    if not 1 <= request.MaxResults <= ORIGINATION_MAX:
        raise invalid(f"MaxResults must be between 1 and {ORIGINATION_MAX}")
    read_next_token(request.NextToken)
    return {"PhoneNumbers": []}


async def _add(tx: Tx, now_us: int, mail: Mail, password: str) -> None:
    numbers = dict(await choices.following(tx, now_us, mail.scope, SANDBOX))
    if len(numbers) >= NUMBERS_MAX and mail.recipient not in numbers:
        raise AwsError("UserError", f"An SMS sandbox has at most {NUMBERS_MAX} phone numbers.")
    if await choices.is_opted_out(tx, now_us, mail.scope, mail.recipient):
        raise AwsError("OptedOut", "The phone number is opted out.")
    await choices.put(tx, now_us, mail.scope, SANDBOX, mail.recipient, password)
    await outbox.put(tx, now_us, msgspec.structs.replace(mail, sender="Amazon SNS"))


async def _verify(tx: Tx, now_us: int, scope: str, number: str, password: str) -> None:
    expected = await choices.find(tx, now_us, scope, SANDBOX, number)
    if expected is None:
        raise _no_such_number()
    if expected != password:
        raise AwsError("VerificationException", "The one-time password is not the one that was sent.")
    await choices.put(tx, now_us, scope, SANDBOX, number, VERIFIED)


def _no_such_number() -> AwsError:
    return AwsError("ResourceNotFound", "The phone number is not in the SMS sandbox", 404)


OPERATIONS: Final = (
    create_sms_sandbox_phone_number,
    delete_sms_sandbox_phone_number,
    get_sms_sandbox_account_status,
    list_origination_numbers,
    list_sms_sandbox_phone_numbers,
    verify_sms_sandbox_phone_number,
)
