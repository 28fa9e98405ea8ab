"""XML as Azure Storage reads and writes it, and its times."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree as ET

from fogbank.clouds.azure.storage.errors import invalid_xml
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.http import Response

NEVER: Final = "Fri, 31 Dec 9999 23:59:59 GMT"
NEVER_US: Final = 253_402_300_799_000_000
_XML: Final = (b"Content-Type", b"application/xml")
_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'


def xml_response(status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    """Return a response with an XML body; what stands in `text` is escaped already."""
    return Response(status, [_XML, *(headers or ())], f"{_HEAD}{text}".encode())


def read_xml(data: bytes, root: str) -> ET.Element:
    """Return the body of a request, whose outermost element must be `root`; declarations are refused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid_xml(str(error)) from None
    if "<!" in text.replace("<![CDATA[", ""):
        raise invalid_xml("A document type isn't allowed.")
    try:
        found = ET.fromstring(text)  # noqa: S314 - without a document type there is nothing to expand
    except (ET.ParseError, ValueError, LookupError) as error:
        raise invalid_xml(str(error)) from None
    if found.tag != root:
        raise invalid_xml(f"The root element must be {root}.")
    return found


@lru_cache(maxsize=1024)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def date_of(at_us: int) -> str:
    """Return a time as RFC 1123 has it."""
    return NEVER if at_us >= NEVER_US else _date(at_us // SECOND_US)
