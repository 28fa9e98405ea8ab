"""Amazon DynamoDB Streams over the change feeds of the documents engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.dynamodb.errors import input_error
from fogbank.clouds.aws.dynamodbstreams import reading, streams
from fogbank.clouds.aws.dynamodbstreams.errors import ERRORS
from fogbank.clouds.aws.dynamodbstreams.service import Streams

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Streams]:
    """Put the service together."""
    operations = (*reading.OPERATIONS, *streams.OPERATIONS)
    deps = Streams(parts.store, parts.clock)
    return Service("dynamodbstreams", deps, operations, ERRORS, input_error, constrained=True, crc32=True)
