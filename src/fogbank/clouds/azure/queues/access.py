"""Stored access policies of a queue ("Set Queue ACL"), which shared access signatures may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.queues.documents import read_xml, xml_response
from fogbank.clouds.azure.queues.queues import name_of
from fogbank.clouds.azure.storage.errors import StorageError, invalid_xml, text_of
from fogbank.clouds.azure.storage.sas import Policy
from fogbank.engines.messaging import queues
from fogbank.engines.messaging.errors import QueueNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.engines.messaging.model import Queue, QueueConfig

POLICIES_MAX: Final = 5
BODY_BYTES_MAX: Final = 65_536
_LABEL: Final = "acl"
_POLICIES: Final = msgspec.json.Decoder(dict[str, Policy])


def _policies(queue: Queue) -> dict[str, Policy]:
    return _POLICIES.decode(queue.config.labels.get(_LABEL, "{}"))


async def policies_of(parts: Parts, call: StorageCall) -> dict[str, Policy]:
    """Return the policies of the queue that a request is for, none if there is no such queue."""
    try:
        return _policies(await parts.store.read(queues.find, name_of(call)))
    except QueueNotFoundError:
        return {}


async def get_acl(parts: Parts, call: StorageCall) -> Response:
    """Show a queue's policies."""
    policies = _policies(await parts.store.read(queues.find, name_of(call)))
    shown = []
    for name, policy in policies.items():
        parts_ = (("Start", policy.start), ("Expiry", policy.expiry), ("Permission", policy.permission))
        told = "".join(f"<{tag}>{text_of(value)}</{tag}>" for tag, value in parts_ if value)
        shown.append(
            f"<SignedIdentifier><Id>{text_of(name)}</Id><AccessPolicy>{told}</AccessPolicy></SignedIdentifier>"
        )
    return xml_response(200, f"<SignedIdentifiers>{''.join(shown)}</SignedIdentifiers>")


async def set_acl(parts: Parts, call: StorageCall) -> Response:
    """Replace a queue's policies."""
    data = await call.request.read(BODY_BYTES_MAX)
    policies: dict[str, Policy] = {}
    for element in read_xml(data, "SignedIdentifiers") if data else ():
        identifier = element.findtext("Id") or ""
        if element.tag != "SignedIdentifier" or not 0 < len(identifier) <= 64:
            raise invalid_xml("A SignedIdentifier needs an Id of at most 64 characters.")
        fields = [element.findtext(f"AccessPolicy/{tag}") or "" for tag in ("Start", "Expiry", "Permission")]
        policies[identifier] = Policy(*fields)
        if set(fields[2]) - set("raup"):
            raise StorageError(400, "InvalidXmlNodeValue", "The value for one of the XML nodes is not in the correct"
                               " format.", {"XmlNodeName": "Permission", "XmlNodeValue": fields[2]})  # fmt: skip
    if len(policies) > POLICIES_MAX:
        raise invalid_xml(f"There may be {POLICIES_MAX} signed identifiers.")
    label = msgspec.json.encode(policies).decode()

    def change(config: QueueConfig) -> QueueConfig:
        return msgspec.structs.replace(config, labels={**config.labels, _LABEL: label})

    await parts.store.run(queues.update, name_of(call), change)
    return Response(204, [])
