"""WebChannel's protocol below Firebase's client: sessions, acknowledgements, time-outs; requests of other origins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from fogbank.wire.http import Request, Response
from tests.conformance.gcp.firestore.test_rules import token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fogbank.testing.server import ThreadedServer

PATH = "/google.firestore.v1.Firestore/{}/channel"


class Page:
    """A client that does what it is told; responses are read by the server's own loop."""

    def __init__(self, server: ThreadedServer, project: str, method: str = "Listen") -> None:
        self._server = server
        self._method = method
        self.database = f"projects/{project}/databases/(default)"
        self.sid = ""

    def send(self, verb: str, body: str = "", **given: Any) -> Response:
        query = urlencode({"VER": 8, "database": self.database, **({"SID": self.sid} if self.sid else {}), **given})
        request = Request(verb, f"{PATH.format(self._method)}?{query}".encode(), {b"host": b"localhost"}, body.encode())
        return self._server.call(self._server.app.handle(request))

    def begin(self, *requests: Any, headers: str = "") -> Any:
        answer = self.send(
            "POST", form(0, *requests, headers=headers), RID=1, CVER=22, **{"X-HTTP-Session-Id": "gsessionid"}
        )
        assert answer.status == 200, answer.body
        assert b"X-HTTP-Session-Id" in dict(answer.headers)
        ((number, (kind, self.sid, _host, version, *_rest)),) = read_chunks(answer.body)
        assert (number, kind, version) == (0, "c", 8)

    def post(self, offset: int, *requests: Any, **given: Any) -> Any:
        answer = self.send("POST", form(offset, *requests), **{"RID": 2, "AID": 0, **given})
        return read_chunks(answer.body) if answer.status == 200 else (answer.status, answer.body)

    def back(self, after: int = 0, *, streaming: bool = True) -> Any:
        answer = self.send("GET", RID="rpc", AID=after, CI=0 if streaming else 1, TYPE="xmlhttp")
        assert answer.status == 200, answer.body
        return answer.body

    def read(self, body: Any) -> Any:
        """The arrays of the next chunk; None at the end."""
        return self._server.call(_next(body))

    def read_until(self, body: Any, wanted: str) -> list[Any]:
        """Arrays up to the first that has a word in it."""
        found: list[Any] = []
        while not any(wanted in json.dumps(each) for each in found):
            found += self.read(body)
        return found


async def _next(body: AsyncIterator[bytes]) -> Any:
    try:
        return read_chunks(await anext(body))
    except StopAsyncIteration:
        return None


def form(offset: int, *requests: Any, headers: str = "") -> str:
    maps = {f"req{number}___data__": json.dumps(each) for number, each in enumerate(requests)}
    return urlencode({**({"headers": headers} if headers else {}), "count": len(requests), "ofs": offset, **maps})


def read_chunks(body: Any) -> Any:
    length, _, text = body.decode().partition("\n")
    assert int(length) == len(text)
    return json.loads(text)


def target(page: Page, number: int, path: str) -> Any:
    documents = {"documents": [f"{page.database}/documents/{path}"]}
    return {"database": page.database, "addTarget": {"targetId": number, "documents": documents}}


def test_a_session(timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    page = Page(timed_server, project)
    page.begin({"database": page.database, "addTarget": {"targetId": 2, "query": {
        "parent": f"{page.database}/documents", "structuredQuery": {"from": [{"collectionId": "a"}]},
    }}})  # fmt: skip
    body = page.back()
    found = page.read_until(body, "CURRENT")
    assert [each[0] for each in found] == list(range(1, len(found) + 1))
    assert found[0][1] == [{"targetChange": {"targetChangeType": "ADD", "targetIds": [2]}}]
    timed_db.document("a/b").set({"text": "ü🌴"})
    (change,) = [each for each in page.read_until(body, "documentChange") if "documentChange" in json.dumps(each)]
    assert change[1][0]["documentChange"]["document"]["fields"] == {"text": {"stringValue": "ü🌴"}}
    # The answer on the forward channel tells of the back channel, and what is outstanding.
    there, last, outstanding = page.post(1, {"database": page.database, "removeTarget": 2})
    assert (there, last >= change[0], outstanding > 0) == (1, True, True)
    removed = page.read_until(body, "REMOVE")[-1][0]
    assert page.post(2, AID=removed)[2] == 0
    assert page.send("GET", RID=9, TYPE="terminate").status == 200
    assert page.read(body) is None
    assert page.post(2) == (400, b"Error: Unknown SID")


def test_what_was_lost_comes_again(timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    page = Page(timed_server, project)
    page.begin(target(page, 1, "a/b"))
    first = page.read_until(page.back(), "CURRENT")
    again = page.read_until(page.back(), "CURRENT")
    assert again == first
    # Another back channel takes the first one's place; what is acknowledged isn't told again.
    last = first[-1][0]
    body = page.back(after=last)
    timed_db.document("a/b").set({"n": 1})
    assert all(each[0] > last for each in page.read_until(body, "documentChange"))
    # Maps that come again count once: a second target of the same number would be an error.
    page.post(1, target(page, 3, "a/c"))
    page.post(1, target(page, 3, "a/c"))
    page.post(2, target(page, 4, "a/d"))
    told = json.dumps(page.read_until(body, '"targetIds": [4]'))
    assert "error" not in told


def test_polling(timed_server: ThreadedServer, project: str) -> None:
    page = Page(timed_server, project)
    page.begin(target(page, 1, "a/b"))
    body = page.back(streaming=False)
    assert page.read(body)[0][0] == 1
    assert page.read(body) is None


def test_a_quiet_back_channel_says_that_it_is_there(timed_server: ThreadedServer, project: str) -> None:
    page = Page(timed_server, project)
    page.begin(target(page, 1, "a/b"))
    body = page.back()
    page.read_until(body, "CURRENT")

    async def quiet() -> Any:
        import asyncio

        waiting = asyncio.ensure_future(_next(body))
        await asyncio.sleep(0)
        await timed_server.clock.advance(31_000_000, timed_server.app.settle)
        return await waiting

    assert timed_server.call(quiet())[-1][1] == ["noop"]


def test_a_session_that_nobody_comes_back_to_ends(timed_server: ThreadedServer, project: str) -> None:
    page = Page(timed_server, project)
    page.begin(target(page, 1, "a/b"))
    timed_server.advance(59)
    assert page.post(1)[0] == 0
    timed_server.advance(61)
    assert page.post(1) == (400, b"Error: Unknown SID")


def test_writes_and_errors(timed_server: ThreadedServer, timed_db: Any, project: str) -> None:
    page = Page(timed_server, project, "Write")
    page.begin({"database": page.database}, headers=f"Authorization: Bearer {token('ann')}\r\nX-Other: a:b\r\n")
    body = page.back()
    (opened,) = page.read(body)
    name = f"{page.database}/documents/a/b"
    write = {"update": {"name": name, "fields": {"n": {"integerValue": "1"}}}}
    page.post(1, {"streamToken": opened[1][0]["streamToken"], "writes": [write]})
    assert "updateTime" in json.dumps(page.read(body))
    assert timed_db.document("a/b").get().to_dict() == {"n": 1}
    page.post(2, {"writes": [{**write, "currentDocument": {"exists": False}}]})
    ((_, (told,)),) = page.read(body)
    assert (told["error"]["status"], told["error"]["code"]) == ("ALREADY_EXISTS", 409)


@pytest.mark.parametrize(
    ("given", "body", "status"),
    [
        ({"VER": 7}, "count=0", 400),
        ({}, "count=2&req0___data__={}", 400),
        ({}, "count=1&req0___data__=[1]", 400),
        ({}, 'count=1&req0___data__={"none":1}', 400),
        ({"SID": "gone"}, "count=0", 400),
    ],
)
def test_what_is_no_request(timed_server: ThreadedServer, project: str, given: Any, body: str, status: int) -> None:
    assert Page(timed_server, project).send("POST", body, RID=1, **given).status == status


def test_other_origins(timed_server: ThreadedServer, project: str) -> None:
    path = f"/v1/projects/{project}/databases/(default)/documents/a/b"
    asked = {
        b"origin": b"http://page.example", b"access-control-request-method": b"PATCH",
        b"access-control-request-headers": b"authorization,x-goog-api-client",
    }  # fmt: skip
    answer = timed_server.call(timed_server.app.handle(Request("OPTIONS", path.encode(), asked)))
    headers = dict(answer.headers)
    assert (answer.status, headers[b"Access-Control-Allow-Origin"]) == (200, b"http://page.example")
    assert headers[b"Access-Control-Allow-Headers"] == b"authorization,x-goog-api-client"
    assert b"PATCH" in headers[b"Access-Control-Allow-Methods"]
    answer = timed_server.call(
        timed_server.app.handle(Request("GET", path.encode(), {b"origin": b"http://page.example"}))
    )
    assert (answer.status, dict(answer.headers)[b"Access-Control-Allow-Origin"]) == (404, b"http://page.example")
    answer = timed_server.call(timed_server.app.handle(Request("GET", path.encode(), {})))
    assert b"Access-Control-Allow-Origin" not in dict(answer.headers)
