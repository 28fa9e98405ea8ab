"""Input templates of pipes, and paths in the place of parameters' values.

Amazon EventBridge User Guide, "Amazon EventBridge Pipes input transformation",
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-input-transformation.html: variables are paths into
the event, or the pipe's own; a queue message's body that is JSON is looked into; strings get their quotes, and an
object or list within a string loses all of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.events.transforming import PLACEHOLDER, as_text, fill, is_json, write_json
from fogbank.clouds.aws.lambda_.mappings.criteria import parsed
from fogbank.clouds.aws.pipes.errors import invalid
from fogbank.connectors.piping.handing import FailedError
from fogbank.languages.json_paths import MISSING, InvalidPathError, compile_path, follow_path

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPE_ARN: Final = "aws.pipes.pipe-arn"
PIPE_NAME: Final = "aws.pipes.pipe-name"
SOURCE_ARN: Final = "aws.pipes.source-arn"
ENRICHMENT_ARN: Final = "aws.pipes.enrichment-arn"
TARGET_ARN: Final = "aws.pipes.target-arn"
INGESTION_TIME: Final = "aws.pipes.event.ingestion-time"
EVENT: Final = "aws.pipes.event"
EVENT_JSON: Final = "aws.pipes.event.json"
RESERVED: Final = frozenset(
    {PIPE_ARN, PIPE_NAME, SOURCE_ARN, ENRICHMENT_ARN, TARGET_ARN, INGESTION_TIME, EVENT, EVENT_JSON}
)


class Item(NamedTuple):
    """An event on its way: its text, its value, that with what is within it parsed; whether its payload is JSON."""

    text: str
    value: Any
    looked_into: Any
    is_json: bool = True


def item_of(record: dict[str, Any]) -> Item:
    """Return the event of a queue's message, or of a stream's record."""
    if "body" not in record:
        return Item(write_json(record), record, record)
    body = record["body"]
    looked_into = {**record, "body": parsed(body)}
    return Item(write_json(record), record, looked_into, is_json(body))


def enriched_item(text: str) -> Item:
    """Return an event that an enrichment gave: JSON, or else a text."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return Item(text, text, text, is_json=False)
    return Item(text, value, value)


def check_template(template: str | None, parameter: str) -> None:
    """Raise the error for a template with a variable that there is not."""
    for match in PLACEHOLDER.finditer(template or ""):
        name = match[1]
        if name.startswith("aws.") and name not in RESERVED:
            raise invalid(f"{parameter} has the unknown variable <{name}>.")
        if name.startswith("$") and not is_path(name):
            raise invalid(f"{parameter} has the invalid path <{name}>.")


def render(template: str | None, item: Item, reserved: Mapping[str, Any]) -> str:
    """Return the text that a template makes of an event; without a template it is the event's own."""
    if not template:
        return item.text
    values: dict[str, Any] = dict(reserved)
    values[EVENT] = item.value
    values[EVENT_JSON] = item.looked_into if item.is_json else MISSING
    for match in PLACEHOLDER.finditer(template):
        if match[1].startswith("$"):
            values[match[1]] = follow_path(match[1], item.looked_into)
    if is_json(fill(template, dict.fromkeys(values, 0))):
        return fill(template, values, _unquoted)
    # A free text: it has no strings in the sense of JSON, and values stand in it as texts.
    shown = {name: "" if value is MISSING else as_text(value) for name, value in values.items()}
    return PLACEHOLDER.sub(lambda match: shown.get(match[1], match[0]), template)


def _unquoted(value: Any) -> str:
    return value if isinstance(value, str) else write_json(value).replace('"', "")


def as_json(text: str) -> bytes:
    """Return a text as JSON: as it is if it is that already, or else as a string."""
    return text.encode() if is_json(text) else msgspec.json.encode(text)


def is_path(text: str) -> bool:
    """Whether a text is a path."""
    try:
        compile_path(text)
    except InvalidPathError:
        return False
    return True


def dynamic(text: str, item: Item) -> str:
    """Return a parameter's value: what its path leads to, if it is a path; raises `FailedError`.

    Amazon EventBridge User Guide, "Amazon EventBridge Pipes targets", "Dynamic path parameters":
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-event-target.html.
    """
    if not is_path(text):
        return text
    value = follow_path(text, item.looked_into)
    if value is MISSING:
        msg = f"the path {text} of a parameter leads nowhere"
        raise FailedError(msg)
    return as_text(value)
