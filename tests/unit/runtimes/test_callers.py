"""Sockets found in the kernel's tables, and who holds them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from fogbank.runtimes.callers import find_socket, is_held


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_other_end_of_a_connection_is_found(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.create_server((host, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as client,
    ):
        accepted, peer = listener.accept()
        with accepted:
            found = find_socket(peer[0], peer[1])
            assert found is not None
            assert found.user == os.geteuid()
            assert found.inode == os.fstat(client.fileno()).st_ino
            assert is_held(found.inode, [os.getpid()])
            with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
                assert not is_held(found.inode, [other.pid])
                other.kill()


def test_nobody_is_found_where_nobody_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert find_socket("127.0.0.1", port) is None
    assert find_socket("192.0.2.1", 80) is None
