"""An invocation that was kept, as JSON; and the event that a replay is asked to take."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from fogbank.control.replies import RefusedError
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.functions.history import Content, Kept, Summary

_JSON: Final = "json"
_TEXT: Final = "text"
_BASE64: Final = "base64"


class Replay(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a replay; without `event`, the kept one is taken. `event_form` says how `event` is written."""

    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    event_form: Literal["json", "text", "base64"] = "json"


def brief(kept: Kept) -> dict[str, Any]:
    """Return what a list shows of a record. Times are texts, durations milliseconds."""
    summary = kept.summary
    return {
        "id": kept.id,
        # As a text: JSON's readers lose digits of numbers that long.
        "record": str(kept.number),
        "function": kept.function,
        "scope": kept.scope,
        "version": summary.version,
        "contract": summary.contract,
        "source": summary.source,
        "began": iso(summary.began_us),
        "status": "ok" if summary.ok else "error",
        "ended": summary.ended,
        "error_type": summary.error_type,
        "duration_ms": _milliseconds(summary.seconds),
        "billed_ms": summary.billed_ms,
        "init_ms": None if summary.init_seconds is None else _milliseconds(summary.init_seconds),
        "cold": summary.init_seconds is not None,
        "peak_bytes": summary.peak_bytes,
    }


def whole(kept: Kept) -> dict[str, Any]:
    """Return everything that is known of an invocation."""
    content = kept.content
    assert content is not None
    event_form, event = _write(content.event, whole="event" not in content.cut)
    payload_form, payload = _write(content.payload, whole="payload" not in content.cut)
    return {
        **brief(kept),
        "error": _error(kept.summary, content),
        "exit_status": kept.summary.status,
        "event": event,
        "event_form": event_form,
        "event_bytes": kept.summary.event_bytes,
        "context": content.context,
        "payload": payload,
        "payload_form": payload_form,
        "payload_bytes": kept.summary.payload_bytes,
        "head": content.head,
        "logs": [{"at": iso(at_us), "text": text} for at_us, text in content.lines],
        "cut": content.cut,
    }


def read_replay(body: bytes, kept: Kept) -> bytes:
    """Return the event that a replay takes."""
    content = kept.content
    assert content is not None
    try:
        asked = msgspec.json.decode(body, type=Replay) if body.strip() else Replay()
        if asked.event is not msgspec.UNSET:
            return _read(asked.event, asked.event_form)
    except (msgspec.DecodeError, Base64Error, UnicodeError, RecursionError) as error:
        raise RefusedError(400, f"The body is not what a replay takes: {error}") from None
    if "event" in content.cut:
        message = f"Only the first {len(content.event)} bytes of the event are kept; send a whole one as `event`."
        raise RefusedError(400, message)
    return content.event


def context_for(kept: Kept, event: bytes) -> dict[str, Any]:
    """Return the context of a replay: that of the original, but for the length of another event."""
    content = kept.content
    assert content is not None
    headers = content.context.get("headers")
    if not isinstance(headers, list) or event == content.event:
        return content.context
    lengths = [
        (name, str(len(event)) if name.lower() == "content-length" else value) for name, value in map(tuple, headers)
    ]
    return {**content.context, "headers": lengths}


def iso(at_us: int) -> str:
    """Write a time to the microsecond."""
    return f"{datetime.fromtimestamp(at_us // SECOND_US, UTC):%Y-%m-%dT%H:%M:%S}.{at_us % SECOND_US:06d}Z"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1_000, 3)


def _write(data: bytes, *, whole: bool) -> tuple[str, Any]:
    """Return how bytes are written in JSON, and what stands there: their own JSON, text, or base64."""
    if whole:
        try:
            msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass
        else:
            return _JSON, msgspec.Raw(data)
    try:
        return _TEXT, data.decode()
    except UnicodeDecodeError:
        return _BASE64, b64encode(data).decode()


def _read(event: msgspec.Raw, form: str) -> bytes:
    if form == _JSON:
        return bytes(event)
    text = msgspec.json.decode(event, type=str)
    return text.encode() if form == _TEXT else b64decode(text, validate=True)


def _error(summary: Summary, content: Content) -> str:
    """Say in a line why an invocation failed; nothing where it didn't."""
    if summary.ok:
        return ""
    if summary.ended == "launch":
        return content.payload.decode("utf-8", "replace")
    if content.payload and "payload" not in content.cut:
        try:
            reported = msgspec.json.decode(content.payload)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            reported = None
        if isinstance(reported, dict) and isinstance(message := reported.get("errorMessage"), str):
            kind = reported.get("errorType")
            return f"{kind}: {message}" if isinstance(kind, str) and kind else message
    return {
        "abandoned": "The caller went away before it ended.",
        "exit": f"The process ended with signal {-summary.status}."
        if summary.status < 0
        else f"The process ended with exit status {summary.status}.",
        "memory": "It held more memory than it may.",
        "timeout": f"It ran longer than {summary.seconds:.2f} seconds.",
        "too large": f"Its response of {summary.status} bytes is too large.",
    }.get(summary.ended, summary.error_type)
