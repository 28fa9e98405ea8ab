"""Every operation of AWS Lambda either is there or is refused by its name."""

from __future__ import annotations

import http.client
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import boto3
import pytest

from fogbank.clouds.aws.lambda_ import PARTS

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer

SUPPORTED = {operation.name for part in PARTS for operation in part.OPERATIONS}


def model() -> Any:
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    return boto3.client("lambda", region_name="us-east-1", **keys).meta.service_model


def send(server: ServerUrl, method: str, target: str) -> tuple[int, dict[str, Any], str]:
    connection = http.client.HTTPConnection(*server, timeout=30)
    scope = "000000000000/20261122/us-east-1/lambda/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    try:
        connection.request(method, target, b"{}", {"Authorization": signature, "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.headers["x-amzn-ErrorType"]
    finally:
        connection.close()


ServerUrl = tuple[str, int]
NAMES = sorted(model().operation_names)


def test_what_is_supported_is_in_the_model() -> None:
    assert set(NAMES) >= SUPPORTED
    assert len(SUPPORTED) >= 54


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SUPPORTED])
def test_an_operation_that_is_not_supported_is_refused_by_name(server: ThreadedServer, name: str) -> None:
    http_trait = model().operation_model(name).http
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    assert parts.port is not None
    target = re.sub(
        r"\{\w+\+?\}", quote("arn:aws:lambda:us-east-1:000000000000:x:y", safe=""), http_trait["requestUri"]
    )
    status, body, code = send((parts.hostname, parts.port), http_trait["method"], target)
    assert (status, code) == (400, "UnknownOperationException")
    assert body["message"] == f"Fogbank does not support the operation {name} of Lambda."
