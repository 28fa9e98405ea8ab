"""Tables for the tests, and a way to say what is refused and how."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fogbank.testing.server import ThreadedServer

    Make = Callable[..., Any]
    Refused = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def ddb(client: Make) -> Any:
    """A client whose parameters aren't checked before they are sent."""
    return client("dynamodb", parameter_validation=False)


@pytest.fixture
def make_table(ddb: Any) -> Make:
    """`make_table("name", pk="S", sk="N")` creates a table with those keys."""

    def make(name: str, **keys: str) -> str:
        ddb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in keys.items()],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    return make


@pytest.fixture
def things(make_table: Make) -> str:
    """A table with a partition key only."""
    return make_table("things", id="S")


@pytest.fixture
def events(make_table: Make) -> str:
    """A table with a partition key and a number to sort by."""
    return make_table("events", pk="S", sk="N")


@pytest.fixture
def refused() -> Refused:
    """`with refused(message, code):` expects an error of exactly that message, a ValidationException by default."""

    @contextlib.contextmanager
    def expect(message: str, code: str = "ValidationException") -> Iterator[pytest.ExceptionInfo[ClientError]]:
        with pytest.raises(ClientError) as caught:
            yield caught
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == (code, message)

    return expect


@pytest.fixture
def raw(server: ThreadedServer, account: str) -> Callable[[str, str], tuple[int, dict[str, str], dict[str, Any]]]:
    """`raw(operation, body)` sends any text as a body; returns status, headers and the reply's members."""

    def send(operation: str, body: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        scope = f"{account}/20261122/us-east-1/dynamodb/aws4_request"
        request = urllib.request.Request(
            server.url,
            body.encode("utf-8", "surrogatepass"),
            {
                "X-Amz-Target": f"DynamoDB_20120810.{operation}",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            },
        )
        try:
            reply = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            return reply.status, dict(reply.headers), json.loads(reply.read())

    return send
