"""LocalStack's variables as settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def load(folder: Path, flags: dict[str, Any] | None = None, **environment: str) -> Any:
    return load_settings(flags or {}, environment, folder)


def test_where_it_listens(tmp_path: Path) -> None:
    everywhere = load(tmp_path, GATEWAY_LISTEN="0.0.0.0:4566,0.0.0.0:443")
    assert (everywhere.host, everywhere.port, everywhere.tls_port) == ("0.0.0.0", 4566, 443)
    assert everywhere.insecure
    assert everywhere.exposed
    assert load(tmp_path, GATEWAY_LISTEN=":4600").host == "0.0.0.0"
    here = load(tmp_path, LOCALSTACK_GATEWAY_LISTEN="127.0.0.1:4570,127.0.0.1:4571")
    assert (here.host, here.port, here.insecure, here.exposed) == ("127.0.0.1", 4570, False, False)
    assert here.notes == ("GATEWAY_LISTEN: 127.0.0.1:4571 isn't listened on, one address is",)
    assert load(tmp_path, EDGE_PORT="4577").port == 4577
    assert load(tmp_path, EDGE_PORT="4577", GATEWAY_LISTEN="127.0.0.1:4578").port == 4578
    for wrong in ({"GATEWAY_LISTEN": "nonsense"}, {"EDGE_PORT": "x"}, {"SQS_ENDPOINT_STRATEGY": "other"}):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            load(tmp_path, **wrong)


def test_whether_it_keeps_anything(tmp_path: Path) -> None:
    assert load(tmp_path, PERSISTENCE="0").memory
    assert not load(tmp_path, PERSISTENCE="1").memory
    assert not load(tmp_path).memory
    # Who names a place means it.
    assert not load(tmp_path, {"data": "kept"}, PERSISTENCE="0").memory
    assert not load(tmp_path, PERSISTENCE="0", FOGBANK_DATABASE="postgresql://x").memory


def test_fogbanks_own_count_more(tmp_path: Path) -> None:
    (tmp_path / "fogbank.toml").write_text("[server]\nport = 1111\n")
    assert load(tmp_path).port == 1111
    assert load(tmp_path, GATEWAY_LISTEN="127.0.0.1:2222").port == 2222
    assert load(tmp_path, GATEWAY_LISTEN="127.0.0.1:2222", FOGBANK_PORT="3333").port == 3333
    assert load(tmp_path, {"port": 4444}, GATEWAY_LISTEN="127.0.0.1:2222", FOGBANK_PORT="3333").port == 4444


def test_what_it_logs_and_what_it_can_not_follow(tmp_path: Path) -> None:
    assert load(tmp_path).log == "warning"
    assert load(tmp_path, DEBUG="1").log == "debug"
    assert load(tmp_path, DEBUG="0").log == "warning"
    assert load(tmp_path, DEBUG="1", LS_LOG="error").log == "error"
    assert load(tmp_path, LS_LOG="loud").notes == ("LS_LOG: there is no level loud",)
    assert "no scripts of web pages" in load(tmp_path, EXTRA_CORS_ALLOWED_ORIGINS="http://x").notes[0]
    notes = load(tmp_path, LAMBDA_KEEPALIVE_MS="1000", LAMBDA_DOCKER_FLAGS="-e X=1").notes
    assert notes == ("LAMBDA_KEEPALIVE_MS: instances are let go after ten minutes without work",)
