"""AWS Lambda over the functions engine and the runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.lambda_ import (
    aliases,
    concurrency,
    functions,
    permissions,
    recursion,
    tags,
    versions,
)
from fogbank.clouds.aws.lambda_.errors import ERRORS, input_error
from fogbank.clouds.aws.lambda_.invoking import invocation, streaming
from fogbank.clouds.aws.lambda_.layers import permissions as layer_permissions
from fogbank.clouds.aws.lambda_.layers import versions as layer_versions
from fogbank.clouds.aws.lambda_.mappings import operations as mappings
from fogbank.clouds.aws.lambda_.queued import settings
from fogbank.clouds.aws.lambda_.service import Lambda
from fogbank.clouds.aws.lambda_.urls import settings as url_settings

if TYPE_CHECKING:
    from fogbank.clouds.aws.parts import Parts

PARTS: Final = (
    aliases,
    concurrency,
    functions,
    invocation,
    layer_permissions,
    layer_versions,
    mappings,
    permissions,
    recursion,
    settings,
    streaming,
    tags,
    url_settings,
    versions,
)


def make_service(parts: Parts) -> Service[Lambda]:
    """Put the service together."""
    operations = [operation for part in PARTS for operation in part.OPERATIONS]
    deps = Lambda(parts.store, parts.clock, parts.ids, parts.invoker)
    return Service("lambda", deps, operations, ERRORS, input_error, constrained=True)
