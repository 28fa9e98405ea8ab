"""What `fogbank doctor` finds, without a server."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fogbank.cli import main
from fogbank.cli.seeing import checks
from fogbank.cli.seeing.checks import NOTE, OK, WRONG, Finding, check_authority, check_clock, check_data, check_ports
from fogbank.cli.seeing.trust import is_trusted
from fogbank.settings import Settings
from fogbank.wire.tls import authority as authorities
from fogbank.wire.tls.authority import KEY, Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which a program listens that isn't Fogbank, and answers nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_says_by_whom(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_ASK_SECONDS", 0.05)
    endpoint, tls, *_ = check_ports(Settings(port=taken, tls_port=0))
    assert endpoint.state == WRONG
    assert f"process {os.getpid()}" in endpoint.text
    assert tls.state == OK
    _, tls, *_ = check_ports(Settings(port=0, tls_port=taken))
    assert tls.state == WRONG


def test_addresses_of_ipv6_are_looked_at_just_so() -> None:
    # Port 1 is nobody's to listen on.
    assert [each.state for each in check_ports(Settings(host="::1", port=1))]
    assert not list(check_clock(Settings(host="::1", port=1)))


def test_the_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(ca=tmp_path / "ca")
    (found,) = check_authority(settings)
    assert (found.state, "made when" in found.text) == (OK, True)
    authority = Authority(tmp_path / "ca")
    certificate = authority.certificate
    valid, trusted = check_authority(settings)
    assert (valid.state, trusted.state) == (OK, NOTE)
    (tmp_path / "ca" / KEY).chmod(0o644)
    assert next(check_authority(settings)).cure.startswith("chmod 600")
    (tmp_path / "ca" / KEY).write_text("no key")
    assert next(check_authority(settings)).state == WRONG
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    assert is_trusted(certificate)
    monkeypatch.setattr(authorities, "_EARLIER", timedelta(days=5_000))
    monkeypatch.setattr(authorities, "AUTHORITY_DAYS", -1)
    assert Authority(tmp_path / "old").path.exists()
    expired = next(check_authority(Settings(ca=tmp_path / "old")))
    assert (expired.state, "expired" in expired.text) == (WRONG, True)


def test_the_data_folder(tmp_path: Path) -> None:
    def check() -> Finding:
        return check_data(Settings(data=tmp_path / "data", port=0))

    assert check().state == OK
    (tmp_path / "data").mkdir()
    assert "can be written" in check().text
    with (tmp_path / "data" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert check().state == WRONG
        assert f"process {os.getpid()}" in check().text
    database = sqlite3.connect(tmp_path / "data" / "fogbank.db")
    database.execute("CREATE TABLE migration (number BIGINT, name TEXT)")
    database.execute("INSERT INTO migration VALUES (1, 'x')")
    database.commit()
    assert "brought up" in check().text
    database.execute("INSERT INTO migration VALUES (9999, 'x')")
    database.commit()
    database.close()
    assert "later Fogbank" in check().text
    (tmp_path / "data" / "fogbank.db").write_bytes(b"no database" * 1_000)
    assert "can't be read" in check().text


def test_the_command_ends_as_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*found: Finding) -> tuple[int, Any]:
        monkeypatch.setattr(checks, "examine", lambda _: list(found))
        result = CliRunner().invoke(main, ["doctor", "-o", "json"])
        return result.exit_code, json.loads(result.output)

    assert run(Finding("a", OK, "x"), Finding("b", NOTE, "y"))[0] == 0
    status, told = run(Finding("a", WRONG, "x", "y"))
    assert status == 1
    assert told == {"works": False, "checks": [{"check": "a", "state": "wrong", "text": "x", "cure": "y"}]}
    assert CliRunner().invoke(main, ["doctor"]).output.startswith("WRONG a")
    bad = CliRunner().invoke(main, ["doctor", "--port", "99999"])
    assert bad.exit_code == 1
    assert "port must be" in bad.output
