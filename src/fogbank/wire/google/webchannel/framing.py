"""What stands in requests and responses: maps as a form, arrays as JSON behind their lengths."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fogbank.wire.grpc.metadata import Metadata

MAPS_MAX: Final = 1_000
_DATA: Final = re.compile(r"req([0-9]{1,9})___data__")


class FormError(Exception):
    """The body of a request is no form of maps."""


class Posted(NamedTuple):
    """What a request of the forward channel brings: headers, and maps with the number of the first one."""

    headers: Metadata
    offset: int
    maps: list[str]


def read_form(body: bytes) -> Posted:
    """Read the body of a request; raises `FormError`."""
    try:
        pairs = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAPS_MAX * 2))
        offset, count = int(pairs.get("ofs", "0")), int(pairs.get("count", "0"))
    except ValueError as error:
        raise FormError(str(error)) from None
    found: dict[int, str] = {}
    for name, value in pairs.items():
        match = _DATA.fullmatch(name)
        if match is not None:
            found[int(match[1])] = value
    if not 0 <= count <= MAPS_MAX or offset < 0 or sorted(found) != list(range(count)):
        msg = f"{count} maps are announced, and there are {len(found)}."
        raise FormError(msg)
    return Posted(read_headers(pairs.get("headers", "")), offset, [found[number] for number in range(count)])


def read_headers(text: str) -> Metadata:
    """Read headers that stand in a form or a query, each on a line."""
    lines = (line.partition(":") for line in text.split("\r\n"))
    return [(name.strip().lower(), value.strip()) for name, colon, value in lines if colon]


def write_chunk(value: Any) -> bytes:
    """Write a chunk: how many characters it has, and JSON, all of which is ASCII."""
    text = json.dumps(value, separators=(",", ":"))
    return f"{len(text)}\n{text}".encode()


def write_arrays(arrays: Iterable[bytes]) -> bytes:
    """Write a chunk of arrays that are encoded already."""
    text = b"[" + b",".join(arrays) + b"]"
    return b"%d\n%b" % (len(text), text)


def write_array(number: int, value: Any) -> bytes:
    """Write a numbered array."""
    return json.dumps([number, value], separators=(",", ":")).encode()
