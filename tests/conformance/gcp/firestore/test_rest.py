"""Firestore over REST, and what gRPC alone has: the stream of writes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1 import types

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer


def call(url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_documents_and_queries(server: ThreadedServer, project: str) -> None:
    root = f"projects/{project}/databases/(default)/documents"
    url = f"{server.url}/v1/{root}"
    status, made = call(f"{url}/cities?documentId=SF", "POST", {"fields": {"n": {"integerValue": "1"}}})
    assert (status, made["name"], made["fields"]) == (200, f"{root}/cities/SF", {"n": {"integerValue": "1"}})
    status, again = call(f"{url}/cities?documentId=SF", "POST", {"fields": {}})
    assert (status, again["error"]["status"]) == (409, "ALREADY_EXISTS")
    _, drawn = call(f"{url}/cities", "POST", {"fields": {}})
    assert len(drawn["name"].rpartition("/")[2]) == 20
    change = {"fields": {"m": {"stringValue": "x"}}}
    _, changed = call(f"{url}/cities/SF?updateMask.fieldPaths=m", "PATCH", change)
    assert set(changed["fields"]) == {"n", "m"}
    assert call(f"{url}/cities/SF?mask.fieldPaths=m")[1]["fields"] == change["fields"]
    status, missing = call(f"{url}/cities/none")
    assert (status, missing["error"]["message"]) == (404, f'Document "{root}/cities/none" not found.')
    _, batch = call(f"{url}:batchGet", "POST", {"documents": [f"{root}/cities/SF", f"{root}/cities/none"]})
    assert [next(iter(each)) for each in batch] == ["found", "missing"]
    query = {"from": [{"collectionId": "cities"}], "where": {"fieldFilter": {
        "field": {"fieldPath": "n"}, "op": "EQUAL", "value": {"doubleValue": 1}}}}  # fmt: skip
    _, found = call(f"{url}:runQuery", "POST", {"structuredQuery": query})
    assert [each["document"]["name"] for each in found] == [f"{root}/cities/SF"]
    _, listed = call(f"{url}/cities?pageSize=1")
    assert len(listed["documents"]) == 1
    _, rest = call(f"{url}/cities?pageSize=1&pageToken={listed['nextPageToken']}")
    assert "error" not in rest
    assert rest["documents"][0]["name"] != listed["documents"][0]["name"]
    assert "nextPageToken" not in rest
    _, collections = call(f"{url}:listCollectionIds", "POST", {})
    assert collections == {"collectionIds": ["cities"]}
    assert call(f"{url}/cities/SF", "DELETE") == (200, {})


def test_the_error_of_a_stream_is_in_a_list(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}/databases/(default)/documents"
    query = {"from": [{"collectionId": "a"}], "limit": -1}
    status, answer = call(f"{url}:runQuery", "POST", {"structuredQuery": query})
    assert (status, [each["error"]["code"] for each in answer]) == (400, [400])
    status, answer = call(f"{url}:batchGet", "POST", {"documents": ["nothing"]})
    assert (status, answer[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")
    status, answer = call(f"{url}:runQuery", "POST", {"nothing": 1})
    assert (status, answer[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_how_the_service_words_what_is_wrong(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}/databases/(default)/documents"
    fields = {"fields": {"a": {"integerValue": "1"}}}
    for path, message in {
        "a?documentId=b/c": 'Resource id "b/c" is invalid because it contains "/".',
        "a?documentId=__b__": 'Resource id "__b__" is invalid because it is reserved.',
        "a?documentId=b&mask.fieldPaths=0b": (
            'Invalid property path "0b". Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), and quoted'
            r" property paths must match regex (`(?:[^`\\]|(?:\\.))+`)"
        ),
    }.items():
        status, answer = call(f"{url}/{path}", "POST", fields)
        assert (status, answer["error"]["message"]) == (400, message)
    assert call(f"{url}/a/b")[0] == 404


def test_a_projection_of_nothing_is_all(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}/databases/(default)/documents"
    fields = {"n": {"integerValue": "1"}}
    call(f"{url}/a/1", "PATCH", {"fields": fields})
    query = {"from": [{"collectionId": "a"}], "select": {}}
    _, answer = call(f"{url}:runQuery", "POST", {"structuredQuery": query})
    assert [each["document"]["fields"] for each in answer] == [fields]


def test_a_stream_of_writes(db: Any) -> None:
    database = db._database_string

    def requests() -> Any:
        yield types.WriteRequest(database=database)
        for number in range(2):
            name = f"{database}/documents/a/{number}"
            yield types.WriteRequest(writes=[{"update": {"name": name, "fields": {"n": {"integer_value": number}}}}])

    answers = list(db._firestore_api.write(requests(), metadata=db._rpc_metadata))
    assert answers[0].stream_id
    assert [len(each.write_results) for each in answers] == [0, 1, 1]
    assert len({each.stream_token for each in answers}) == 3
    assert answers[1].commit_time < answers[2].commit_time
    assert db.document("a/1").get().to_dict() == {"n": 1}
