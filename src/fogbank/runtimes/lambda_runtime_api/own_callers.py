"""Who may call the APIs of one instance: its own processes, the function's and what runs beside it.

Their port can be reached by whoever is on this machine, so everybody else is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from fogbank.runtimes.contract import IsOwn
    from fogbank.wire.http import Request
    from fogbank.wire.http1 import Connection
    from fogbank.wire.server import HttpServer


class OwnCallers:
    """Those who call a server from within the instance; `is_own` tells them by address and port, and by ours."""

    def __init__(self, server: HttpServer, is_own: IsOwn) -> None:
        self._server = server
        self._is_own = is_own
        # Connections that were looked at already.
        self._admitted: WeakSet[Connection] = WeakSet()

    def include(self, request: Request) -> bool:
        """Whether a request comes from the instance itself. A connection stays its own, whatever asks over it."""
        port = request.client_port
        connection = next((each for each in self._server.connections if each.client_port == port), None)
        if connection is None:
            return False
        if connection not in self._admitted:
            if not self._is_own(request.client, port, request.server_port):
                return False
            self._admitted.add(connection)
        return True
