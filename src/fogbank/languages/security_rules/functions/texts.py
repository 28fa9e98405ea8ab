"""Methods of texts and bytes (https://firebase.google.com/docs/reference/rules/rules.String)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final

from fogbank.languages.linear_regex import compile_linear

if TYPE_CHECKING:
    from collections.abc import Callable


def _replace(text: str, pattern: str, new: str) -> str:
    _check(new)
    parts: list[str] = []
    at = 0
    for begin, end in compile_linear(pattern).spans(text):
        parts += (text[at:begin], new)
        at = end
    return "".join((*parts, text[at:]))


def _split(text: str, pattern: str) -> list[str]:
    parts = []
    at = 0
    for begin, end in compile_linear(pattern).spans(text):
        if end > begin:
            parts.append(text[at:begin])
            at = end
    return [*parts, text[at:]]


def _check(text: Any) -> None:
    if not isinstance(text, str):
        msg = "a text is needed"
        raise TypeError(msg)


STRING: Final[dict[str, Callable[..., Any]]] = {
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "matches": lambda text, pattern: compile_linear(pattern).fits(text),
    "replace": _replace,
    "size": len,
    "split": _split,
    "trim": lambda text: text.strip(),
    "toUtf8": lambda text: text.encode(),
}
BYTES: Final[dict[str, Callable[..., Any]]] = {
    "size": len,
    "toBase64": lambda data: urlsafe_b64encode(data).decode(),
    "toHexString": lambda data: data.hex().upper(),
}
