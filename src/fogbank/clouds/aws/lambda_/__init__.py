"""AWS Lambda over the functions engine and the runtimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.api import Service
from fogbank.clouds.aws.lambda_ import facts, functions, invocation, mappings
from fogbank.clouds.aws.lambda_.errors import ERRORS, input_error
from fogbank.clouds.aws.lambda_.service import Lambda

if TYPE_CHECKING:
    from fogbank.connectors.invoker import Invoker
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


def lambda_service(store: Store, clock: Clock, ids: Ids, invoker: Invoker) -> Service[Lambda]:
    """Put the service together."""
    operations = (*functions.OPERATIONS, *invocation.OPERATIONS, *mappings.OPERATIONS, *facts.OPERATIONS)
    deps = Lambda(store, clock, ids, invoker)
    return Service("lambda", deps, operations, ERRORS, input_error, constrained=True)
