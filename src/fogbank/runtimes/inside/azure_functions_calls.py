"""One invocation of an Azure function: what it is called with, and what its results are made into.

Requests and responses are converted by `azure.functions` itself, as Azure's worker does it.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl

from fogbank.runtimes.inside.azure_functions_index import converter_of

if TYPE_CHECKING:
    from fogbank.runtimes.inside.azure_functions_index import Loaded
    from fogbank.runtimes.inside.channel import Message

HTTP_TRIGGER: Final = "httpTrigger"
QUEUE_TRIGGER: Final = "queueTrigger"
RETURN: Final = "$return"
TEXT: Final = "text/plain; charset=utf-8"
_local = threading.local()


class TraceContext(NamedTuple):
    """The trace that the request belongs to."""

    trace_parent: str
    trace_state: str
    attributes: dict[str, str]

    @property
    def Traceparent(self) -> str:  # noqa: N802 - an older name that azure.functions' documentation has
        """The header traceparent."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802
        """The header tracestate."""
        return self.trace_state


class RetryContext(NamedTuple):
    """How often this was tried already, and how often the function's retry policy allows (-1 is for ever)."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


class Context(NamedTuple):
    """What a function that asks for its context gets."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext
    thread_local_storage: Any


class Out:
    """An output that the function sets."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        """Set the value."""
        self._value = value

    def get(self) -> Any:
        """Return the value, None as long as none was set."""
        return self._value


def arguments(function: Loaded, message: Message) -> dict[str, Any]:
    """Return what a function is called with."""
    head = message.head
    context: dict[str, Any] = head["context"]
    if "refused" in context:
        # An input that couldn't be found.
        raise RuntimeError(context["refused"])
    given: dict[str, Any] = {name: _decode(binding, message) for name, binding in function.inputs.items()}
    given.update({name: Out() for name in function.outputs})
    if function.wants_context:
        _local.invocation_id = head["id"]
        headers = {name.lower(): value for name, value in context.get("headers", ())}
        trace = TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""), {})
        given["context"] = Context(
            head["id"], function.name, function.directory, trace, _retry_context(context), _local
        )
    return given


def _retry_context(context: dict[str, Any]) -> RetryContext:
    return RetryContext(context.get("tries", 0), int(context.get("tries_max", 0)))


def result(function: Loaded, given: dict[str, Any], returned: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the body and head that a function's results make; raises `TypeError` for what can't be encoded."""
    if returned is not None and function.returns is None:
        msg = f"function {function.name!r} without a $return binding returned a non-None value"
        raise RuntimeError(msg)
    response: Any = None
    outputs: dict[str, Any] = {}
    for name, binding in function.outputs.items():
        value = given[name].get()
        if binding.get("type") == "http":
            response = value
        elif value is not None:
            outputs[name] = _encode_output(binding, value)
    if function.returns is not None and function.returns.get("type") == "http" and returned is not None:
        response = returned
    elif function.returns is not None and returned is not None:
        outputs[RETURN] = _encode_output(function.returns, returned)
    head: dict[str, Any] = {"outputs": outputs} if outputs else {}
    if all(binding.get("type") != HTTP_TRIGGER for binding in function.inputs.values()):
        return b"", head
    if response is None:
        return b"", {**head, "status": 204, "headers": []}
    body, answer = _encode_response(response)
    return body, {**head, **answer}


def _encode_output(binding: dict[str, Any], value: Any) -> dict[str, str]:
    """Return what an output was set to: its text, its bytes in base64, or JSON."""
    kind = str(binding["type"])
    converter = converter_of(kind)
    if converter is None:
        msg = f"the binding type {kind!r} is not supported"
        raise RuntimeError(msg)
    if kind == "queue":
        value = _plain(value)
    try:
        datum = converter.encode(value, expected_type=None)
    except NotImplementedError:
        name = type(value).__name__
        msg = f'unable to encode outgoing TypedData: unsupported type "{kind}" for Python type "{name}"'
        raise TypeError(msg) from None
    if datum.type == "bytes":
        return {"bytes": b64encode(datum.value).decode()}
    return {str(datum.type): datum.value}


def _plain(value: Any) -> Any:
    """Return the bodies of messages in the place of messages."""
    if hasattr(value, "get_body"):
        body: bytes = value.get_body()
        return body
    if isinstance(value, (list, tuple)):
        return [each.get_body().decode() if hasattr(each, "get_body") else each for each in value]
    return value


def _decode(binding: dict[str, Any], message: Message) -> Any:
    from azure.functions.meta import Datum  # noqa: PLC0415 - the one that the app has

    kind = str(binding["type"])
    converter = converter_of(kind)
    if converter is None:
        msg = f"the binding type {kind!r} is not supported"
        raise RuntimeError(msg)
    if not kind.lower().endswith("trigger"):
        found = message.head["context"].get("inputs", {}).get(binding["name"])
        return None if found is None else converter.decode(Datum(found, "json"), trigger_metadata={})
    if kind == HTTP_TRIGGER:
        return converter.decode(Datum(_request(message), "http"), trigger_metadata={})
    if kind == QUEUE_TRIGGER:
        return converter.decode(_body(message), trigger_metadata=_metadata(message))
    return converter.decode(Datum(message.body.decode(), "json"), trigger_metadata={})


def _body(message: Message) -> Any:
    from azure.functions.meta import Datum  # noqa: PLC0415 - the one that the app has

    try:
        return Datum(message.body.decode(), "string")
    except UnicodeDecodeError:
        return Datum(message.body, "bytes")


def _metadata(message: Message) -> dict[str, Any]:
    """Return what is known of a trigger's event besides: texts as they are, all else as JSON."""
    from azure.functions.meta import Datum  # noqa: PLC0415 - the one that the app has

    told: dict[str, Any] = message.head["context"].get("metadata", {})
    return {
        name: Datum(value, "string") if isinstance(value, str) else Datum(json.dumps(value), "json")
        for name, value in told.items()
    }


def _request(message: Message) -> dict[str, Any]:
    from azure.functions.meta import Datum  # noqa: PLC0415 - the one that the app has

    context: dict[str, Any] = message.head["context"]

    def texts(pairs: Any) -> dict[str, Any]:
        joined: dict[str, str] = {}
        for name, value in pairs:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
        return {name: Datum(value, "string") for name, value in joined.items()}

    return {
        "method": Datum(context["method"], "string"),
        "url": Datum(context["url"], "string"),
        "headers": texts(context["headers"]),
        "query": texts(parse_qsl(context["query"])),
        "params": texts(context["params"].items()),
        "body": Datum(message.body, "bytes"),
    }


def _encode_response(response: Any) -> tuple[bytes, dict[str, Any]]:
    try:
        datum = converter_of("http").encode(response, expected_type=None)
    except NotImplementedError:
        kind = type(response).__name__
        msg = f'unable to encode outgoing TypedData: unsupported type "http" for Python type "{kind}"'
        raise TypeError(msg) from None
    if datum.type == "string":
        return datum.value.encode(), {"status": 200, "headers": [["content-type", TEXT]]}
    value = datum.value
    headers = [[name, header.value] for name, header in value["headers"].items()]
    for cookies in value["cookies"] or ():
        headers += [["set-cookie", morsel.OutputString()] for morsel in cookies.values()]
    return value["body"].value, {"status": int(value["status_code"].value), "headers": headers}
