"""TailLogEntries through Google's own client: entries as they come in."""

from __future__ import annotations

import itertools
import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core import exceptions
from google.cloud.logging_v2.types import TailLogEntriesRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.gcp.logging.conftest import Logs


class Tail:
    """A stream, read by a thread of its own."""

    def __init__(self, logs: Logs, *more: TailLogEntriesRequest, **request: Any) -> None:
        first = TailLogEntriesRequest(resource_names=[f"projects/{logs.project}"], **request)
        self._said: queue.Queue[Any] = queue.Queue()
        self._api = logs.api
        self._requests = [first, *more]
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            # The call returns with the first answer.
            for answer in self._api.tail_log_entries(requests=iter(self._requests), timeout=60):
                for entry in answer.entries:
                    self._said.put(entry)
        except Exception as error:
            self._said.put(error)

    def next(self, timeout: float = 30.0) -> Any:
        return self._said.get(timeout=timeout)

    def begin(self, logs: Logs, **entry: Any) -> None:
        """Write until something is heard: from then on nothing is missed."""
        for number in itertools.count():
            logs.write({"text_payload": f"begin {number}", **entry})
            try:
                heard = self.next(0.2)
            except queue.Empty:
                continue
            if isinstance(heard, Exception):
                raise heard
            return

    def texts(self) -> Iterator[str]:
        while True:
            entry = self.next()
            if not entry.text_payload.startswith("begin"):
                yield entry.text_payload


def test_entries_are_tailed_as_they_come(grpc_logs: Logs) -> None:
    grpc_logs.write({"text_payload": "before", "severity": "ERROR"})
    tail = Tail(grpc_logs, filter="severity>=ERROR", buffer_window={"seconds": 0})
    tail.begin(grpc_logs, severity="ERROR")
    grpc_logs.write({"text_payload": "unfit"}, {"text_payload": "first", "severity": "ERROR"})
    grpc_logs.write({"text_payload": "second", "severity": "ALERT"}, log_id="another")
    assert list(itertools.islice(tail.texts(), 2)) == ["first", "second"]


def test_the_buffer_window_puts_late_entries_in_order(timed_logs: Logs, timed_server: ThreadedServer) -> None:
    tail = Tail(timed_logs, buffer_window={"seconds": 5})
    seconds = timed_server.app.clock.now() // 1_000_000
    started = threading.Event()

    def advance() -> None:
        while not started.wait(0.05):
            timed_server.advance(5)

    ticking = threading.Thread(target=advance)
    ticking.start()
    tail.begin(timed_logs)
    started.set()
    ticking.join()
    for text, at in (("late", seconds - 1), ("early", seconds - 2)):
        timed_logs.write({"text_payload": text, "timestamp": {"seconds": at}})
    found = tail.texts()
    ticking = threading.Thread(target=lambda: [timed_server.advance(5) for _ in range(3)])
    ticking.start()
    assert list(itertools.islice(found, 2)) == ["early", "late"]
    ticking.join()


@pytest.mark.parametrize(
    "request_", [{"buffer_window": {"seconds": 61}}, {"filter": "a:b:c"}, {"resource_names": ["projects/x"]}]
)
def test_what_is_wrong_is_refused(grpc_logs: Logs, request_: dict[str, Any]) -> None:
    asked = TailLogEntriesRequest({"resource_names": [f"projects/{grpc_logs.project}"], **request_})
    with pytest.raises(exceptions.InvalidArgument):
        list(grpc_logs.api.tail_log_entries(requests=iter([asked])))


def test_a_stream_stays_what_it_is(grpc_logs: Logs) -> None:
    tail = Tail(grpc_logs, TailLogEntriesRequest(filter="x"))
    refused = tail.next()
    assert isinstance(refused, exceptions.InvalidArgument)
    assert "TailLogEntries" in str(refused)
