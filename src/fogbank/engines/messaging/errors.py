"""What the messaging engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import AlreadyExistsError, EngineError, NotFoundError


class QueueNotFoundError(NotFoundError):
    """There is no queue of that name."""


class QueueExistsError(AlreadyExistsError):
    """There is a queue of that name with another configuration."""


class TopicNotFoundError(NotFoundError):
    """There is no topic of that name."""


class SubscriptionNotFoundError(NotFoundError):
    """There is no subscription of that id."""


class SnapshotNotFoundError(NotFoundError):
    """There is no snapshot of that name."""


class SnapshotExistsError(AlreadyExistsError):
    """There is a snapshot of that name."""


class SchemaNotFoundError(NotFoundError):
    """There is no schema of that name, or no such revision of it."""


class SchemaExistsError(AlreadyExistsError):
    """There is a schema of that name."""


class SchemaFullError(EngineError):
    """The schema has as many revisions as there may be."""


class MoveRunningError(EngineError):
    """Messages of that queue are being moved already."""


class MoveNotFoundError(NotFoundError):
    """There is no such move under way."""


class LeaseNotHeldError(EngineError):
    """The lease has run out, or somebody else has taken the message since."""


class MessageGoneError(EngineError):
    """The message of the lease no longer exists."""


class HandleInvalidError(EngineError):
    """The handle isn't one of this queue's."""


class PurgeTooSoonError(EngineError):
    """The queue was purged a moment ago."""


class MessageTooLargeError(EngineError):
    """The message is larger than the queue takes. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(str(limit))
        self.limit = limit


class DedupIdMissingError(EngineError):
    """The queue removes duplicates by ids, and the message has none."""


class PipeNotFoundError(NotFoundError):
    """There is no pipe of that name."""


class PipeExistsError(AlreadyExistsError):
    """There is a pipe of that name."""


class RecordNotFoundError(NotFoundError):
    """There is no record of that kind and name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(name)
        self.kind = kind


class RecordExistsError(AlreadyExistsError):
    """There is a record of that kind and name."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(name)
        self.kind = kind
