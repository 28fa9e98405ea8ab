"""Amazon SNS over the messaging engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.sns import permissions, publish, subscriptions, topics
from fogbank.clouds.aws.sns.errors import ERRORS, input_error
from fogbank.clouds.aws.sns.push import applications, endpoints
from fogbank.clouds.aws.sns.service import Sns
from fogbank.clouds.aws.sns.sms import sandbox, settings

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Sns]:
    """Put the service together."""
    modules = (topics, permissions, subscriptions, publish, settings, sandbox, applications, endpoints)
    operations = [operation for module in modules for operation in module.OPERATIONS]
    return Service("sns", Sns(parts.store, parts.clock, parts.ids), operations, ERRORS, input_error)
