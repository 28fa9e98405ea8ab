"""AWS Identity and Access Management over the identity engine: roles and policies, kept and not evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.iam import grants, inline, policies, roles, tags, versions
from fogbank.clouds.aws.iam.errors import ERRORS, input_error
from fogbank.clouds.aws.iam.service import Iam

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts


def make_service(parts: Parts) -> Service[Iam]:
    """Put the service together."""
    operations = (
        *roles.OPERATIONS,
        *inline.OPERATIONS,
        *grants.OPERATIONS,
        *policies.OPERATIONS,
        *versions.OPERATIONS,
        *tags.OPERATIONS,
    )
    return Service("iam", Iam(parts.store, parts.ids), operations, ERRORS, input_error, constrained=True)
