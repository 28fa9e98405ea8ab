"""Security rules: set through Firebase's API, the emulator's path and the command line; held against clients."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fogbank.cli import main
from fogbank.settings import Settings, SettingsError
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.firestore.conftest import connect

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "owner"
RULES = """rules_version = '2';
service cloud.firestore {
  match /databases/{database}/documents {
    function known() { return request.auth != null; }
    function member(room) { return get(/databases/$(database)/documents/rooms/$(room)).data.members; }
    match /users/{user} {
      allow get: if known() && request.auth.uid == user;
      allow create: if known() && request.auth.uid == user
        && request.resource.data.keys().hasOnly(['name', 'made'])
        && request.resource.data.made == request.time;
      allow update: if request.auth.uid == user
        && request.resource.data.diff(resource.data).affectedKeys().hasOnly(['name']);
      allow delete: if request.auth.token.admin == true;
    }
    match /posts/{post} {
      allow list: if resource.data.public == true && request.query.limit <= 5;
      allow get: if resource == null || resource.data.public == true;
      allow create: if existsAfter(/databases/$(database)/documents/posts/$(request.resource.data.twin));
    }
    match /rooms/{room}/messages/{message} {
      allow read, write: if request.auth.uid in member(room);
    }
    match /{path=**}/tags/{tag} { allow list; }
  }
}
"""


def token(uid: str, **claims: Any) -> str:
    """A token as Firebase's SDK makes it for emulators: unsigned."""
    payload = {"iss": "https://securetoken.google.com/p", "sub": uid, "user_id": uid, **claims}
    parts = [{"alg": "none", "type": "JWT"}, payload]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts]
    return ".".join((*encoded, ""))


def call(url: str, method: str = "GET", body: Any = None, *, bearer: str = "") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


class Client:
    """A web client: a user's, or nobody's."""

    def __init__(self, server: ThreadedServer, project: str, uid: str = "", **claims: Any) -> None:
        self.root = f"projects/{project}/databases/(default)/documents"
        self.url = f"{server.url}/v1/{self.root}"
        self._bearer = token(uid, **claims) if uid else ""

    def ask(self, path: str, method: str = "GET", body: Any = None) -> int:
        return call(self.url + path, method, body, bearer=self._bearer)[0]

    def commit(self, *writes: Any) -> int:
        return self.ask(":commit", "POST", {"writes": writes})

    def write(self, path: str, *, now: str = "", mask: list[str] | None = None, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"update": {"name": f"{self.root}/{path}", "fields": _fields(fields)}}
        if now:
            made["updateTransforms"] = [{"fieldPath": now, "setToServerValue": "REQUEST_TIME"}]
        if mask is not None:
            made["updateMask"] = {"fieldPaths": mask}
        return made

    def query(self, collection: str, *, limit: int = 0, group: bool = False, **equal: Any) -> int:
        query: dict[str, Any] = {"from": [{"collectionId": collection, "allDescendants": group}]}
        if limit:
            query["limit"] = limit
        for name, value in equal.items():
            filtered = {"field": {"fieldPath": name}, "op": "EQUAL", "value": _fields({"v": value})["v"]}
            query["where"] = {"fieldFilter": filtered}
        return self.ask(":runQuery", "POST", {"structuredQuery": query})


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    kinds = {bool: "booleanValue", str: "stringValue"}
    return {name: {kinds[type(value)]: value} for name, value in fields.items()}


def set_rules(server: ThreadedServer, project: str, text: str = RULES) -> None:
    body = {"rules": {"files": [{"content": text}]}}
    url = f"{server.url}/emulator/v1/projects/{project}:securityRules"
    assert call(url, "PUT", body) == (200, {})


def test_without_rules_everything_is_allowed(server: ThreadedServer, project: str) -> None:
    nobody = Client(server, project)
    assert nobody.commit(nobody.write("a/b", x=True)) == 200
    assert nobody.ask("/a/b") == 200


def test_documents(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    ann, bob, nobody = Client(server, project, "ann"), Client(server, project, "bob"), Client(server, project)
    assert ann.commit(ann.write("users/ann", name="Ann", now="made")) == 200
    assert ann.commit(ann.write("users/bob", name="Ann", now="made")) == 403
    assert bob.commit(bob.write("users/bob", name="Bob", made="yesterday")) == 403
    assert bob.commit(bob.write("users/bob", name="Bob", more="x", now="made")) == 403
    assert [each.ask("/users/ann") for each in (ann, bob, nobody)] == [200, 403, 403]
    assert ann.ask(":batchGet", "POST", {"documents": [f"{ann.root}/users/ann", f"{ann.root}/users/bob"]}) == 403
    assert ann.commit(ann.write("users/ann", name="Anne", mask=["name"])) == 200
    assert ann.commit(ann.write("users/ann", name="Anne", admin=True, mask=["admin"])) == 403
    assert ann.ask("/users/ann", "DELETE") == 403
    assert Client(server, project, "root", admin=True).ask("/users/ann", "DELETE") == 200
    assert ann.ask("/elsewhere/x") == 403
    # A server may do anything.
    assert call(f"{ann.url}/elsewhere/x", bearer=OWNER)[0] == 404
    assert call(f"{ann.url}/elsewhere/x", bearer="ya29.of-a-service-account")[0] == 404


def test_the_error(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    status, answer = call(Client(server, project).url + "/users/ann")
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert answer["error"]["message"].startswith("Missing or insufficient permissions.")
    assert "false for 'get' @ L7" in answer["error"]["message"]


def test_queries(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    nobody = Client(server, project)
    assert nobody.query("posts", limit=5, public=True) == 200
    assert nobody.query("posts", limit=6, public=True) == 403
    assert nobody.query("posts", public=True) == 403
    assert nobody.query("posts", limit=5) == 403
    assert nobody.query("posts", limit=5, public=False) == 403
    assert nobody.query("tags", group=True) == 200
    assert nobody.query("tags") == 200
    assert nobody.query("others", group=True) == 403
    assert nobody.ask("/posts?pageSize=5") == 403
    assert nobody.ask(":listCollectionIds", "POST", {}) == 403
    counted = {"structuredAggregationQuery": {
        "structuredQuery": {"from": [{"collectionId": "users"}]}, "aggregations": [{"count": {}, "alias": "n"}],
    }}  # fmt: skip
    assert nobody.ask(":runAggregationQuery", "POST", counted) == 403


def test_what_rules_look_at(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    with connect(server.url, project) as db:
        db.document("rooms/r").set({"members": ["ann"]})
        ann, bob = Client(server, project, "ann"), Client(server, project, "bob")
        assert [each.commit(each.write("rooms/r/messages/1", text="hi")) for each in (ann, bob)] == [200, 403]
        assert [each.ask("/rooms/r/messages/1") for each in (ann, bob)] == [200, 403]
        assert [each.ask("/rooms/r/messages") for each in (ann, bob)] == [200, 403]
        db.document("rooms/r").set({"members": ["bob"]})
        assert [each.ask("/rooms/r/messages/1") for each in (ann, bob)] == [403, 200]
        # Both of a batch see what will be.
        one, other = ann.write("posts/1", twin="2"), ann.write("posts/2", twin="1")
        assert ann.commit(one) == 403
        assert ann.commit(one, other) == 200
        assert db.document("posts/2").get().to_dict() == {"twin": "1"}
        assert ann.ask("/posts/missing") == 200 or ann.ask("/posts/missing") == 404


def test_what_is_only_verified_is_read(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    with connect(server.url, project) as db:
        db.document("users/ann").set({"name": "Ann"})
    ann, bob = Client(server, project, "ann"), Client(server, project, "bob")

    def verify(*, exists: bool) -> dict[str, Any]:
        return {"verify": f"{ann.root}/users/ann", "currentDocument": {"exists": exists}}

    assert [each.commit(verify(exists=True)) for each in (ann, bob)] == [200, 403]
    assert ann.commit(verify(exists=False)) == 409
    assert call(f"{ann.url}/users/ann", bearer=OWNER)[1]["fields"] == {"name": {"stringValue": "Ann"}}


def test_a_batch_is_allowed_as_a_whole(server: ThreadedServer, project: str) -> None:
    set_rules(server, project)
    ann = Client(server, project, "ann")
    one, other = ann.write("users/ann", name="Ann", now="made"), ann.write("users/bob", name="Ann", now="made")
    assert ann.commit(one, other) == 403
    assert ann.ask("/users/ann") == 404


def test_the_api(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}"
    source = {"source": {"files": [{"name": "firestore.rules", "content": RULES}]}}
    status, made = call(f"{url}/rulesets", "POST", source)
    assert (status, made["metadata"]) == (200, {"services": ["cloud.firestore"]})
    assert call(f"{server.url}/v1/{made['name']}")[1]["source"]["files"][0]["content"] == RULES
    assert [each["name"] for each in call(f"{url}/rulesets")[1]["rulesets"]] == [made["name"]]
    name = f"projects/{project}/releases/cloud.firestore"
    release = {"name": name, "rulesetName": made["name"]}
    assert call(f"{server.url}/v1/{name}", "PATCH", {"release": release})[0] == 404
    assert call(f"{url}/releases", "POST", release)[1]["rulesetName"] == made["name"]
    assert call(f"{url}/releases", "POST", release)[1]["error"]["status"] == "ALREADY_EXISTS"
    nobody = Client(server, project)
    assert nobody.ask("/elsewhere/x") == 403
    assert call(f"{server.url}/v1/{made['name']}", "DELETE")[1]["error"]["status"] == "FAILED_PRECONDITION"
    opened = RULES.replace("match /users/{user} {", "match /elsewhere/{x} { allow read; } match /users/{user} {")
    _, other = call(f"{url}/rulesets", "POST", {"source": {"files": [{"name": "x", "content": opened}]}})
    changed = {"release": {"name": name, "rulesetName": other["name"]}}
    assert call(f"{server.url}/v1/{name}", "PATCH", changed)[1]["rulesetName"] == other["name"]
    assert nobody.ask("/elsewhere/x") == 404
    assert call(f"{server.url}/v1/{made['name']}", "DELETE")[0] == 200
    assert [each["name"] for each in call(f"{url}/releases")[1]["releases"]] == [name]
    assert call(f"{server.url}/v1/{name}", "DELETE")[0] == 200
    assert call(f"{server.url}/v1/{name}")[0] == 404
    assert nobody.ask("/users/x") == 404


def test_rules_of_another_database(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}"
    _, made = call(f"{url}/rulesets", "POST", {"source": {"files": [{"name": "x", "content": RULES}]}})
    release = {"name": f"projects/{project}/releases/cloud.firestore/other", "rulesetName": made["name"]}
    assert call(f"{url}/releases", "POST", release)[1]["name"] == release["name"]
    assert call(f"{url}/databases/other/documents/elsewhere/x")[0] == 403
    assert call(f"{url}/databases/(default)/documents/elsewhere/x")[0] == 404


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("service cloud.firestore { match /a { allow fly; } }", "x: L1:44 There is no method 'fly'."),
        ("service cloud.firestore {", "x: L1:26 Unexpected end of the rules."),
    ],
)
def test_rules_that_are_none(server: ThreadedServer, project: str, content: str, message: str) -> None:
    url = f"{server.url}/v1/projects/{project}/rulesets"
    status, answer = call(url, "POST", {"source": {"files": [{"name": "x", "content": content}]}})
    assert (status, answer["error"]["message"]) == (400, message)


def test_what_there_is_not(server: ThreadedServer, project: str) -> None:
    url = f"{server.url}/v1/projects/{project}"
    _, answer = call(f"{url}:test", "POST", {})
    assert (
        answer["error"]["message"]
        == "Fogbank doesn't support google.firebase.rules.v1.FirebaseRulesService/TestRuleset."
    )
    storage = "service firebase.storage { match /b/{b}/o { match /{all=**} { allow read; } } }"
    _, made = call(f"{url}/rulesets", "POST", {"source": {"files": [{"name": "x", "content": storage}]}})
    release = {"name": f"projects/{project}/releases/firebase.storage/b", "rulesetName": made["name"]}
    assert "the release firebase.storage/b" in call(f"{url}/releases", "POST", release)[1]["error"]["message"]
    release["name"] = f"projects/{project}/releases/cloud.firestore"
    assert "The ruleset is for firebase.storage" in call(f"{url}/releases", "POST", release)[1]["error"]["message"]


def test_files(server: ThreadedServer, project: str, tmp_path: Path) -> None:
    path = tmp_path / "firestore.rules"
    path.write_text(RULES)
    options = ["--url", server.url, "--project", project]
    runner = CliRunner()
    assert "everything is allowed" in runner.invoke(main, ["firestore", "rules", "show", *options]).output
    assert runner.invoke(main, ["firestore", "rules", "set", *options, str(path)]).exit_code == 0
    assert runner.invoke(main, ["firestore", "rules", "show", *options]).output.strip() == RULES.strip()
    assert Client(server, project).ask("/users/ann") == 403
    path.write_text("service {")
    refused = runner.invoke(main, ["firestore", "rules", "set", *options, str(path)])
    assert (refused.exit_code, "L1:9 Unexpected '{'" in refused.output) == (1, True)


def test_rules_of_all_databases(tmp_path: Path, project: str) -> None:
    path = tmp_path / "firestore.rules"
    path.write_text(RULES)
    with ThreadedServer(Settings(port=0, memory=True, firestore_rules=path)) as server:
        assert Client(server, project).ask("/elsewhere/x") == 403
        assert call(f"{Client(server, project).url}/elsewhere/x", bearer=OWNER)[0] == 404
        set_rules(
            server, project, RULES.replace("/users/{user}", "/{all=**}").replace("allow get", "allow get; allow get")
        )
        assert Client(server, project).ask("/elsewhere/x") == 404
    path.write_text("nothing")
    with (
        pytest.raises(SettingsError, match="L1:1 Unexpected 'nothing'"),
        ThreadedServer(Settings(port=0, memory=True, firestore_rules=path)),
    ):
        pass


def test_on_postgres(postgres_url: str, project: str) -> None:
    with ThreadedServer(Settings(port=0, database=postgres_url)) as server:
        set_rules(server, project)
        ann, nobody = Client(server, project, "ann"), Client(server, project)
        assert ann.commit(ann.write("users/ann", name="Ann", now="made")) == 200
        assert [each.ask("/users/ann") for each in (ann, nobody)] == [200, 403]
        assert nobody.query("posts", limit=5, public=True) == 200
