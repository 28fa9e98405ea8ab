"""What the documents engine refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.kernel.errors import AlreadyExistsError, EngineError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence


class CollectionNotFoundError(NotFoundError):
    """There is no collection of that name."""


class CollectionExistsError(AlreadyExistsError):
    """There is a collection of that name already."""


class CollectionBusyError(EngineError):
    """The collection is being copied, or is itself a copy that isn't whole yet."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class SnapshotNotFoundError(NotFoundError):
    """There is no snapshot of that name."""


class SnapshotBusyError(EngineError):
    """The snapshot is being made, or restored from."""


class HistoryGoneError(EngineError):
    """The change feed doesn't go back so far."""


class CollectionProtectedError(EngineError):
    """The collection is protected against being deleted."""


class RefusedError(EngineError):
    """Some of several reads or writes were refused, so none was made.

    `refusals` are what refused them, in their order; None for those that had no fault.
    """

    def __init__(self, refusals: Sequence[Exception | None]) -> None:
        super().__init__(str(refusals))
        self.refusals = refusals


class SameDocumentError(EngineError):
    """Of several reads or writes that are to be made as one, two are of the same document."""


class TooLargeTogetherError(EngineError):
    """Documents that are to be read or written as one are too large together."""


class OtherRequestError(EngineError):
    """A token came before, with a request that asked for something else."""


class FeedNotFoundError(NotFoundError):
    """There is no change feed of that name."""
