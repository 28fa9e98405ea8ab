"""Table Storage over plain HTTP: levels of metadata, what is refused by name, garbage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.azure.tables.conftest import new_name

if TYPE_CHECKING:
    from tests.conformance.azure.conftest import Answer, Azure

ENTITY = {"PartitionKey": "a b", "RowKey": "1", "n": 1, "long@odata.type": "Edm.Int64", "long": "5", "d": 2.0}
BATCH = (
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    b"--c\r\nContent-Type: application/http\r\n\r\n%b\r\n--c--\r\n--b--"
)


def send(azure: Azure, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    named = {"authorization": "Bearer token", "accept": "application/json", "x_ms_version": "2020-12-06", **headers}
    return azure.control(method, f"/devstoreaccount1{path}", body, **named)


@pytest.fixture
def name(azure: Azure) -> str:
    made = new_name()
    answer = send(azure, "POST", "/Tables", {"TableName": made})
    assert answer.status == 201
    assert answer.json()["TableName"] == made
    assert send(azure, "POST", f"/{made}", ENTITY).status == 201
    return made


def test_levels_of_metadata(azure: Azure, name: str) -> None:
    root = f"{azure.server.url}/devstoreaccount1"
    path = f"/{name}(PartitionKey='a%20b',RowKey='1')"
    none = send(azure, "GET", path, accept="application/json;odata=nometadata").json()
    assert list(none) == ["PartitionKey", "RowKey", "Timestamp", "n", "long", "d"]
    assert none["long"] == "5"
    answer = send(azure, "GET", path, accept="application/json;odata=minimalmetadata")
    minimal = answer.json()
    assert minimal["odata.metadata"] == f"{root}/$metadata#{name}/@Element"
    assert minimal["odata.etag"] == answer.headers["etag"]
    assert minimal["long@odata.type"] == "Edm.Int64"
    assert "Timestamp@odata.type" not in minimal
    assert b'"d":2.0' in answer.body
    full = send(azure, "GET", f"/{name}()", accept="application/json;odata=fullmetadata").json()
    assert full["odata.metadata"] == f"{root}/$metadata#{name}"
    (entity,) = full["value"]
    assert entity["odata.type"] == f"devstoreaccount1.{name}"
    assert entity["odata.id"] == f"{root}/{name}(PartitionKey='a%20b',RowKey='1')"
    assert entity["odata.editLink"] == f"{name}(PartitionKey='a%20b',RowKey='1')"
    assert entity["Timestamp@odata.type"] == "Edm.DateTime"
    tables = send(azure, "GET", "/Tables?$format=application/json;odata=fullmetadata").json()
    assert f"Tables('{name}')" in [each["odata.editLink"] for each in tables["value"]]


def test_an_account_s_own_host(azure: Azure, name: str) -> None:
    host = "devstoreaccount1.table.core.windows.net"
    answer = azure.control(
        "GET",
        f"/{name}()",
        host=host,
        authorization="Bearer token",
        accept="application/json",
        x_ms_version="2020-12-06",
    )
    assert answer.status == 200
    assert answer.json()["odata.metadata"] == f"http://{host}/$metadata#{name}"
    assert send(azure, "GET", "/Tables('missing')").json()["odata.error"]["code"] == "ResourceNotFound"
    assert send(azure, "GET", f"/Tables('{name}')").json()["TableName"] == name


def test_preferences(azure: Azure, name: str) -> None:
    answer = send(azure, "POST", f"/{name}", {"PartitionKey": "b", "RowKey": "2"}, prefer="return-no-content")
    assert (answer.status, answer.body, answer.headers["preference-applied"]) == (204, b"", "return-no-content")
    assert answer.headers["location"].endswith(f"/{name}(PartitionKey='b',RowKey='2')")
    assert answer.headers["dataserviceversion"] == "3.0;"


def test_methods_that_stand_for_others(azure: Azure, name: str) -> None:
    path = f"/{name}(PartitionKey='a%20b',RowKey='1')"
    answer = send(azure, "POST", path, {"m": 1}, x_http_method="MERGE", if_match="*")
    assert answer.status == 204
    assert send(azure, "MERGE", path, {"k": 1}).status == 204
    assert send(azure, "GET", path).json().keys() >= {"m", "k", "n"}
    assert send(azure, "POST", path, x_http_method="DELETE", if_match="*").status == 204
    assert send(azure, "GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/{t}()?$orderby=n", None, {}, 501, "NotImplemented"),
        ("GET", "/{t}()?$filter=n%20eq", None, {}, 400, "InvalidInput"),
        ("GET", "/{t}()?NextPartitionKey=%C3%A9", None, {}, 400, "InvalidQueryParameterValue"),
        ("GET", "/{t}(PartitionKey='a')", None, {}, 400, "InvalidInput"),
        ("GET", "/{t}()", None, {"accept": "application/atom+xml"}, 415, "AtomFormatNotSupported"),
        ("GET", "/{t}()", None, {"accept": "text/html"}, 415, "MediaTypeNotSupported"),
        ("GET", "/{t}/more?x=json", None, {}, 400, "InvalidUri"),
        ("POST", "/{t}", b"{", {}, 400, "InvalidInput"),
        ("POST", "/{t}", [1], {}, 400, "InvalidInput"),
        ("POST", "/{t}", {"PartitionKey": "a"}, {}, 400, "PropertiesNeedValue"),
        ("POST", "/{t}", {"PartitionKey": 1, "RowKey": "a"}, {}, 400, "InvalidInput"),
        ("POST", "/{t}", {"PartitionKey": "b", "RowKey": "a", "x": [1]}, {}, 400, "InvalidInput"),
        ("POST", "/{t}", {"PartitionKey": "b", "RowKey": "a", "x": 2**40}, {}, 400, "InvalidInput"),
        (
            "POST",
            "/{t}",
            {"PartitionKey": "b", "RowKey": "a", "x": 1, "x@odata.type": "Edm.X"},
            {},
            400,
            "InvalidInput",
        ),
        ("PUT", "/{t}(PartitionKey='a',RowKey='b')", {"RowKey": "c"}, {}, 400, "InvalidInput"),
        ("PUT", "/{t}(PartitionKey='a',RowKey='b')", {}, {"if_match": "x"}, 400, "InvalidInput"),
        ("DELETE", "/{t}(PartitionKey='a',RowKey='b')", None, {}, 400, "MissingRequiredHeader"),
        ("PUT", "/{t}(PartitionKey='a',RowKey='b')", {}, {"x_http_method": "MERGE"}, 400, "XMethodNotUsingPost"),
        ("POST", "/{t}(PartitionKey='a',RowKey='b')", {}, {"x_http_method": "COPY"}, 400, "XMethodIncorrectValue"),
        ("DELETE", "/Tables", None, {}, 405, "MethodNotAllowed"),
        ("GET", "/{t}?comp=leases", None, {}, 400, "InvalidQueryParameterValue"),
        ("OPTIONS", "/{t}", None, {}, 400, "UnsupportedByFogbank"),
        ("GET", "/?restype=service&comp=stats", None, {}, 400, "InvalidQueryParameterValue"),
        ("POST", "/$batch", b"", {"content_type": "text/plain"}, 400, "InvalidInput"),
        ("POST", "/$batch", b"--b--", {"content_type": "multipart/mixed; boundary=b"}, 400, "InvalidInput"),
        ("POST", "/$batch", b"--b\r\n\r\n", {"content_type": "multipart/mixed; boundary=b"}, 400, "InvalidInput"),
        ("POST", "/$batch", BATCH % b"", {"content_type": "multipart/mixed; boundary=b"}, 400, "InvalidInput"),
    ],
)
def test_what_is_refused(
    azure: Azure, name: str, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    answer = send(azure, method, path.replace("{t}", name), body, **headers)
    told = answer.json()["odata.error"]
    assert (answer.status, told["code"], answer.headers["x-ms-error-code"]) == (status, code, code), answer.body
    assert told["message"]["lang"] == "en-US"


def test_a_query_in_a_batch(azure: Azure, name: str) -> None:
    address = f"{azure.server.url}/devstoreaccount1/{name}(PartitionKey='a%20b',RowKey='1')"
    request = f"GET {address} HTTP/1.1\r\nAccept: application/json\r\n\r\n"
    body = f"--b\r\nContent-Type: application/http\r\n\r\n{request}\r\n--b--\r\n".encode()
    answer = send(azure, "POST", "/$batch", body, content_type="multipart/mixed; boundary=b")
    assert answer.status == 202
    assert b"HTTP/1.1 200 OK" in answer.body
    assert json.loads(answer.body[answer.body.index(b"{") : answer.body.rindex(b"}") + 1])["n"] == 1


def test_what_is_wrong_in_a_batch(azure: Azure, name: str) -> None:
    for request, code in (
        (b"POST /devstoreaccount1/%b HTTP/1.1\r\n\r\n{" % name.encode(), "InvalidInput"),
        (b"GET /devstoreaccount1/Tables HTTP/1.1\r\n\r\n", "NotImplemented"),
        (b"POST /other1/%b HTTP/1.1\r\n\r\n{}" % name.encode(), "InvalidInput"),
        (b"POST /devstoreaccount1/Tables HTTP/1.1\r\n\r\n{}", "NotImplemented"),
    ):
        answer = send(azure, "POST", "/$batch", BATCH % request, content_type="multipart/mixed; boundary=b")
        assert code in answer.body.decode(), answer.body
