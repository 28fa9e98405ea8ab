"""What the documents engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import AlreadyExistsError, EngineError, NotFoundError


class CollectionNotFoundError(NotFoundError):
    """There is no collection of that name."""


class CollectionExistsError(AlreadyExistsError):
    """There is a collection of that name already."""


class CollectionProtectedError(EngineError):
    """The collection is protected against being deleted."""


class FeedNotFoundError(NotFoundError):
    """There is no change feed of that name."""
