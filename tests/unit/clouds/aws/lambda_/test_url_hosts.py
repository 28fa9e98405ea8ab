"""Host names of function URLs."""

from __future__ import annotations

import pytest

from fogbank.clouds.aws.lambda_.urls.hosts import UrlHost, read_host, write_url

NUMBER = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:4566", "localhost:4566"),
        ("http://[::1]:4566", "localhost:4566"),
        ("http://10.0.0.1", "localhost"),
        ("http://localhost:80", "localhost:80"),
        ("https://fogbank.example:4567", "fogbank.example:4567"),
        ("https://lambda.us-east-1.amazonaws.com", "on.aws"),
    ],
)
def test_a_url_leads_to_where_its_creator_was(origin: str, host: str) -> None:
    url = write_url(origin, NUMBER, "us-east-1")
    scheme = origin.partition(":")[0]
    assert url == f"{scheme}://{NUMBER}.lambda-url.us-east-1.{host}/"
    assert read_host(url.partition("://")[2].rstrip("/")) == UrlHost(NUMBER, "us-east-1")


@pytest.mark.parametrize(
    "host",
    ["localhost", "lambda-url.us-east-1.on.aws", "x.lambda-url.us-east-1.on.aws", f"{NUMBER}.lambda-url.us-east-1"],
)
def test_other_hosts_are_of_no_function(host: str) -> None:
    assert read_host(host) is None


def test_case_means_nothing() -> None:
    assert read_host(f"{NUMBER.upper()}.Lambda-URL.US-East-1.LOCALHOST") == UrlHost(NUMBER, "us-east-1")
