"""Which requests are Google's."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.clouds.gcp.gateway import GcpGateway
from fogbank.wire.http import Request

NOTHING: Any = None
GATEWAY = GcpGateway(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/v2/projects/p/locations/us-central1/functions", "localhost:4566"),
        ("/v1/projects/p/locations", "localhost"),
        ("/v1/operations/x", "localhost"),
        ("/v1/operations", "localhost"),
        ("/us-central1-my-project/hello", "localhost"),
        ("/europe-west12-p/hello/sub?q=1", "127.0.0.1:1"),
        ("/gcf-v2-uploads-p.us-central1.cloudfunctions.appspot.com/x.zip", "localhost"),
        ("/anything", "us-central1-my-project.cloudfunctions.localhost:4566"),
        ("/anything", "cloudfunctions.googleapis.com"),
    ],
)
def test_googles(target: str, host: str) -> None:
    assert GATEWAY.claims(Request("GET", target.encode(), {b"host": host.encode()}))


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/", {}),
        ("/2015-03-31/functions/us-central1-x/invocations", {}),
        ("/v2/apis", {}),
        ("/v2/email/identities", {}),
        ("/us-east-1-bucket/key", {}),
        ("/my-bucket/v2/projects/x", {}),
        ("/us-central1-my-project/hello", {b"authorization": b"AWS4-HMAC-SHA256 Credential=x"}),
        ("/000000000000/queue", {}),
        ("/us-central1-my-project", {}),
    ],
)
def test_others(target: str, headers: dict[bytes, bytes]) -> None:
    assert not GATEWAY.claims(Request("GET", target.encode(), {b"host": b"localhost", **headers}))
