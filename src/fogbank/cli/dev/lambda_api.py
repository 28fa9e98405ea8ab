"""Functions made and changed through AWS Lambda's own API, from local folders."""

from __future__ import annotations

import io
import os
import zipfile
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from fogbank.cli.dev.watching import files_of
from fogbank.settings import LOOPBACK

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from fogbank.cli.dev.projects import FunctionSpec

FUNCTIONS: Final = "/2015-03-31/functions"
URLS: Final = "/2021-10-31/functions"
TIMEOUT_SECONDS: Final = 30.0
DEFAULT_ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"
# AWS's own, where nothing is said.
MEMORY_MIB: Final = 128
DURATION_SECONDS: Final = 3
# LocalStack's name for the bucket whose objects are local folders: functions then run from the folder itself.
HOT_RELOAD: Final = "hot-reload"
# Fast rather than small: it goes no further than this machine.
COMPRESSION_LEVEL: Final = 1


class LambdaError(Exception):
    """The server refuses, or doesn't answer."""


class LambdaApi:
    """Lambda on one server, for one account and region."""

    def __init__(self, url: str, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> None:
        self.url = url
        self.account = account
        self.region = region
        self._parts = urlsplit(url)
        # Until the server says that it doesn't; one elsewhere doesn't see the folder.
        self._from_folders = self._parts.hostname in LOOPBACK

    @property
    def scope(self) -> str:
        """The scope that its functions are in."""
        return f"aws/{self.account}/{self.region}"

    def publish(self, spec: FunctionSpec) -> None:
        """Create a function, or bring the one of that name to what the folder says; raises `LambdaError`."""
        try:
            self._publish(spec)
        except LambdaError as error:
            if not self._from_folders or not any(word in str(error) for word in ("S3Bucket", HOT_RELOAD)):
                raise
            self._from_folders = False
            self._publish(spec)

    def update_code(self, spec: FunctionSpec) -> None:
        """Give a function the folder's present code; raises `LambdaError`."""
        self._call("PUT", f"{FUNCTIONS}/{spec.name}/code", self._code(spec))

    def function_url(self, spec: FunctionSpec) -> str:
        """Return the URL that a function is called by, which it has from now on; raises `LambdaError`."""
        path = f"{URLS}/{spec.name}/url"
        status, answer = self._call("POST", path, {"AuthType": spec.url}, allowed=(409,))
        if status == 409:
            _, answer = self._call("PUT", path, {"AuthType": spec.url})
        url: str = answer["FunctionUrl"]
        return url

    def invoke(self, name: str, event: Any) -> tuple[Any, bool]:
        """Return what a function answers, and whether that is an error; raises `LambdaError`."""
        status, answer, headers = self._send("POST", f"{FUNCTIONS}/{quote(name, safe=':')}/invocations", event)
        if status >= 400:
            raise LambdaError(_reason(answer, status))
        return answer, headers.get("X-Amz-Function-Error") is not None

    def _publish(self, spec: FunctionSpec) -> None:
        settings = {
            "Handler": spec.handler,
            "Runtime": spec.runtime,
            "Role": f"arn:aws:iam::{self.account}:role/{spec.name}",
            "MemorySize": spec.memory_mib or MEMORY_MIB,
            "Timeout": spec.timeout_seconds or DURATION_SECONDS,
            "Environment": {"Variables": dict(spec.environment)},
        }
        code = self._code(spec)
        body = {"FunctionName": spec.name, "Code": code, **settings}
        status, _ = self._call("POST", FUNCTIONS, body, allowed=(409,))
        if status == 409:
            self._call("PUT", f"{FUNCTIONS}/{spec.name}/configuration", settings)
            self._call("PUT", f"{FUNCTIONS}/{spec.name}/code", code)

    def _code(self, spec: FunctionSpec) -> dict[str, str]:
        """Return where a function's code is, or the code itself."""
        if self._from_folders:
            return {"S3Bucket": HOT_RELOAD, "S3Key": str(spec.folder)}
        try:
            return {"ZipFile": b64encode(pack(spec.folder)).decode()}
        except OSError as error:
            msg = f"{spec.folder} can't be read: {error}"
            raise LambdaError(msg) from None

    def _call(self, method: str, path: str, body: Any, allowed: tuple[int, ...] = ()) -> tuple[int, Any]:
        status, answer, _ = self._send(method, path, body)
        if status >= 400 and status not in allowed:
            raise LambdaError(_reason(answer, status))
        return status, answer

    def _send(self, method: str, path: str, body: Any) -> tuple[int, Any, Message]:
        assert self._parts.hostname is not None
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.hostname, self._parts.port, timeout=TIMEOUT_SECONDS)
        credential = f"{self.account}/20260101/{self.region}/lambda/aws4_request"
        headers = {
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
            "Content-Type": "application/json",
        }
        try:
            connection.request(method, path, msgspec.json.encode(body), headers)
            response = connection.getresponse()
            answer = msgspec.json.decode(response.read() or b"{}")
        except (OSError, HTTPException, msgspec.DecodeError) as error:
            msg = f"No answer from {self.url}: {error}"
            raise LambdaError(msg) from None
        finally:
            connection.close()
        return response.status, answer, response.headers


def _reason(answer: Any, status: int) -> str:
    """Return what a refusal says."""
    said = answer if isinstance(answer, dict) else {}
    return str(said.get("message") or said.get("Message") or f"HTTP {status}")


def caller(environment: dict[str, str] | None = None) -> tuple[str, str]:
    """Return the account and the region that SDKs would act for with these environment variables."""
    values = os.environ if environment is None else environment
    key = values.get("AWS_ACCESS_KEY_ID", "")
    region = values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    return key if len(key) == len(DEFAULT_ACCOUNT) and key.isdecimal() else DEFAULT_ACCOUNT, region


def pack(folder: Path) -> bytes:
    """Return a folder's files as a deployment package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL, strict_timestamps=False
    ) as archive:
        for path in files_of(folder):
            # What an editor replaces is gone for a moment.
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
