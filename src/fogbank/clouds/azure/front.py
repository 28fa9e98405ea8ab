"""What answers Azure's requests once they are known to be Azure's; loaded when the first one comes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fogbank.clouds.azure.arm.calls import read_call
from fogbank.clouds.azure.arm.resources import PROVIDERS, extends
from fogbank.clouds.azure.arm.telling import TellingStore
from fogbank.clouds.azure.errors import AzureError, error_response
from fogbank.clouds.azure.functions.kudu import Kudu
from fogbank.clouds.azure.functions.serving import AppHost
from fogbank.clouds.azure.web import service
from fogbank.clouds.azure.web.sites import Web
from fogbank.storage import StoreUnavailableError
from fogbank.wire.http import BodyIncompleteError, Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.functions.indexing import Indexer
    from fogbank.clouds.azure.parts import Parts
    from fogbank.wire.http import Request

_log = logging.getLogger(__name__)


class Front:
    """Answers requests to apps, to their deployment services, and to the management API."""

    def __init__(self, parts: Parts, indexer: Indexer) -> None:
        self._parts = parts
        self._ids = parts.ids
        self._web = Web(parts, indexer)
        self._apps = AppHost(parts, indexer)
        self._kudu = Kudu(parts, indexer)

    async def serve(self, request: Request, name: str) -> Response:
        """Answer a request for a host name, of which `name` is what stands before the domain."""
        try:
            if name.endswith(".scm"):
                return await self._kudu.handle(request, name.removesuffix(".scm"))
            return await self._apps.handle(request, name)
        except BodyIncompleteError:
            raise
        except StoreUnavailableError as error:
            _log.error("the store is unavailable: %s", error)
            return Response(503, [])
        except Exception:  # noqa: BLE001 - answered, and logged
            _log.exception("%s %s failed", request.method, request.raw_path)
            return Response(500, [])

    async def manage(self, request: Request) -> Response:
        """Answer a request to Azure Resource Manager."""
        number = self._ids.request().encode()
        headers = [
            (b"x-ms-request-id", number),
            (b"x-ms-correlation-request-id", number),
            (b"Cache-Control", b"no-cache"),
        ]
        try:
            call = await read_call(request)
            response = await self._carry_out(call, request, number.decode())
        except BodyIncompleteError:
            raise
        except AzureError as error:
            return error_response(error, headers)
        except StoreUnavailableError as error:
            _log.error("the store is unavailable: %s", error)
            refused = AzureError(503, "ServiceUnavailable", f"The store is unavailable: {error}")
            return error_response(refused, headers)
        except Exception:  # noqa: BLE001 - answered, and logged
            _log.exception("%s %s failed", request.method, request.raw_path)
            return error_response(AzureError(500, "InternalServerError", "There was an internal error."), headers)
        response.headers += headers
        return response

    async def _carry_out(self, call: ArmCall, request: Request, number: str) -> Response:
        """Run an operation; what it writes is told of in the transaction that does so."""
        from fogbank.clouds.azure.eventgrid.system import resource_events  # noqa: PLC0415 - loaded on first use

        if call.method not in resource_events.KINDS or call.provider not in PROVIDERS or not call.subscription:
            return await self._manage(self._parts, call)
        tell = resource_events.telling(self._parts, call, request, number)
        store = TellingStore(self._parts.store, tell, before=call.method in ("PUT", "PATCH"))
        response = await self._manage(self._parts._replace(store=store), call)
        if call.method == "POST":
            await store.tell_now()
        return response

    async def _manage(self, parts: Parts, call: ArmCall) -> Response:
        if not call.subscription and call.provider != "microsoft.eventgrid":
            raise AzureError(400, "BadRequest", f"Fogbank does not support the operation {call.method} on providers.")
        if call.provider == "microsoft.eventgrid" or extends(call):
            from fogbank.clouds.azure.eventgrid.service import handle as handle_event_grid  # noqa: PLC0415 - as above

            return await handle_event_grid(parts, call)
        if call.provider == service.PROVIDER:
            return await service.handle(self._web._replace(parts=parts), call)
        if call.provider == "microsoft.storage":
            from fogbank.clouds.azure.storage.service import handle  # noqa: PLC0415 - loaded on first use

            return await handle(parts, call)
        if call.provider == "microsoft.documentdb":
            from fogbank.clouds.azure.cosmos.management import handle as handle_cosmos  # noqa: PLC0415 - as above

            return await handle_cosmos(parts, call)
        raise AzureError(400, "BadRequest", f"Fogbank does not support the resource provider {call.provider}.")
