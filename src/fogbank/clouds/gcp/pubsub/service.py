"""What Pub/Sub's services have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.pubsub.names import full_name
from fogbank.engines.messaging.errors import (
    HandleInvalidError,
    QueueNotFoundError,
    SchemaExistsError,
    SchemaFullError,
    SchemaNotFoundError,
    SubscriptionNotFoundError,
    TopicNotFoundError,
)
from fogbank.engines.messaging.schemas import REVISIONS_MAX
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.pubsub.v1"
DIALECT: Final = "pubsub"
# Where the labels of a topic or queue keep the resource as the API has it.
FACTS: Final = "facts"


class PubSub(NamedTuple):
    """The parts of the server that Pub/Sub uses."""

    store: Store
    clock: Clock
    ids: Ids
    types: Types
    receiver: Receiver

    def message(self, name: str) -> type[Any]:
        """Return the class of one of Pub/Sub's messages."""
        return self.types.message(f"{PACKAGE}.{name}")


def make_pubsub(parts: Parts) -> PubSub:
    """Return what the services stand on."""
    return PubSub(parts.store, parts.clock, parts.ids, parts.types, parts.receiver)


def not_found(name: Name | str) -> GrpcError:
    """Return the error for a resource that isn't there."""
    shown = name if isinstance(name, str) else full_name(name)
    return GrpcError(Code.NOT_FOUND, f"Resource not found (resource={shown.rpartition('/')[2]}).")


def already_exists(name: str) -> GrpcError:
    """Return the error for a resource that is there already."""
    return GrpcError(
        Code.ALREADY_EXISTS, f"Resource already exists in the project (resource={name.rpartition('/')[2]})."
    )


def word(error: Exception) -> GrpcError | None:
    """Say in Pub/Sub's words what the engine refused."""
    if isinstance(error, QueueNotFoundError | TopicNotFoundError | SubscriptionNotFoundError):
        return not_found(str(error))
    if isinstance(error, SchemaNotFoundError):
        return not_found(str(error))
    if isinstance(error, SchemaExistsError):
        return already_exists(str(error))
    if isinstance(error, SchemaFullError):
        return GrpcError(Code.RESOURCE_EXHAUSTED, f"A schema has at most {REVISIONS_MAX} revisions.")
    if isinstance(error, HandleInvalidError):
        return GrpcError(
            Code.INVALID_ARGUMENT, "Some acknowledgement ids in the request were invalid for this subscription."
        )
    return None
