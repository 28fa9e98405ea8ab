"""AWS Lambda: what its operations stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.connectors.invoker import Invoker
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Lambda(NamedTuple):
    """The parts of the server that Lambda uses."""

    store: Store
    clock: Clock
    ids: Ids
    invoker: Invoker
