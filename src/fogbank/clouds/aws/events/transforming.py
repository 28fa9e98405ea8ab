"""What a target gets of an event: a constant, a part of it, or what a template makes of its parts.

Amazon EventBridge User Guide, "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.languages.json_paths import MISSING, InvalidPathError, compile_path, follow_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RULE_ARN: Final = "aws.events.rule-arn"
RULE_NAME: Final = "aws.events.rule-name"
INGESTION_TIME: Final = "aws.events.event.ingestion-time"
EVENT: Final = "aws.events.event"
EVENT_JSON: Final = "aws.events.event.json"
RESERVED: Final = frozenset({RULE_ARN, RULE_NAME, INGESTION_TIME, EVENT, EVENT_JSON})
# A string of JSON, or a placeholder outside of one.
_PIECE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|<([^<>"\s]+)>')
PLACEHOLDER: Final = re.compile(r"<([^<>\s]+)>")


class InvalidTemplateError(Exception):
    """The template can't be: says why."""


def check_template(template: str, paths: Mapping[str, str]) -> None:
    """Raise `InvalidTemplateError` for a template that makes no JSON, or has placeholders without a path."""
    for name, path in paths.items():
        if name.lower().startswith("aws."):
            msg = f"the variable {name} begins with AWS, which is reserved"
            raise InvalidTemplateError(msg)
        try:
            compile_path(path)
        except InvalidPathError:
            msg = f"{path} is not a valid JSON path"
            raise InvalidTemplateError(msg) from None
    values = {**dict.fromkeys(paths, 0), **dict.fromkeys(RESERVED, 0)}
    for match in PLACEHOLDER.finditer(template):
        if match[1] not in values and match[1].startswith("aws."):
            msg = f"the placeholder <{match[1]}> is unknown"
            raise InvalidTemplateError(msg)
    text = fill(template, values)
    lines = [line for line in text.splitlines() if line.strip()]
    if not is_json(text) and not (lines and all(is_json(line) for line in lines)):
        msg = "it makes no valid JSON"
        raise InvalidTemplateError(msg)


def transform(template: str, paths: Mapping[str, str], event: Mapping[str, Any], reserved: Mapping[str, Any]) -> bytes:
    """Return what a template makes of an event."""
    values = {name: follow_path(path, event) for name, path in paths.items()}
    return fill(template, {**values, **reserved}).encode()


def as_text(value: Any) -> str:
    """Return a value as it stands within a string: JSON, if it isn't a string itself."""
    return value if isinstance(value, str) else write_json(value)


def fill(template: str, values: Mapping[str, Any], text_of: Callable[[Any], str] = as_text) -> str:
    """Put values in the places of their names: as text in strings, as JSON outside of them."""

    def in_string(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        if value is MISSING:
            return ""
        return write_json(text_of(value))[1:-1]

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return PLACEHOLDER.sub(in_string, match[0])
        if name not in values:
            return match[0]
        value = values[name]
        return "null" if value is MISSING else write_json(value)

    return _PIECE.sub(replace, template)


def write_json(value: Any) -> str:
    """Return a value as JSON."""
    return msgspec.json.encode(value).decode()


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True
