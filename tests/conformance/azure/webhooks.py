"""Webhooks as a test has them: what they were sent, and how they answer."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


class Sent(NamedTuple):
    """A request."""

    method: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Reply: TypeAlias = "tuple[int, dict[str, str], bytes]"


def agree(sent: Sent) -> Reply:
    """Answer both validation handshakes as they want it."""
    if sent.method == "OPTIONS":
        return 200, {"WebHook-Allowed-Origin": "*"}, b""
    if sent.headers.get("aeg-event-type") == "SubscriptionValidation":
        code = sent.json()[0]["data"]["validationCode"]
        return 200, {}, json.dumps({"validationResponse": code}).encode()
    return 200, {}, b""


class Webhook:
    """A server for as long as the block runs; `posts` are the notifications, `asked` what came before."""

    def __init__(self) -> None:
        self.answer: Callable[[Sent], Reply] = agree
        self.posts: list[Sent] = []
        self.asked: list[Sent] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sent = Sent(self.command, {name.lower(): value for name, value in self.headers.items()}, body)
                (hook.posts if sent.headers.get("aeg-event-type") == "Notification" else hook.asked).append(sent)
                status, headers, said = hook.answer(sent)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_OPTIONS = do_POST  # noqa: N815 - as http.server wants it

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?code=secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def events(self) -> list[Any]:
        """All events that came, in their order."""
        found: list[Any] = []
        for post in list(self.posts):
            said = post.json()
            found += said if isinstance(said, list) else [said]
        return found
