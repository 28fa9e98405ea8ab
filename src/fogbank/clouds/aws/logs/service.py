"""Amazon CloudWatch Logs: what its operations stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


class Logs(NamedTuple):
    """The parts of the server that CloudWatch Logs uses."""

    store: Store
    clock: Clock
    ids: Ids
