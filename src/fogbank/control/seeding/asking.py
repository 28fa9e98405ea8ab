"""Requests to the clouds from within: in the same form as clients send them, without a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from fogbank.control.seeding import SeedError
from fogbank.wire.http import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.wire.http import Handler

SHOWN_CHARACTERS_MAX: Final = 500


class Answer(NamedTuple):
    """A reply: its status and its body."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what was asked for."""
        return self.status < 300

    def has(self, *words: str) -> bool:
        """Whether an error has one of these codes in it."""
        return any(word.encode() in self.body for word in words)

    def check(self) -> Answer:
        """Raise `SeedError` for a refusal."""
        if not self.ok:
            raise SeedError(f"{self.status} {self.body.decode(errors='replace')[:SHOWN_CHARACTERS_MAX]}")
        return self


async def ask(handle: Handler, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Send a request and return its reply, whatever it is."""
    lower = {name.lower().encode(): value.encode() for name, value in headers.items()}
    lower.setdefault(b"host", b"localhost")
    lower[b"content-length"] = b"%d" % len(body)
    response = await handle(Request(method, target.encode(), lower, body))
    if isinstance(response.body, bytes):
        return Answer(response.status, response.body)
    return Answer(response.status, b"".join([part async for part in response.body]))


class Aws:
    """Requests to AWS for an account and a region."""

    def __init__(self, handle: Handler, account: str, region: str) -> None:
        self._handle = handle
        self._account = account
        self._region = region

    def arn(self, service: str, name: str) -> str:
        """Return the name of a resource as others write it."""
        return f"arn:aws:{service}:{self._region}:{self._account}:{name}"

    async def json(self, target: str, version: str, **members: Any) -> Answer:
        """Call an operation of a JSON protocol; `target` is its name with the service's before it."""
        service = {"AmazonSQS": "sqs", "DynamoDB_20120810": "dynamodb"}[target.partition(".")[0]]
        headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
        return await self._ask("POST", "/", service, headers, msgspec.json.encode(members))

    async def query(self, service: str, version: str, members: Mapping[str, str]) -> Answer:
        """Call an operation of the Query protocol."""
        body = urlencode({"Version": version, **members}).encode()
        return await self._ask("POST", "/", service, {"Content-Type": "application/x-www-form-urlencoded"}, body)

    async def rest(self, method: str, path: str, service: str, members: Mapping[str, Any]) -> Answer:
        """Call an operation of a REST protocol."""
        return await self._ask(
            method, path, service, {"Content-Type": "application/json"}, msgspec.json.encode(members)
        )

    async def _ask(self, method: str, target: str, service: str, headers: dict[str, str], body: bytes) -> Answer:
        scope = f"{self._account}/20260101/{self._region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        return await ask(self._handle, method, target, {**headers, "Authorization": signed}, body)
