"""The properties and statistics of one of an account's services ("Set Queue Service Properties", "… Table …")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from fogbank.clouds.azure.storage import accounts
from fogbank.clouds.azure.storage.documents import date_of, read_xml, xml_response
from fogbank.clouds.azure.storage.errors import StorageError, invalid_xml, unsupported
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall

BODY_BYTES_MAX: Final = 65_536
# Under what they are noted, by the service.
_FACTS: Final = {"queue": "queue_properties", "table": "table_properties"}
_METRICS: Final = (
    "<Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>"
)
_DEFAULTS: Final = {
    "Logging": "<Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>"
    "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></Logging>",
    "HourMetrics": f"<HourMetrics>{_METRICS}</HourMetrics>",
    "MinuteMetrics": f"<MinuteMetrics>{_METRICS}</MinuteMetrics>",
    "Cors": "<Cors />",
}
_ROOT: Final = "StorageServiceProperties"


async def get_properties(parts: Parts, call: StorageCall) -> Response:
    """Show the properties."""
    return xml_response(200, await _properties(parts, call))


async def _properties(parts: Parts, call: StorageCall) -> str:
    noted = (await parts.store.read(accounts.facts, call.account)).get(_FACTS[call.service])
    return noted or f"<{_ROOT}>{''.join(_DEFAULTS.values())}</{_ROOT}>"


async def set_properties(parts: Parts, call: StorageCall) -> Response:
    """Replace those properties that the request has; logging and metrics are kept and shown, nothing more."""
    given = read_xml(await call.request.read(BODY_BYTES_MAX), _ROOT)
    kept = await _properties(parts, call)
    known = {element.tag: element for element in read_xml(kept.encode(), _ROOT)}
    for element in given:
        if element.tag not in _DEFAULTS:
            raise invalid_xml(f"The element {element.tag} is not a property of the {call.service} service.")
        if element.tag == "Cors" and len(element):
            raise unsupported("cross-origin resource sharing (Cors) in service properties")
        known[element.tag] = element
    root = ET.Element(_ROOT)
    root.extend(known[tag] for tag in _DEFAULTS)
    text = ET.tostring(root, encoding="unicode")
    await parts.store.run(accounts.note, call.account, _FACTS[call.service], text)
    return Response(202, [])


async def get_stats(parts: Parts, call: StorageCall) -> Response:
    """Show how far the copy of the account is behind, which only the copy itself tells."""
    if not call.secondary:
        message = "Value for one of the query parameters specified in the request URI is invalid."
        raise StorageError(400, "InvalidQueryParameterValue", message, {"QueryParameterName": "comp"})
    now_us = parts.clock.now()
    return xml_response(
        200,
        "<StorageServiceStats><GeoReplication><Status>live</Status>"
        f"<LastSyncTime>{date_of(now_us)}</LastSyncTime></GeoReplication></StorageServiceStats>",
    )
