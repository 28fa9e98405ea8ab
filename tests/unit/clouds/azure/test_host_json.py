"""host.json and local.settings.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.azure.functions.host_json import (
    HostJsonError,
    file_of_archive,
    file_of_folder,
    read_host_json,
    read_local_settings,
)
from tests.conformance.azure.conftest import zipped

if TYPE_CHECKING:
    from pathlib import Path


def host(**content: Any) -> str:
    return json.dumps({"version": "2.0", **content})


def test_defaults() -> None:
    config = read_host_json(None)
    assert (config.route_prefix, config.timeout_seconds, config.error) == ("api", 300, "")


@pytest.mark.parametrize(
    ("text", "prefix", "seconds"),
    [
        (host(), "api", 300),
        (host(functionTimeout="00:10:00"), "api", 600),
        (host(functionTimeout="-1"), "api", 86_400),
        (host(functionTimeout="00:00:00.5"), "api", 1),
        (host(extensions={"http": {"routePrefix": ""}}), "", 300),
        (
            host(
                extensions={
                    "http": {"routePrefix": "/v1/x/", "maxOutstandingRequests": 5, "dynamicThrottlesEnabled": False}
                }
            ),
            "v1/x",
            300,
        ),
        (host(logging={"logLevel": {"default": "Debug"}}, extensionBundle={"id": "x"}), "api", 300),
        ('{"version": "2.0", /* why */ "functionTimeout": "00:01:00" // so\n}', "api", 60),
        ('{"version": "2.0", "extensions": {"http": {"routePrefix": "a//b"}}}', "a//b", 300),
    ],
)
def test_what_counts(text: str, prefix: str, seconds: int) -> None:
    config = read_host_json(text)
    assert (config.error, config.route_prefix, config.timeout_seconds) == ("", prefix, seconds)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{}", "missing the required 'version'"),
        ("[]", "must be an object"),
        ("{", "Unable to parse the file host.json"),
        (host(retry={}), "Fogbank does not support retry in host.json"),
        (host(functionTimeout="soon"), "The functionTimeout 'soon'"),
        (host(functionTimeout="00:00:00"), "no time span above zero"),
        (host(functions=["one"]), "does not support functions"),
        (host(extensions=[]), "must be an object"),
        (host(extensions={"http": []}), "must be an object"),
        (host(extensions={"other": {}}), "does not support extensions.other"),
        (host(extensions={"http": {"customHeaders": {"a": "b"}}}), "does not support extensions.http.customHeaders"),
    ],
)
def test_what_can_not_be(text: str, error: str) -> None:
    assert error in read_host_json(text).error


@given(st.text("{}[]:,\"'/*\n versionx2.0", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_host_json(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["extensions", "http", "routePrefix", "functionTimeout", "x"]), inner)
        ),
    )
)
def test_any_content_is_read_or_refused(content: Any) -> None:
    read_host_json(json.dumps({"version": "2.0", "extensions": content, "functionTimeout": content}))


def test_local_settings() -> None:
    assert read_local_settings('{"IsEncrypted": false, "Values": {"A": "b"}}') == {"A": "b"}
    for text in ('{"IsEncrypted": true}', '{"Values": {"A": 1}}', '{"Values": []}', "1"):
        with pytest.raises(HostJsonError):
            read_local_settings(text)


def test_files(tmp_path: Path) -> None:
    assert file_of_archive(zipped(host_json="\ufeff{}"), "host.json") == "{}"
    assert file_of_archive(zipped(), "host.json") is None
    assert file_of_folder(str(tmp_path), "host.json") is None
    (tmp_path / "host.json").write_bytes(b" " * 2_000_000)
    with pytest.raises(HostJsonError, match="more than 1048576 bytes"):
        file_of_folder(str(tmp_path), "host.json")
    with pytest.raises(HostJsonError, match="more than 1048576 bytes"):
        file_of_archive(zipped(host_json=b" " * 2_000_000), "host.json")
