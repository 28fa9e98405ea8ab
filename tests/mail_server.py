"""A mail server that takes one message a conversation and keeps it."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much of SMTP as one message needs; answers recipients with `verdict`."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.verdict = b"250 OK"
        self.taken: list[bytes] = []
        self.asked = 0


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 mail ESMTP\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"RCPT":
                self.server.asked += 1
                self.wfile.write(self.server.verdict + b"\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.taken.append(b"".join(lines))
                self.wfile.write(b"250 OK\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 OK\r\n")


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    """A mail server that runs as long as the block."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
