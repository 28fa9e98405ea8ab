"""What is shown of requests and refusals: bodies as values, secrets left out, what is long cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from xml.etree.ElementTree import Element

    from fogbank.wire.http import Response

TEXT_MAX: Final = 1_024
ITEMS_MAX: Final = 100
DEPTH_MAX: Final = 20
HIDDEN: Final = "(hidden)"
# Names of what proves who somebody is; tokens of pages and of requests that come again are none.
_SECRET: Final = re.compile(
    r"authorization|password|secret(?!arn|id|name)|signature|credential|assertion|private[_-]?key|^sig$|^code$"
    r"|(?:access|account|shared|api|master|function)s?[_-]?key$|(?:security|session|access|id|refresh|auth|bearer)[_-]?token"
    r"|functions-key|sas-key|sas-token|x-ms-token|aeg-sas",
    re.IGNORECASE,
)
# Identifiers of keys, which prove nothing.
_NAMED: Final = re.compile(r"key_?ids?$", re.IGNORECASE)


def read_body(content_type: str, body: bytes) -> Any:
    """Return a body as a value: JSON and forms by their fields, all else as text; None for an empty one."""
    if not body:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "json" in kind or body[:1] in b"{[":
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # It is shown as it is.
            pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return f"({len(body)} bytes)"


def merged(*parts: Any) -> dict[str, Any]:
    """Return the fields of all parts together; what isn't fields stands under `body`."""
    fields: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, dict):
            fields.update(part)
        elif part is not None:
            fields["body"] = part
    return fields


def shown(value: Any, depth: int = 0) -> Any:
    """Return a value as it may be shown: no secrets, nothing that is very long or deep."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]}… ({len(value)} characters)"
    if isinstance(value, dict | list) and depth >= DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        found = {}
        for name, inner in list(value.items())[:ITEMS_MAX]:
            hidden = (
                bool(_SECRET.search(str(name))) and not _NAMED.search(str(name)) and inner not in (None, "", [], {})
            )
            found[str(name)] = HIDDEN if hidden else shown(inner, depth + 1)
        if len(value) > ITEMS_MAX:
            found["…"] = f"{len(value) - ITEMS_MAX} more"
        return found
    if isinstance(value, list):
        more = [f"… {len(value) - ITEMS_MAX} more"] if len(value) > ITEMS_MAX else []
        return [*(shown(inner, depth + 1) for inner in value[:ITEMS_MAX]), *more]
    return value


def header_fields(headers: Mapping[bytes, bytes], prefixes: tuple[bytes, ...]) -> dict[str, str]:
    """Return the headers whose names begin so."""
    return {
        name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items() if name.startswith(prefixes)
    }


def read_failure(response: Response) -> tuple[str, str]:
    """Return code and message of a refusal, in whatever form its cloud has written it."""
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    code = headers.get(b"x-amzn-errortype") or headers.get(b"x-ms-error-code") or ""
    body = response.body if isinstance(response.body, bytes) else b""
    found = read_body(headers.get(b"content-type", ""), body)
    message = ""
    if isinstance(found, list) and len(found) == 1:
        # Google's answer to what is streamed.
        found = found[0]
    if isinstance(found, dict):
        told, message = _of_fields(found)
        code = code or told
    elif isinstance(found, str) and found.lstrip().startswith("<"):
        told, message = _of_xml(found)
        code = code or told
    elif isinstance(found, str):
        message = found
    return code.rpartition("#")[2].partition(":")[0], message


def _of_fields(fields: dict[str, Any]) -> tuple[str, str]:
    inner = fields.get("error") or fields.get("odata.error") or fields
    if isinstance(inner, str):
        # OAuth 2.0's form.
        return inner, str(fields.get("error_description", ""))
    if not isinstance(inner, dict):
        return "", ""
    code = inner.get("status") or inner.get("__type") or inner.get("code") or inner.get("Code") or ""
    message = inner.get("message") or inner.get("Message") or ""
    if isinstance(message, dict):
        message = message.get("value", "")
    return str(code), str(message)


def _of_xml(text: str) -> tuple[str, str]:
    from xml.etree.ElementTree import ParseError, fromstring  # noqa: PLC0415 - loaded on first use

    try:
        root = fromstring(text.encode())  # noqa: S314 - as above
    except ParseError:
        return "", text
    return _inner(root, "code"), _inner(root, "message")


def _inner(root: Element, name: str) -> str:
    for element in root.iter():
        if element.tag.rpartition("}")[2].lower() == name:
            return element.text or ""
    return ""
