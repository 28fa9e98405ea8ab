"""What Google's REST promises on the wire, beside what its client happens to send."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.gcp.conftest import HELLO, deploy

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer


class Rest:
    """Sends what it is told."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self._connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self._connection.getresponse()
        text = answer.read()
        self.headers = answer.headers
        self.text = text.decode()
        return answer.status, json.loads(text)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def rest(server: ThreadedServer) -> Any:
    made = Rest(server.url)
    yield made
    made.close()


@pytest.fixture
def function(make_client: Callable[..., Any], parent: str) -> str:
    return str(deploy(make_client("v2", "grpc"), parent, "f", HELLO).name)


def test_enums_are_names_or_numbers(rest: Rest, function: str) -> None:
    assert rest("GET", f"/v2/{function}")[1]["state"] == "ACTIVE"
    assert rest.headers["content-type"] == "application/json; charset=UTF-8"
    assert "\n" in rest.text
    _, told = rest("GET", f"/v2/{function}?$alt=json;enum-encoding=int&$prettyPrint=false")
    assert told["state"] == 1
    assert "\n" not in rest.text
    assert rest("GET", f"/v2/{function}?%24alt=json%3Benum-encoding%3Dint")[1]["state"] == 1


def test_errors_have_googles_form(rest: Rest, parent: str) -> None:
    status, told = rest("GET", f"/v2/{parent}/functions/none")
    assert status == 404
    assert told == {
        "error": {
            "code": 404,
            "message": f"Resource '{parent}/functions/none' was not found",
            "status": "NOT_FOUND",
        }
    }


def test_unknown_fields_are_refused_by_name(rest: Rest, parent: str) -> None:
    body = {"serviceConfig": {"colour": 1}, "buildConfig": {"source": {"storageSource": {"shape": "x"}}}, "size": 3}
    status, told = rest("POST", f"/v2/{parent}/functions?functionId=f", body)
    assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert told["error"]["message"].splitlines() == [
        f"Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
        for name, place in (
            ("colour", "function.service_config"),
            ("shape", "function.build_config.source.storage_source"),
            ("size", "function"),
        )
    ]
    details = told["error"]["details"][0]
    assert details["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert details["fieldViolations"][0]["field"] == "function.service_config"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour=1", 'Unknown name "colour": Cannot bind query parameter.'),
        ("function.name=x&nobody.home=1", 'Unknown name "nobody.home"'),
        ("pageSize=many", "many"),
        ("pageSize=1&pageSize=2", "more than once"),
        ("alt=xml", "alt=xml"),
        ("fields=name", "fields"),
    ],
)
def test_parameters_that_cannot_be(rest: Rest, parent: str, query: str, words: str) -> None:
    status, told = rest("GET", f"/v2/{parent}/functions?{query}")
    assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT"), told
    if "function.name" not in query:
        assert words in told["error"]["message"]


def test_names_in_both_spellings_and_nested_parameters(rest: Rest, parent: str) -> None:
    assert rest("GET", f"/v2/{parent}/functions?page_size=5&key=x&$.xgafv=2") == (200, {})
    status, told = rest("POST", f"/v2/{parent}/functions?function_id=Bad", {"build_config": {"entry_point": "x"}})
    assert status == 400
    assert "Bad" in told["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff", b'{"a": 1} x'])
def test_bodies_that_are_no_json_objects(rest: Rest, parent: str, body: bytes) -> None:
    for path in (f"/v2/{parent}/functions?functionId=f", f"/v2/{parent}/functions:generateUploadUrl"):
        status, told = rest("POST", path, body)
        assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT"), path


def test_values_of_the_wrong_type(rest: Rest, parent: str) -> None:
    for service in ({"timeoutSeconds": "soon"}, {"ingressSettings": "SOMETIMES"}, {"environmentVariables": [1]}):
        status, told = rest("POST", f"/v2/{parent}/functions?functionId=f", {"serviceConfig": service})
        assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert next(iter(service)) in told["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/projects/p/nothing"), ("PUT", "/v2/projects/pppppp/locations/us-central1/functions/f")],
)
def test_paths_without_a_method(rest: Rest, method: str, path: str) -> None:
    status, told = rest(method, path)
    assert (status, told["error"]["message"]) == (404, "Method not found.")


def test_patch_takes_its_mask_from_the_query(rest: Rest, function: str) -> None:
    status, told = rest(
        "PATCH", f"/v2/{function}?updateMask=description,labels", {"description": "d", "labels": {"a": "b"}}
    )
    assert status == 200, told
    assert told["done"] is True
    assert told["response"]["@type"] == "type.googleapis.com/google.cloud.functions.v2.Function"
    assert (told["response"]["description"], told["response"]["labels"]) == ("d", {"a": "b"})
    status, told = rest("PATCH", f"/v2/{function}?updateMask=colour", {})
    assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_methods_that_are_there_but_not_supported(rest: Rest, function: str) -> None:
    status, told = rest("GET", f"/v2/{function}:getIamPolicy")
    assert (status, told["error"]["status"]) == (501, "UNIMPLEMENTED")
    assert "google.iam.v1.IAMPolicy/GetIamPolicy" in told["error"]["message"]
