"""Amazon SNS over the messaging engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.sns import publish, subscriptions, topics
from fogbank.clouds.aws.sns.errors import ERRORS, input_error
from fogbank.clouds.aws.sns.service import Sns

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Sns]:
    """Put the service together."""
    operations = (*topics.OPERATIONS, *subscriptions.OPERATIONS, *publish.OPERATIONS)
    return Service("sns", Sns(parts.store, parts.clock, parts.ids), operations, ERRORS, input_error)
