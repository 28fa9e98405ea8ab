"""Starts the instances that are kept ready when the server starts: nobody has called them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.engines.functions import functions, versions
from fogbank.kernel.tasks import Supervisor

if TYPE_CHECKING:
    from fogbank.connectors.invoker import Invoker
    from fogbank.storage import Store

LOOKED_AT_ONCE: Final = 200


class Readiness:
    """Looks once what is to be kept ready; later changes are acted on where they are made."""

    def __init__(self, store: Store, invoker: Invoker) -> None:
        self._store = store
        self._invoker = invoker
        self._tasks = Supervisor("readiness")

    def start(self) -> None:
        """Begin."""
        self._tasks.spawn("prepare", self._prepare())

    async def close(self) -> None:
        """Stop; what has been started is the runner's."""
        await self._tasks.close()

    async def _prepare(self) -> None:
        for version in await self._store.read(versions.all_kept_ready):
            self._invoker.prepare(version)
        after = ("", "")
        contracts = set()
        while batch := await self._store.read(functions.list_everywhere, after, LOOKED_AT_ONCE):
            for function in batch:
                contract = function.config.contract
                if function.config.instances_min:
                    self._invoker.prepare(function)
                elif contract not in contracts:
                    # Whichever is called first, what its instances grow from is there.
                    self._invoker.warm(function)
                contracts.add(contract)
            after = (batch[-1].scope, batch[-1].name)
