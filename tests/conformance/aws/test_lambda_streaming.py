"""AWS Lambda's response streaming: through boto3, and through function URLs."""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import urllib.request
from base64 import b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.aws.functions import deploy
from tests.conformance.aws.test_lambda_functions import refused
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.aws.test_lambda_runtimes import create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: there is none on PATH")

# Writes a first part, and goes on once the file that the event names is there.
WAITS = """
    const fs = require("node:fs");
    const there = async (file) => { while (!fs.existsSync(file)) await new Promise((go) => setTimeout(go, 2)); };
    exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
        const asked = event.body ? JSON.parse(event.body) : event;
        if (asked.head) stream = awslambda.HttpResponseStream.from(stream, asked.head);
        else stream.setContentType("text/plain");
        stream.write("first ");
        if (asked.file) await there(asked.file);
        if (asked.fail) throw new RangeError("half way");
        if (asked.hang) await new Promise(() => {});
        if (asked.exit) process.exit(3);
        stream.write("last");
        stream.end();
        if (asked.done) fs.writeFileSync(asked.done, "");
    });
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda")


def stream(client: Any, event: Any = None, **wanted: Any) -> Any:
    payload = {} if event is None else {"Payload": json.dumps(event)}
    return client.invoke_with_response_stream(FunctionName="f", **payload, **wanted)


def events(reply: Any) -> tuple[list[bytes], dict[str, Any]]:
    """Return the chunks and the last event."""
    *chunks, last = reply["EventStream"]
    return [each["PayloadChunk"]["Payload"] for each in chunks], last["InvokeComplete"]


@node
def test_the_first_part_comes_before_the_function_ends(lambda_: Any, tmp_path: Path) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS})
    go_on = tmp_path / "go-on"
    reply = stream(lambda_, {"file": str(go_on)}, LogType="Tail")
    assert (reply["StatusCode"], reply["ExecutedVersion"]) == (200, "$LATEST")
    assert reply["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    arriving = iter(reply["EventStream"])
    assert next(arriving) == {"PayloadChunk": {"Payload": b"first "}}
    go_on.touch()
    assert next(arriving) == {"PayloadChunk": {"Payload": b"last"}}
    complete = next(arriving)["InvokeComplete"]
    assert complete.keys() == {"LogResult"}
    assert "REPORT RequestId: " in b64decode(complete["LogResult"]).decode()
    with pytest.raises(StopIteration):
        next(arriving)


@node
def test_a_streamed_response_is_whole_where_it_isn_t_asked_for_in_parts(lambda_: Any) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS})
    assert lambda_.invoke(FunctionName="f")["Payload"].read() == b"first last"
    payload, reply = invoke(lambda_, {"fail": True})
    assert (payload["errorType"], reply["FunctionError"]) == ("RangeError", "Unhandled")


@node
@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"fail": True}, "RangeError", "half way"),
        ({"exit": True}, "Runtime.ExitError", "exit status 3"),
        ({"hang": True}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ],
)
def test_a_failure_half_way_is_told_by_the_last_event(lambda_: Any, event: Any, kind: str, message: str) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS}, Timeout=1)
    chunks, last = events(stream(lambda_, event))
    assert chunks == [b"first "]
    assert last["ErrorCode"] == "Unhandled"
    error = json.loads(last["ErrorDetails"])
    assert error["errorType"] == kind
    assert message in error["errorMessage"]


@node
def test_handlers_that_stream_have_to_be_async(lambda_: Any) -> None:
    create(lambda_, "nodejs20.x", {"index.js": "exports.handler = awslambda.streamifyResponse((e, s) => s.end('x'));"})
    _, last = events(stream(lambda_))
    assert json.loads(last["ErrorDetails"])["errorType"] == "StreamingHandlerMustBeAsync"


@node
def test_large_parts_objects_and_binary_data_arrive_as_they_were(lambda_: Any) -> None:
    source = """
        const { pipeline } = require("node:stream/promises");
        const { Readable } = require("node:stream");
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
            stream.write({ a: 1 });
            await pipeline(Readable.from([Buffer.alloc(3_000_000, 255), Buffer.alloc(8_000_000, 1)]), stream);
        });
    """
    create(lambda_, "nodejs20.x", {"index.js": source})
    chunks, last = events(stream(lambda_))
    assert b"".join(chunks) == b'{"a":1}' + b"\xff" * 3_000_000 + b"\x01" * 8_000_000
    assert last == {}
    payload, _ = invoke(lambda_)
    assert payload["errorType"] == "Function.ResponseSizeTooLarge", "6 MB where it isn't streamed"


@node
def test_a_stream_that_is_destroyed_is_an_error(lambda_: Any) -> None:
    source = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('x'); s.destroy(); });"
    create(lambda_, "nodejs20.x", {"index.js": source})
    chunks, last = events(stream(lambda_))
    assert (chunks, json.loads(last["ErrorDetails"])["errorType"]) == ([b"x"], "Runtime.StreamError")


RUNTIME = f"""
    #!{sys.executable}
    import base64, http.client, json, os, time
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", "/2018-06-01/runtime/invocation/next")
        answer = api.getresponse()
        number, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
        api.putrequest("POST", "/2018-06-01/runtime/invocation/" + number + "/response")
        api.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        api.putheader("Transfer-Encoding", "chunked")
        api.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
        api.endheaders()
        api.send(b"6\\r\\nfirst \\r\\n")
        while event.get("file") and not os.path.exists(event["file"]):
            time.sleep(0.002)
        if event.get("fail"):
            body = base64.b64encode(json.dumps(dict(errorType="Function.Half", errorMessage="half way")).encode())
            api.send(b"0\\r\\nLambda-Runtime-Function-Error-Type: Function.Half\\r\\n"
                     b"Lambda-Runtime-Function-Error-Body: " + body + b"\\r\\n\\r\\n")
        else:
            api.send(b"4\\r\\nlast\\r\\n0\\r\\n\\r\\n")
        api.getresponse().read()
"""


def test_custom_runtimes_stream_through_the_runtime_api(lambda_: Any, tmp_path: Path) -> None:
    create(lambda_, "provided.al2023", {"bootstrap": RUNTIME}, handler="any")
    go_on = tmp_path / "go-on"
    arriving = iter(stream(lambda_, {"file": str(go_on)})["EventStream"])
    assert next(arriving) == {"PayloadChunk": {"Payload": b"first "}}
    go_on.touch()
    assert [*arriving] == [{"PayloadChunk": {"Payload": b"last"}}, {"InvokeComplete": {}}]
    chunks, last = events(stream(lambda_, {"fail": True}))
    assert chunks == [b"first "]
    assert json.loads(last["ErrorDetails"]) == {"errorType": "Function.Half", "errorMessage": "half way"}
    assert lambda_.invoke(FunctionName="f")["Payload"].read() == b"first last"


def test_what_a_function_does_not_stream_is_one_chunk(lambda_: Any) -> None:
    source = """
        def handler(event, context):
            print("hello")
            return event["a"] if event["a"] else 1 / 0
    """
    deploy(lambda_, "f", source)
    assert events(stream(lambda_, {"a": [1, "둘"]})) == ([json.dumps([1, "둘"]).encode()], {})
    (chunk,), last = events(stream(lambda_, {"a": 0}, LogType="Tail"))
    assert json.loads(chunk) == json.loads(last["ErrorDetails"])
    assert (json.loads(chunk)["errorType"], last["ErrorCode"]) == ("ZeroDivisionError", "Unhandled")
    assert "hello" in b64decode(last["LogResult"]).decode()
    dry = stream(lambda_, InvocationType="DryRun")
    assert dry["StatusCode"] == 204
    dry["EventStream"].close()
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with refused("TooManyRequestsException"):
        stream(lambda_)
    with refused("ResourceNotFoundException"):
        stream(lambda_, Qualifier="7")


@node
def test_of_a_streamed_response_the_beginning_is_kept(lambda_: Any, server: ThreadedServer) -> None:
    source = "exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('x'.repeat(600000)); s.end(); });"
    create(lambda_, "nodejs20.x", {"index.js": source})
    reply = stream(lambda_)
    assert len(b"".join(events(reply)[0])) == 600_000
    number = reply["ResponseMetadata"]["RequestId"]
    with urllib.request.urlopen(f"{server.url}/_fogbank/invocations/{number}") as found:
        kept = json.load(found)
    assert "payload" in json.dumps(kept["cut"]), kept.keys()


# Function URLs


class Page:
    """A response that is still arriving."""

    def __init__(self, server: ThreadedServer, url: str, asked: Any, method: str = "POST") -> None:
        host = urlsplit(server.url)
        assert host.hostname is not None
        self.connection = http.client.HTTPConnection(host.hostname, host.port, timeout=30)
        headers = {"Host": urlsplit(url).netloc, "Content-Type": "application/json"}
        self.connection.request(method, "/", json.dumps(asked).encode(), headers)
        self.response = self.connection.getresponse()

    def rest(self) -> bytes:
        try:
            return self.response.read()
        finally:
            self.connection.close()


def streaming_url(client: Any) -> str:
    made = client.create_function_url_config(FunctionName="f", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    assert made["InvokeMode"] == "RESPONSE_STREAM"
    return made["FunctionUrl"]


@node
def test_a_url_streams_status_headers_cookies_and_body(lambda_: Any, server: ThreadedServer, tmp_path: Path) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS})
    url = streaming_url(lambda_)
    go_on = tmp_path / "go-on"
    head = {"statusCode": 201, "headers": {"Content-Type": "text/html", "X-Own": "1"}, "cookies": ["a=1", "b=2"]}
    page = Page(server, url, {"head": head, "file": str(go_on)})
    assert page.response.read(6) == b"first ", "before the function has ended"
    go_on.touch()
    assert page.rest() == b"last"
    headers = page.response.headers
    assert (page.response.status, headers["content-type"], headers["x-own"]) == (201, "text/html", "1")
    assert headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert headers["transfer-encoding"] == "chunked"
    plain = Page(server, url, {})
    assert (plain.response.status, plain.response.headers["content-type"]) == (200, "text/plain")
    assert plain.rest() == b"first last"
    assert Page(server, url, {}, method="HEAD").rest() == b""
    unusable = Page(server, url, {"head": {"statusCode": "no"}})
    assert (unusable.response.status, unusable.rest()) == (502, b"Internal Server Error")
    changed = lambda_.update_function_url_config(FunctionName="f", InvokeMode="BUFFERED")
    assert changed["InvokeMode"] == "BUFFERED"
    buffered = Page(server, url, {})
    assert (buffered.response.headers["content-length"], buffered.rest()) == ("10", b"first last")


@node
def test_a_failure_half_way_breaks_the_response_off(lambda_: Any, server: ThreadedServer) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS})
    page = Page(server, streaming_url(lambda_), {"fail": True})
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        page.rest()


@node
def test_a_function_goes_on_when_its_client_has_gone(lambda_: Any, server: ThreadedServer, tmp_path: Path) -> None:
    create(lambda_, "nodejs20.x", {"index.js": WAITS})
    go_on, done = tmp_path / "go-on", tmp_path / "done"
    page = Page(server, streaming_url(lambda_), {"file": str(go_on), "done": str(done)})
    assert page.response.read(6) == b"first "
    page.response.close()
    page.connection.close()
    go_on.touch()
    wait_for(done.exists)


def test_a_streaming_url_sends_what_isn_t_streamed_as_it_is(lambda_: Any, server: ThreadedServer) -> None:
    deploy(lambda_, "f", "def handler(event, context): return {'statusCode': 404, 'body': 'x'} if event else 1 / 0")
    url = streaming_url(lambda_)
    page = Page(server, url, {})
    assert (page.response.status, json.loads(page.rest())) == (200, {"statusCode": 404, "body": "x"})
    assert page.response.headers["content-type"] == "application/json"
    deploy(lambda_, "g", "def handler(event, context): return 1 / 0")
    broken = lambda_.create_function_url_config(FunctionName="g", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    page = Page(server, broken["FunctionUrl"], {})
    assert (page.response.status, page.rest()) == (502, b"Internal Server Error")
