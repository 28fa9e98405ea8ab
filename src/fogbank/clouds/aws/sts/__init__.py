"""AWS Security Token Service over the identity engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.sts.operations import OPERATIONS
from fogbank.clouds.aws.sts.service import Sts
from fogbank.clouds.aws.validation import input_error

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Sts]:
    """Put the service together."""
    return Service("sts", Sts(parts.store, parts.sessions), OPERATIONS, {}, input_error, constrained=True)
