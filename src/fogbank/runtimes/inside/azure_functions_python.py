"""The worker of Azure Functions apps in Python: the app's functions on our channel, by the official library alone.

Plain functions run on threads, coroutines on one event loop, as in Azure's worker. An invocation whose context asks
for the `index` is answered with what functions there are, each as in its function.json.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fogbank.runtimes.inside import azure_functions_calls as calls
from fogbank.runtimes.inside import azure_functions_index as index
from fogbank.runtimes.inside.channel import ClosedError

if TYPE_CHECKING:
    from fogbank.runtimes.inside.azure_functions_index import Index, Loaded
    from fogbank.runtimes.inside.channel import Channel, Message

THREADS_MAX: Final = 32
_LEVELS: Final = {"DEBUG": "Debug", "INFO": "Information", "WARNING": "Warning", "ERROR": "Error"}


class LogLines(logging.Handler):
    """Writes log records as lines of Azure's log stream: time, level, message."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
            write_log(_LEVELS.get(record.levelname, "Critical"), text, record.created)
        except Exception:  # noqa: BLE001 - what logging does with a record that can't be written
            self.handleError(record)


def write_log(level: str, text: str, at: float | None = None) -> None:
    """Write a line; `at` is seconds since the epoch, or now."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    sys.stdout.write(f"{moment}   [{level}]   {text}\n")
    sys.stdout.flush()


def run(channel: Channel, launch: dict[str, Any]) -> None:
    """Serve the app in the folder `launch["code"]` until the server closes the channel."""
    root = logging.getLogger()
    root.handlers[:] = [LogLines()]
    root.setLevel(logging.DEBUG if os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1" else logging.INFO)
    try:
        importlib.import_module("azure.functions")
        app = index.load_app(launch["code"])
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever an app raises when it is imported is its report
        sys.stdout.flush()
        channel.send("init_error", _report(error), error_type=type(error).__name__)
        return
    worker = Worker(channel, app, threads=_threads(launch["concurrency"]))
    channel.send("ready")
    worker.serve()


def _threads(concurrency: int) -> int:
    """Return how many plain functions run at once (the setting PYTHON_THREADPOOL_THREAD_COUNT)."""
    try:
        chosen = int(os.environ["PYTHON_THREADPOOL_THREAD_COUNT"])
    except (KeyError, ValueError):
        chosen = max(concurrency, (os.cpu_count() or 1) + 4)
    return max(1, min(THREADS_MAX, chosen))


class Worker:
    """Runs what the server sends.

    Threads take turns at the channel: whoever receives an invocation of a plain function runs it, and leaves the
    channel to another, so that no invocation is handed from thread to thread. One more thread than may run functions
    sees to it that somebody always listens.
    """

    def __init__(self, channel: Channel, app: Index, threads: int) -> None:
        self._channel = channel
        self._app = app
        self._threads = threads
        self._listening = threading.Lock()
        self._counting = threading.Lock()
        self._busy = 0
        self._backlog: deque[tuple[Loaded, Message]] = deque()
        self._loop = asyncio.new_event_loop()
        self._running: set[asyncio.Task[None]] = set()

    def serve(self) -> None:
        """Take invocations until the channel is closed; the event loop has the main thread."""
        for number in range(self._threads + 1):
            threading.Thread(target=self._work, name=f"function_{number}", daemon=True).start()
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        sys.stdout.flush()
        os._exit(0)

    def _work(self) -> None:
        try:
            while True:
                job: tuple[Loaded, Message] | None = self._listen()
                while job is not None:
                    self._run(*job)
                    job = self._next()
        except ClosedError:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _listen(self) -> tuple[Loaded, Message]:
        """Return the next invocation that this thread is to run, having seen to all others."""
        with self._listening:
            while True:
                message = self._channel.receive()
                function = self._take(message)
                if function is None:
                    continue
                with self._counting:
                    if self._busy < self._threads:
                        self._busy += 1
                        return function, message
                    self._backlog.append((function, message))

    def _next(self) -> tuple[Loaded, Message] | None:
        """Return an invocation that had to wait, None if there is none and the thread is free."""
        with self._counting:
            if self._backlog:
                return self._backlog.popleft()
            self._busy -= 1
            return None

    def _take(self, message: Message) -> Loaded | None:
        """Return the plain function that an invocation is for; see to everything else."""
        context = message.head["context"]
        if context.get("index"):
            described = json.dumps({"functions": index.describe_all(self._app)}).encode()
            _send(self._channel, "result", described, id=message.head["id"], head={})
            return None
        name = context["function"]
        function = self._app.functions.get(name)
        if function is None:
            problem = self._app.failed.get(name, {}).get("error", f"there is no function {name}")
            self._fail(message, RuntimeError(problem))
        elif function.is_async:
            self._loop.call_soon_threadsafe(self._begin, function, message)
            return None
        return function

    def _begin(self, function: Loaded, message: Message) -> None:
        task = self._loop.create_task(self._run_async(function, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _run(self, function: Loaded, message: Message) -> None:
        try:
            given = calls.arguments(function, message)
            returned = function.call(**given)
            self._finish(message, calls.result(function, given, returned))
        except SystemExit as end:
            _exit(end)
        except BaseException as error:  # noqa: BLE001 - whatever a function raises is its report
            self._fail(message, error)

    async def _run_async(self, function: Loaded, message: Message) -> None:
        try:
            given = calls.arguments(function, message)
            returned = await function.call(**given)
            self._finish(message, calls.result(function, given, returned))
        except SystemExit as end:
            _exit(end)
        except BaseException as error:  # noqa: BLE001 - whatever a function raises is its report
            self._fail(message, error)

    def _finish(self, message: Message, result: tuple[bytes, dict[str, Any]]) -> None:
        body, head = result
        sys.stdout.flush()
        _send(self._channel, "result", body, id=message.head["id"], head=head)

    def _fail(self, message: Message, error: BaseException) -> None:
        sys.stdout.flush()
        _send(self._channel, "error", _report(error), id=message.head["id"], error_type=type(error).__name__)


def _send(channel: Channel, kind: str, body: bytes, **head: Any) -> None:
    try:
        channel.send(kind, body, **head)
    except ClosedError:
        return


def _exit(end: SystemExit) -> NoReturn:
    """End the process, as Azure's worker does when a function calls `sys.exit`."""
    if isinstance(end.code, str):
        sys.stderr.write(end.code + "\n")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def _stack(error: BaseException) -> str:
    """Return the traceback from the app's own code on, if it got that far."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/fogbank/runtimes/inside/" not in frame.filename]
    return "".join(traceback.format_list(own or list(frames))).rstrip()


def _report(error: BaseException) -> bytes:
    report = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": _stack(error)}
    return json.dumps(report).encode()
