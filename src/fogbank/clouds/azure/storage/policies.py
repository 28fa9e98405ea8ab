"""Stored access policies, which shared access signatures may name: how they are kept, read and shown.

"Define a stored access policy" (https://learn.microsoft.com/rest/api/storageservices/define-stored-access-policy).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.storage.documents import read_xml, xml_response
from fogbank.clouds.azure.storage.errors import StorageError, invalid_xml, text_of
from fogbank.clouds.azure.storage.sas import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.storage.calls import StorageCall
    from fogbank.wire.http import Response

LABEL: Final = "acl"
POLICIES_MAX: Final = 5
BODY_BYTES_MAX: Final = 65_536
_POLICIES: Final = msgspec.json.Decoder(dict[str, Policy])


def policies_in(labels: Mapping[str, str]) -> dict[str, Policy]:
    """Return the policies that a resource's labels have."""
    return _POLICIES.decode(labels.get(LABEL, "{}"))


def show_policies(policies: Mapping[str, Policy]) -> Response:
    """Show policies."""
    shown = []
    for name, policy in policies.items():
        parts = (("Start", policy.start), ("Expiry", policy.expiry), ("Permission", policy.permission))
        told = "".join(f"<{tag}>{text_of(value)}</{tag}>" for tag, value in parts if value)
        shown.append(
            f"<SignedIdentifier><Id>{text_of(name)}</Id><AccessPolicy>{told}</AccessPolicy></SignedIdentifier>"
        )
    return xml_response(200, f"<SignedIdentifiers>{''.join(shown)}</SignedIdentifiers>")


async def read_policies(call: StorageCall, permissions: str) -> str:
    """Return the policies that a request has, as a label; they may have these permissions."""
    data = await call.request.read(BODY_BYTES_MAX)
    policies: dict[str, Policy] = {}
    for element in read_xml(data, "SignedIdentifiers") if data else ():
        identifier = element.findtext("Id") or ""
        if element.tag != "SignedIdentifier" or not 0 < len(identifier) <= 64:
            raise invalid_xml("A SignedIdentifier needs an Id of at most 64 characters.")
        fields = [element.findtext(f"AccessPolicy/{tag}") or "" for tag in ("Start", "Expiry", "Permission")]
        policies[identifier] = Policy(*fields)
        if set(fields[2]) - set(permissions):
            raise StorageError(400, "InvalidXmlNodeValue", "The value for one of the XML nodes is not in the correct"
                               " format.", {"XmlNodeName": "Permission", "XmlNodeValue": fields[2]})  # fmt: skip
    if len(policies) > POLICIES_MAX:
        raise invalid_xml(f"There may be {POLICIES_MAX} signed identifiers.")
    return msgspec.json.encode(policies).decode()
