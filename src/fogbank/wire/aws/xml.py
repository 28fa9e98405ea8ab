"""XML as AWS's Query and REST-XML protocols use it: writers and readers compiled for shapes.

Smithy, "XML bindings": lists are `<Name><member>…`, flattened ones repeat `<Name>`; maps are
`<Name><entry><key>…<value>…`; attributes and namespaces as the model says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from xml.etree import ElementTree as ET

from fogbank.wire.aws.values import MalformedValueError, decode_text, members_of, read_scalar, write_scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.wire.aws.models import Ref, ServiceModel, Shape

Writer: TypeAlias = "Callable[[Any, str, list[str]], None]"
Reader: TypeAlias = "Callable[[list[ET.Element]], Any]"
_INEXPRESSIBLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
XML_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def escape(text: str) -> str:
    """Escape text for an element or a quoted attribute; carriage returns too, which parsers would drop.

    Characters that XML can't express at all become U+FFFD, or nobody could read the rest.
    """
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if not text.isprintable():
        text = _INEXPRESSIBLE.sub("\ufffd", text).replace("\r", "&#xD;")
    return text


def parse_xml(text: bytes) -> ET.Element:
    """Parse a document in UTF-8; raises `MalformedValueError`. Document types, and so entities, are refused."""
    decoded = decode_text(text)
    if "<!DOCTYPE" in decoded:
        raise MalformedValueError("XML without a document type")
    try:
        return ET.fromstring(decoded)  # noqa: S314 - no entities without a document type
    except ET.ParseError:
        raise MalformedValueError("well-formed XML") from None


def local_name(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


class XmlCompiler:
    """Compiles writers and readers for the shapes of one service."""

    def __init__(self, model: ServiceModel, *, timestamps: str = "iso8601") -> None:
        self._model = model
        self._timestamps = timestamps
        self._writers: dict[str, Writer] = {}
        self._readers: dict[str, Reader] = {}

    def writer(self, ref: Ref) -> Writer:
        """Compile `write(value, element_name, parts)`, which appends the element's text to `parts`."""
        shape = self._model.shape(ref)
        if shape.type == "structure":
            return self._write_structure(ref, shape)
        if shape.type == "list":
            return self._write_list(ref, shape)
        if shape.type == "map":
            return self._write_map(ref, shape)
        style = ref.timestamp_format or shape.timestamp_format or self._timestamps
        kind = shape.type

        def write(value: Any, name: str, parts: list[str]) -> None:
            parts.append(f"<{name}>{escape(write_scalar(kind, value, style))}</{name}>")

        return write

    def _write_structure(self, ref: Ref, shape: Shape) -> Writer:
        if ref.shape in self._writers:
            return self._writers[ref.shape]
        members: dict[str, tuple[str, Writer]] = {}
        attributes: dict[str, str] = {}
        namespace = ref.xml_namespace or shape.xml_namespace
        declared = ""
        if namespace is not None:
            prefix = f":{namespace.prefix}" if namespace.prefix else ""
            declared = f' xmlns{prefix}="{namespace.uri}"'

        def write(value: Any, name: str, parts: list[str]) -> None:
            value = members_of(value)
            text = declared
            for member, attribute in attributes.items():
                if value.get(member) is not None:
                    text += f' {attribute}="{escape(str(value[member]))}"'
            parts.append(f"<{name}{text}>")
            for member, item in value.items():
                if item is not None and member not in attributes:
                    wire_name, write_member = members[member]
                    write_member(item, wire_name, parts)
            parts.append(f"</{name}>")

        self._writers[ref.shape] = write
        for member, member_ref in shape.members.items():
            if member_ref.xml_attribute:
                attributes[member] = member_ref.location_name or member
            elif member_ref.location is None:
                members[member] = (self.wire_name(member, member_ref), self.writer(member_ref))
        return write

    def _write_list(self, ref: Ref, shape: Shape) -> Writer:
        assert shape.member is not None
        write_item = self.writer(shape.member)
        if shape.flattened or ref.flattened:

            def write_flat(value: Any, name: str, parts: list[str]) -> None:
                for item in value:
                    write_item(item, name, parts)

            return write_flat
        word = shape.member.location_name or "member"

        def write(value: Any, name: str, parts: list[str]) -> None:
            parts.append(f"<{name}>")
            for item in value:
                write_item(item, word, parts)
            parts.append(f"</{name}>")

        return write

    def _write_map(self, ref: Ref, shape: Shape) -> Writer:
        assert shape.key is not None
        assert shape.value is not None
        flattened = shape.flattened or ref.flattened
        write_key, write_value = self.writer(shape.key), self.writer(shape.value)
        key_word = shape.key.location_name or "key"
        value_word = shape.value.location_name or "value"

        def write(value: Any, name: str, parts: list[str]) -> None:
            entry = name if flattened else "entry"
            if not flattened:
                parts.append(f"<{name}>")
            for key, item in value.items():
                parts.append(f"<{entry}>")
                write_key(key, key_word, parts)
                write_value(item, value_word, parts)
                parts.append(f"</{entry}>")
            if not flattened:
                parts.append(f"</{name}>")

        return write

    def wire_name(self, member: str, ref: Ref) -> str:
        """Return the element name of a member; a flattened list's elements may bring their own."""
        shape = self._model.shape(ref)
        if shape.type == "list" and (shape.flattened or ref.flattened) and shape.member is not None:
            return shape.member.location_name or ref.location_name or member
        return ref.location_name or member

    def reader(self, ref: Ref) -> Reader:
        """Compile `read(elements)` for all the elements of one name within one parent."""
        shape = self._model.shape(ref)
        if shape.type == "structure":
            return self._read_structure(ref, shape)
        if shape.type == "list":
            return self._read_list(ref, shape)
        if shape.type == "map":
            return self._read_map(ref, shape)
        kind = shape.type

        def read(elements: list[ET.Element]) -> Any:
            element = elements[-1]
            if len(element):
                raise MalformedValueError("text", local_name(element.tag))
            try:
                return read_scalar(kind, element.text or "")
            except MalformedValueError as error:
                raise MalformedValueError(error.expected, local_name(element.tag)) from None

        return read

    def _read_structure(self, ref: Ref, shape: Shape) -> Reader:
        if ref.shape in self._readers:
            return self._readers[ref.shape]
        members: dict[str, tuple[str, Reader]] = {}
        attributes: dict[str, str] = {}

        def read(elements: list[ET.Element]) -> Any:
            element = elements[-1]
            groups: dict[str, list[ET.Element]] = {}
            for child in element:
                groups.setdefault(local_name(child.tag), []).append(child)
            result = {}
            for name, group in groups.items():
                if name not in members:
                    raise MalformedValueError("no such element", name)
                member, read_member = members[name]
                result[member] = read_member(group)
            for name, text in element.attrib.items():
                if local_name(name) in attributes:
                    result[attributes[local_name(name)]] = text
            return result

        self._readers[ref.shape] = read
        for member, member_ref in shape.members.items():
            if member_ref.xml_attribute:
                attributes[local_name((member_ref.location_name or member).replace(":", "}"))] = member
            elif member_ref.location is None:
                members[self.wire_name(member, member_ref)] = (member, self.reader(member_ref))
        return read

    def _read_list(self, ref: Ref, shape: Shape) -> Reader:
        assert shape.member is not None
        read_item = self.reader(shape.member)
        if shape.flattened or ref.flattened:
            return lambda elements: [read_item([element]) for element in elements]
        return lambda elements: [read_item([child]) for child in elements[-1]]

    def _read_map(self, ref: Ref, shape: Shape) -> Reader:
        assert shape.key is not None
        assert shape.value is not None
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)
        key_word = shape.key.location_name or "key"
        flattened = shape.flattened or ref.flattened

        def read(elements: list[ET.Element]) -> Any:
            entries = elements if flattened else list(elements[-1])
            result = {}
            for entry in entries:
                parts = {local_name(child.tag): child for child in entry}
                if key_word not in parts or len(parts) != len(entry):
                    raise MalformedValueError("a key and a value", local_name(entry.tag))
                key = parts.pop(key_word)
                result[read_key([key])] = read_value(list(parts.values()))
            return result

        return read


class XmlBody:
    """Reads and writes the XML bodies of REST-XML."""

    content_type = b"application/xml"

    def __init__(self, model: ServiceModel) -> None:
        self._compiler = XmlCompiler(model)
        self._namespace = model.metadata.namespace

    def reader(self, ref: Ref) -> Callable[[bytes], Any]:
        """Compile the reader of a shape; the root element's name is taken as it comes."""
        read = self._compiler.reader(ref)
        return lambda body: read([parse_xml(body)])

    def writer(self, ref: Ref, root: str) -> Callable[[Any], bytes]:
        """Compile the writer of a shape under the root element's name."""
        write = self._compiler.writer(ref)
        start = f"<{root}"
        namespaced = f'{start} xmlns="{self._namespace}"' if self._namespace else start

        def write_document(value: Any) -> bytes:
            parts: list[str] = []
            write(value, root, parts)
            if not parts[0].startswith(f"{start} xmlns="):
                parts[0] = namespaced + parts[0].removeprefix(start)
            return XML_DECLARATION + "".join(parts).encode()

        return write_document
