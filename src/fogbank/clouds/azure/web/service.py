"""Microsoft.Web's operations by method and path; every other one is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.azure.errors import AzureError
from fogbank.clouds.azure.web import app_functions, configs, sites

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.web.sites import Web
    from fogbank.wire.http import Response

    Run = Callable[[Web, ArmCall], Coroutine[object, object, Response]]

PROVIDER: Final = "microsoft.web"
# An empty segment stands for any name.
_FUNCTION: Final = "sites//functions/"
OPERATIONS: Final[dict[tuple[str, str], Run]] = {
    ("GET", "sites"): sites.list_sites,
    ("GET", "sites/"): sites.get_site,
    ("PUT", "sites/"): sites.put_site,
    ("PATCH", "sites/"): sites.patch_site,
    ("DELETE", "sites/"): sites.delete_site,
    ("POST", "sites//restart"): sites.restart_site,
    ("POST", "sites//start"): sites.start_site,
    ("POST", "sites//stop"): sites.stop_site,
    ("PUT", "sites//config/appsettings"): configs.put_app_settings,
    ("POST", "sites//config/appsettings/list"): configs.list_app_settings,
    ("GET", "sites//config/web"): configs.get_web_config,
    ("PATCH", "sites//config/web"): configs.patch_web_config,
    ("POST", "sites//config/publishingcredentials/list"): configs.list_publishing_credentials,
    ("GET", "sites//functions"): app_functions.list_functions,
    ("GET", _FUNCTION): app_functions.get_function,
    ("POST", _FUNCTION + "/listkeys"): app_functions.list_function_keys,
    ("POST", _FUNCTION + "/listsecrets"): app_functions.list_function_secrets,
    ("PUT", _FUNCTION + "/keys/"): app_functions.put_function_key,
    ("DELETE", _FUNCTION + "/keys/"): app_functions.delete_function_key,
    ("POST", "sites//host/default/listkeys"): app_functions.list_host_keys,
    ("PUT", "sites//host/default//"): app_functions.put_host_key,
    ("DELETE", "sites//host/default//"): app_functions.delete_host_key,
    ("POST", "sites//host/default/sync"): app_functions.sync_triggers,
    ("POST", "sites//host/default/listsyncstatus"): app_functions.sync_triggers,
    ("POST", "sites//syncfunctiontriggers"): app_functions.sync_triggers,
}
_PATTERNS: Final = [(method, pattern.split("/"), run) for (method, pattern), run in OPERATIONS.items()]


async def handle(web: Web, call: ArmCall) -> Response:
    """Run the operation that a request asks for, or raise the `AzureError` that it is refused with."""
    lowered = [segment.lower() for segment in call.path]
    for method, pattern, run in _PATTERNS:
        if method == call.method and _matches(pattern, lowered) and (call.group or pattern == ["sites"]):
            return await run(web, call)
    what = f"{call.method} Microsoft.Web/{'/'.join(call.path)}"
    raise AzureError(400, "BadRequest", f"Fogbank does not support the operation {what}.")


def _matches(pattern: list[str], path: list[str]) -> bool:
    return len(pattern) == len(path) and all(not want or want == have for want, have in zip(pattern, path, strict=True))
