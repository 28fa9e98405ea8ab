"""Inside an instance: Google's functions-framework for Python, fed over the channel instead of a port.

The framework makes a WSGI application of the user's file, so that what a function sees, and how its failures are
answered, is its doing: functions of HTTP requests, of CloudEvents, of background events, and typed ones.
"""

from __future__ import annotations

import io
import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from fogbank.runtimes.inside.channel import ClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.runtimes.inside.channel import Channel, Message

# What the framework needs, so that a zygote has it before it forks: over a second of imports.
PRELOAD: Final = (
    "functions_framework",
    "functions_framework.event_conversion",
    "functions_framework.execution_id",
    "flask",
    "flask.json",
    "jinja2",
    "werkzeug",
    "werkzeug.serving",
    "cloudevents.http",
    "google.cloud.functions.context",
    "logging.config",
    "fogbank.runtimes.inside.functions_framework_warm_up",
)
SOURCE: Final = "main.py"
_PLAIN: Final = frozenset({"content-type", "content-length"})


def run(channel: Channel, launch: dict[str, Any]) -> None:
    """Load the function, then answer requests until the server goes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The process was started without a function, and with nowhere to write to.
            stream.reconfigure(line_buffering=True)
    try:
        application = load(Path(launch["code"]), str(launch["handler"]))
    except BaseException as error:  # noqa: BLE001 - also one that would end the process ends the initialisation
        channel.send("init_error", _told(error), error_type=type(error).__name__)
        return
    channel.send("ready")
    handle = _handler(channel, application, int(launch.get("concurrency", 1)))
    try:
        while True:
            message = channel.receive()
            if message.head["kind"] == "invoke":
                handle(message)
    except ClosedError:
        return


def load(code: Path, target: str) -> Any:
    """Return the WSGI application of a function."""
    import functions_framework  # noqa: PLC0415 - a zygote has imported it; nothing of it is for the server

    source = str(code / os.environ.get("FUNCTION_SOURCE", SOURCE))
    create: Callable[..., Any] = functions_framework.create_app
    application = create(target, source, os.environ.get("FUNCTION_SIGNATURE_TYPE"))
    if not hasattr(application, "wsgi_app"):
        msg = "Fogbank doesn't support asynchronous functions (functions_framework.aio)."
        raise TypeError(msg)
    return application


def answer(application: Any, context: dict[str, Any], body: bytes) -> tuple[bytes, dict[str, Any]]:
    """Hand a request to the application; returns the body and the head of its answer."""
    head: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _failure: Any = None) -> Callable[[bytes], None]:
        head["status"] = int(status.partition(" ")[0])
        head["headers"] = [[name, value] for name, value in headers]
        return written.append

    written: list[bytes] = []
    parts: Iterable[bytes] = application(environ_of(context, body), start_response)
    try:
        written.extend(parts)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
    return b"".join(written), head


def environ_of(context: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Return a request as WSGI has it (PEP 3333)."""
    path, query = context["path"], context["query"]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": context["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": f"{path}?{query}" if query else path,
        "RAW_URI": f"{path}?{query}" if query else path,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in context["headers"]:
        lower = name.lower()
        key = name.upper().replace("-", "_")
        if lower == "content-type":
            environ[key] = value
        elif lower not in _PLAIN:
            key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    host, _, port = environ.get("HTTP_HOST", "localhost").partition(":")
    scheme = environ.get("HTTP_X_FORWARDED_PROTO", "http")
    environ["wsgi.url_scheme"] = scheme
    environ["SERVER_NAME"] = host
    environ["SERVER_PORT"] = port or ("443" if scheme == "https" else "80")
    environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "127.0.0.1").partition(",")[0]
    return environ


def _handler(channel: Channel, application: Any, concurrency: int) -> Callable[[Message], None]:
    """Return what takes a request: done at once where there is one at a time, else given to a thread."""

    def handle(message: Message) -> None:
        number = message.head["id"]
        try:
            body, head = answer(application, message.head["context"], message.body)
        except SystemExit as exit_:
            _leave(exit_)
        except BaseException as error:  # noqa: BLE001 - the framework answers what functions raise; this is beyond it
            channel.send("error", _told(error), id=number, error_type=type(error).__name__)
        else:
            channel.send("result", body, id=number, head=head)

    if concurrency == 1:
        return handle
    waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
    idle = threading.Semaphore(0)
    threads: list[threading.Thread] = []

    def work() -> None:
        while True:
            message = waiting.get()
            try:
                handle(message)
            except ClosedError:
                return
            idle.release()

    def hand_over(message: Message) -> None:
        waiting.put(message)
        if not idle.acquire(blocking=False) and len(threads) < concurrency:
            threads.append(threading.Thread(target=work, daemon=True, name=f"request-{len(threads)}"))
            threads[-1].start()

    return hand_over


def _leave(exit_: SystemExit) -> None:
    """End the process as the function wants, also from a thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    code = exit_.code
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _told(error: BaseException) -> bytes:
    """Return an error as it is reported, and leave it in the log."""
    traceback.print_exception(error)
    told = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
    return json.dumps(told).encode()
