"""Amazon DynamoDB: what its operations stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.clouds.aws.dynamodb.names import table_name

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.documents.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Dynamo(NamedTuple):
    """The parts of the server that DynamoDB uses."""

    store: Store
    clock: Clock
    ids: Ids


def table_of(call: Call, text: str) -> Name:
    """Return the table that a request's TableName, a name or an ARN, names."""
    return table_name(text, call.scope)
