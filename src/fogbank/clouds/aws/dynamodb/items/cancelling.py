"""How a transaction that is refused says why (Amazon DynamoDB API Reference, "TransactionCanceledException")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from fogbank.clouds.aws.dynamodb.errors import EmptyKeyError
from fogbank.engines.documents.errors import RefusedError
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

T = TypeVar("T")

# What errors are called where they are one reason of several, or one answer of several.
CODES: Final = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "DuplicateItemException": "DuplicateItem",
    "ItemCollectionSizeLimitExceededException": "ItemCollectionSizeLimitExceeded",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "ResourceNotFoundException": "ResourceNotFound",
    "ThrottlingException": "ThrottlingError",
    "TransactionConflictException": "TransactionConflict",
    "ValidationException": "ValidationError",
}
_NO_REASON: Final = {"Code": "None"}


async def as_one(work: Awaitable[T]) -> T:
    """Let reads or writes that were refused be a transaction that is cancelled; an empty key is refused as such."""
    try:
        return await work
    except RefusedError as error:
        for refusal in error.refusals:
            if isinstance(refusal, EmptyKeyError):
                raise refusal from None
        raise cancelled(error.refusals) from None


def cancelled(refusals: Sequence[Exception | None]) -> AwsError:
    """A transaction that is cancelled, with a reason for each of its items."""
    reasons = [_reason(refusal) for refusal in refusals]
    codes = ", ".join(reason["Code"] for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        fields={"CancellationReasons": reasons},
    )


def _reason(refusal: Exception | None) -> dict[str, Any]:
    if refusal is None:
        return _NO_REASON
    assert isinstance(refusal, AwsError)
    shown = {"Code": CODES[refusal.code], "Message": refusal.message}
    return {**shown, "Item": refusal.fields["Item"]} if "Item" in refusal.fields else shown
