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
            found = find_socket(peer[0], peer[1], accepted.getsockname()[1])
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
    assert find_socket("127.0.0.1", port, 4_566) is None
    assert find_socket("192.0.2.1", 80, 4_566) is None


@pytest.mark.parametrize("this_is_first", [True, False])
def test_a_connection_from_the_same_port_to_another_is_not_mistaken(this_is_first: bool) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as this,
        socket.create_server(("127.0.0.1", 0)) as that,
        socket.socket() as client,
        socket.socket() as other,
    ):
        for each in (client, other):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("127.0.0.1", 0))
        other.bind(client.getsockname())
        ends = [(client, this), (other, that)]
        for end, listener in ends if this_is_first else reversed(ends):
            end.connect(listener.getsockname())
        for end, listener in ends:
            accepted, peer = listener.accept()
            with accepted:
                found = find_socket(*peer, listener.getsockname()[1])
                assert found is not None
                assert found.inode == os.fstat(end.fileno()).st_ino
