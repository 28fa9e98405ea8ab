"""Signatures by an account's key: "Authorize with Shared Key", for SharedKey and SharedKeyLite.

Tables have strings to sign of their own, with fewer headers
(https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key).

How old a request's date may be isn't checked: the server's clock may be another than the client's.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from fogbank.clouds.azure.keys import sign
from fogbank.clouds.azure.storage.errors import not_authentic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fogbank.wire.http import Request

_SIGNED: Final = (
    b"content-encoding", b"content-language", b"content-length", b"content-md5", b"content-type", b"date",
    b"if-modified-since", b"if-match", b"if-none-match", b"if-unmodified-since", b"range",
)  # fmt: skip
_SIGNED_LITE: Final = (b"content-md5", b"content-type", b"date")


def check(
    request: Request, account: str, keys: Sequence[str], scheme: str, signature: str, *, table: bool = False
) -> str:
    """Return the one of the account's keys that has made a signature, or raise the error if none has."""
    first = ""
    texts = table_strings_to_sign if table else strings_to_sign
    for text in texts(request, account, lite=scheme == "SharedKeyLite"):
        first = first or text
        for key in keys:
            if hmac.compare_digest(sign(key, text).encode(), signature.encode(errors="replace")):
                return key
    raise not_authentic(
        f"The MAC signature found in the HTTP request '{signature}' is not the same as any computed signature. Server"
        f" used following string to sign: '{first}'."
    )


def strings_to_sign(request: Request, account: str, *, lite: bool) -> Iterator[str]:
    """Yield what a client may have signed; Azure's order of headers ignores hyphens, some clients' doesn't."""
    names = _SIGNED_LITE if lite else _SIGNED
    values = [request.header(name) for name in names]
    if not lite and values[2] == "0":
        values[2] = ""
    if request.header(b"x-ms-date") and lite:
        values[2] = request.header(b"date")
    resource = _resource(request, account, request.raw_path, lite=lite)
    head = "\n".join([request.method, *values])
    for order in (str, _without_hyphens):
        text = f"{head}\n{_headers(request, order)}{resource}"
        yield text
        if "%" in request.raw_path:
            yield text.replace(request.raw_path, unquote(request.raw_path))


def table_strings_to_sign(request: Request, account: str, *, lite: bool) -> Iterator[str]:
    """Yield what a client of tables may have signed: paths with their escapes as they came, or without."""
    date = request.header(b"x-ms-date") or request.header(b"date")
    head = [date] if lite else [request.method, *(request.header(name) for name in _SIGNED_LITE[:2]), date]
    paths = [request.raw_path]
    if "%" in request.raw_path:
        paths.append(unquote(request.raw_path))
    for path in paths:
        yield "\n".join([*head, _resource(request, account, path, lite=True)])


def _without_hyphens(name: str) -> str:
    return name.replace("-", "")


def _headers(request: Request, order: Callable[[str], str]) -> str:
    found = [
        (name.decode("latin-1"), value.decode("latin-1").strip())
        for name, value in request.headers.items()
        if name.startswith(b"x-ms-")
    ]
    found.sort(key=lambda pair: order(pair[0]))
    return "".join([f"{name}:{value}\n" for name, value in found])


def _resource(request: Request, account: str, path: str, *, lite: bool) -> str:
    pairs = parse_qsl(request.raw_query, keep_blank_values=True) if request.raw_query else []
    if lite:
        comp = next((value for name, value in pairs if name.lower() == "comp"), None)
        return f"/{account}{path}" + ("" if comp is None else f"?comp={comp}")
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name.lower(), []).append(value)
    query = "".join([f"\n{name}:{','.join(sorted(values[name]))}" for name in sorted(values)])
    return f"/{account}{path}{query}"
