"""Stored procedures, triggers and user-defined functions in JavaScript."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from azure.cosmos import PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError

from fogbank.clouds.azure.cosmos.scripts import functions, running, transactions
from fogbank.languages.javascript import sandbox
from tests.conformance.azure.cosmos.conftest import ids, plain, refusal
from tests.conformance.azure.cosmos.test_resources import ask as signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.cosmos import ContainerProxy, DatabaseProxy

    from tests.conformance.azure.conftest import Azure

HELLO = "function () { getContext().getResponse().setBody('Hello, World'); }"


def run(container: ContainerProxy, body: str, *arguments: Any, **settings: Any) -> Any:
    """Run a stored procedure in the partition "a"."""
    container.scripts.create_stored_procedure({"id": "p", "body": body})
    try:
        return container.scripts.execute_stored_procedure("p", partition_key="a", params=list(arguments), **settings)
    finally:
        container.scripts.delete_stored_procedure("p")


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("stored_procedure", {}),
        ("trigger", {"triggerType": "Pre", "triggerOperation": "All"}),
        ("user_defined_function", {}),
    ],
)
def test_the_life_of_scripts(container: ContainerProxy, what: str, more: dict[str, str]) -> None:
    scripts = container.scripts
    plural = f"{what}s"

    def call(verb: str, *arguments: Any, of: str = what) -> Any:
        return getattr(scripts, f"{verb}_{of}")(*arguments)

    made = call("create", {"id": "one", "body": HELLO, **more})
    assert plain(made) == {"id": "one", "body": HELLO, **more}
    assert made["_self"].startswith(container.read()["_self"])
    with pytest.raises(CosmosResourceExistsError):
        call("create", {"id": "one", "body": HELLO, **more})
    call("create", {"id": "two", "body": HELLO, **more})
    assert call("get", "one") == made
    changed = call("replace", "one", {"id": "one", "body": "function other() {}", **more})
    assert (changed["_rid"], changed["body"]) == (made["_rid"], "function other() {}")
    assert ids(call("list", of=plural)) == ["one", "two"]
    assert len(list(call("list", 1, of=plural))) == 2
    query = "SELECT * FROM root r WHERE r.id = @id"
    assert ids(call("query", query, [{"name": "@id", "value": "two"}], of=plural)) == ["two"]
    call("delete", "one")
    for verb in ("get", "delete"):
        with pytest.raises(CosmosResourceNotFoundError):
            call(verb, "one")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"id": "x"}, "'body; '"),
        ({"id": "x", "body": HELLO, "other": 1}, "property other"),
        ({"id": "", "body": HELLO}, "input name is invalid"),
    ],
)
def test_scripts_that_are_refused(container: ContainerProxy, script: dict[str, Any], words: str) -> None:
    with pytest.raises(CosmosHttpResponseError, match=words):
        container.scripts.create_stored_procedure(script)
    with pytest.raises(CosmosHttpResponseError, match="triggerType"):
        container.scripts.create_trigger({"id": "x", "body": HELLO, "triggerType": "Late", "triggerOperation": "All"})


def test_scripts_go_away_with_their_container(database: DatabaseProxy) -> None:
    container = database.create_container("again", PartitionKey("/pk"))
    container.scripts.create_stored_procedure({"id": "p", "body": HELLO})
    database.delete_container("again")
    database.create_container("again", PartitionKey("/pk"))
    fresh = database.get_container_client("again")
    assert list(fresh.scripts.list_stored_procedures()) == []


def test_arguments_and_what_a_procedure_answers(container: ContainerProxy) -> None:
    assert run(container, HELLO) == "Hello, World"
    body = "function f(a, b, c) { getContext().getResponse().setBody({sum: a + b, is: typeof c}); }"
    assert run(container, body, 1, 2) == {"sum": 3, "is": "undefined"}
    assert run(container, "() => { __.response.setBody(helper(2)); function helper(n) { return [n, n]; } }") == [2, 2]
    several = "function main(x) { getContext().getResponse().setBody(twice(x)); }\nfunction twice(x) { return 2 * x; }"
    assert run(container, several, 4) == 8
    waits = "async function f() { await null; getContext().getResponse().setBody('later'); }"
    assert run(container, waits) == "later"
    with pytest.raises(CosmosResourceNotFoundError):
        container.scripts.execute_stored_procedure("none", partition_key="a")
    container.scripts.create_stored_procedure({"id": "q", "body": HELLO})
    with pytest.raises(CosmosHttpResponseError, match="PartitionKey value must be supplied"):
        container.scripts.execute_stored_procedure("q")


def test_what_a_procedure_logs(container: ContainerProxy) -> None:
    body = "function () { console.log('näh', {a: 1}); console.log('and more'); }"
    container.scripts.create_stored_procedure({"id": "p", "body": body})
    container.scripts.execute_stored_procedure("p", partition_key="a", enable_script_logging=True)
    seen = container.client_connection.last_response_headers
    assert unquote(seen["x-ms-documentdb-script-log-results"]) == 'näh {"a":1}\nand more'
    assert float(seen["x-ms-request-charge"]) >= 1
    assert seen["x-ms-session-token"].startswith("0:-1#")


BULK = """
function bulk(items) {
    const collection = getContext().getCollection();
    let count = 0;
    next();
    function next() {
        if (count === items.length) {
            getContext().getResponse().setBody(count);
            return;
        }
        const isAccepted = collection.createDocument(collection.getSelfLink(), items[count], (err, doc) => {
            if (err) throw new Error('failed: ' + err.body + ' ' + err.number);
            if (!doc._rid || !doc._etag) throw new Error('not whole');
            count += 1;
            next();
        });
        if (!isAccepted) getContext().getResponse().setBody(count);
    }
}
"""


def test_a_procedure_is_all_or_nothing(container: ContainerProxy) -> None:
    items = [{"id": str(number), "pk": "a"} for number in range(50)]
    assert run(container, BULK, items) == 50
    made = list(container.query_items("SELECT * FROM c", partition_key="a"))
    assert len(made) == len({each["_rid"] for each in made}) == 50
    more = [{"id": "new", "pk": "a"}, {"id": "7", "pk": "a"}]
    with pytest.raises(CosmosHttpResponseError, match=r"failed: Entity with the specified id .* 409") as error:
        run(container, BULK, more)
    assert refusal(error) == (400, 0)
    assert "Encountered exception while executing Javascript" in error.value.message
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("new", "a")
    with pytest.raises(CosmosHttpResponseError, match="other than the one for which client request was submitted"):
        run(container, BULK, [{"id": "other", "pk": "b"}])


def test_a_procedure_is_told_when_nothing_more_is_taken(
    container: ContainerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "REQUESTS_MAX", 3)
    assert run(container, BULK, [{"id": str(number), "pk": "a"} for number in range(9)]) == 3
    assert ids(container.read_all_items()) == ["0", "1", "2"]
    monkeypatch.setattr(running, "QUEUE_MAX", 2)
    body = """function () {
        const create = (id) => __.createDocument(__.getSelfLink(), {id, pk: 'a'});
        __.response.setBody(['x', 'y', 'z'].map(create));
    }"""
    assert run(container, body) == [True, True, False]


EVERYTHING = """
function everything() {
    const c = getContext().getCollection(), told = [];
    const tell = (err, doc) => told.push(err ? err.number : doc === undefined || doc === null ? null : doc.n);
    const link = (id) => c.getAltLink() + '/docs/' + id;
    c.createDocument(c.getAltLink(), {id: 'x', pk: 'a', n: 1}, tell);
    c.createDocument(c.getSelfLink(), {id: 'x', pk: 'a', n: 9}, tell);
    c.upsertDocument(c.getSelfLink(), {id: 'x', pk: 'a', n: 2}, (err, doc) => {
        tell(err, doc);
        c.replaceDocument(doc._self, {id: 'x', pk: 'a', n: 3}, {etag: '"wrong"'}, tell);
        c.replaceDocument(doc._self, {id: 'x', pk: 'a', n: 4}, {etag: doc._etag}, tell);
        c.readDocument(link('x'), {}, (err, found) => {
            tell(err, found);
            c.queryDocuments(c.getSelfLink(), {query: 'SELECT VALUE r.n FROM r WHERE r.n > @n ORDER BY r.n DESC',
                parameters: [{name: '@n', value: 3}]}, {pageSize: 1}, (err, page, options) => {
                told.push(page, options.continuation);
                c.deleteDocument(found._self, {}, (err) => {
                    tell(err);
                    c.readDocument(found._self, tell);
                    c.deleteDocument(c.getAltLink() + '/docs/none', tell);
                    c.deleteDocument(link('old'), {accessCondition: {type: 'IfMatch', condition: 'no'}}, tell);
                    getContext().getResponse().setBody(told);
                    c.createDocument(c.getSelfLink(), {pk: 'a', n: 7}, (err, doc) => {
                        told.push(typeof doc.id);
                        getContext().getResponse().setBody(told);
                    });
                });
            });
        });
    });
}
"""


def test_what_a_procedure_may_do_with_items(container: ContainerProxy) -> None:
    container.create_item({"id": "old", "pk": "a", "n": 5})
    container.create_item({"id": "elsewhere", "pk": "b", "n": 6})
    assert run(container, EVERYTHING) == [
        1, 409, 2, 412, 4, 4, [5], "1", None, 404, 404, 412, "string",
    ]  # fmt: skip
    assert [each.get("n") for each in container.query_items("SELECT * FROM c ORDER BY c.n", partition_key="a")] == [
        5,
        7,
    ]


def test_what_a_script_saw_of_its_items_is_what_is_stored(container: ContainerProxy) -> None:
    body = """function () {
        for (const id of ['1', '2']) __.createDocument(__.getSelfLink(), {id, pk: 'a'}, (err, doc) => {
            __.response.appendBody([doc]);
        });
    }"""
    seen = run(container, body)
    assert [each for each in seen if each] == [container.read_item(each, "a") for each in ("1", "2")]


CHAIN = """function () {
    const told = {};
    __.filter(doc => doc.n > 1, (err, docs) => { told.filter = docs.length; });
    __.map(doc => doc.n * 2, (err, docs) => { told.map = docs; });
    __.pluck('tag', (err, docs) => { told.pluck = docs; });
    __.chain().filter(doc => doc.n > 0).sortByDescending(doc => doc.n).pluck('n').value({pageSize: 2},
        (err, docs, options) => {
            told.chain = docs;
            told.more = options.continuation;
        });
    __.chain().map(doc => doc.list).flatten().value((err, docs) => { told.flat = docs; });
    __.chain().unwind('list', (doc, each) => doc.id + each).value((err, docs) => {
        told.unwound = docs;
        __.response.setBody(told);
    });
}"""


def test_chains(container: ContainerProxy) -> None:
    for number in range(3):
        container.create_item({"id": str(number), "pk": "a", "n": number, "tag": "t", "list": [number, [9]]})
    assert run(container, CHAIN) == {
        "filter": 1, "map": [0, 2, 4], "pluck": ["t", "t", "t"], "chain": [2, 1],
        "flat": [0, 9, 1, 9, 2, 9], "unwound": ["00", "09", "11", "19", "22", "29"],
    }  # fmt: skip
    # Without a callback, what was found is the answer.
    assert run(container, "function () { if (!__.pluck('n').isAccepted) throw new Error('no'); }") == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("function () { throw new Error('böse'); }", "Exception = Error: böse"),
        ("function () { throw {number: 5}; }", '{\\"number\\":5}'),
        ("function () { nothing(); }", "ReferenceError"),
        ("function ( {", "SyntaxError"),
        ("42", "not a function"),
        ("async function () { await null; throw new Error('late'); }", "Error: late"),
        ("function () { __.createDocument(__.getSelfLink(), {id: '/', pk: 'a'}); }", "invalid characters"),
        ("function () { __.createAttachment('x'); }", "does not support attachments"),
        ("function () { __.queryDocuments('dbs/x', 'SELECT * FROM c'); }", "not that of the container"),
        ("function () { __.queryDocuments(__.getSelfLink(), 'SELECT'); }", "Syntax error"),
        ("function f() { f(); }", "stack overflow"),
        ("function () { const a = []; for (;;) a.push(new Array(1000000).fill(1)); }", "Exception"),
        ("function () { require('fs'); }", "ReferenceError"),
    ],
)
def test_procedures_that_fail(container: ContainerProxy, body: str, words: str) -> None:
    with pytest.raises(CosmosHttpResponseError) as error:
        run(container, body)
    assert error.value.status_code == 400
    assert words in error.value.message


@pytest.mark.parametrize(
    "body",
    [
        "function () { for (;;); }",
        "function () { try { for (;;); } catch (e) { } }",
        "async function () { for (;;) await null; }",
        "function f() { __.readDocuments(__.getSelfLink(), () => { for (;;); }); }",
    ],
)
def test_procedures_that_never_end(container: ContainerProxy, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "SECONDS_MAX", 0.1)
    with pytest.raises(CosmosHttpResponseError, match="allotted time") as error:
        run(container, body)
    assert error.value.status_code == 408


def test_unique_keys_in_procedures(make: Callable[..., ContainerProxy]) -> None:
    container = make("/pk", unique_key_policy={"uniqueKeys": [{"paths": ["/name"]}]})
    container.create_item({"id": "0", "pk": "a", "name": "taken"})
    for name in ("taken", "x"):
        with pytest.raises(CosmosHttpResponseError, match="Unique index constraint violation"):
            run(container, BULK, [{"id": "1", "pk": "a", "name": "x"}, {"id": "2", "pk": "a", "name": name}])
    moves = """function () {
        __.deleteDocument(__.getAltLink() + '/docs/0', () => {
            __.createDocument(__.getSelfLink(), {id: '1', pk: 'a', name: 'taken'});
        });
    }"""
    run(container, moves)
    assert ids(container.read_all_items()) == ["1"]


STAMP = """function () {
    const request = getContext().getRequest(), item = request.getBody();
    if (item.bad) throw new Error('bad item');
    item.stamped = request.getOperationType();
    request.setBody(item);
}"""
COUNT = """function () {
    const collection = getContext().getCollection(), made = getContext().getResponse().getBody();
    const link = collection.getAltLink() + '/docs/count';
    collection.readDocument(link, (err, found) => {
        const next = {id: 'count', pk: 'a', n: found ? found.n + 1 : 1, last: made.id};
        if (made.fails) throw new Error('after all');
        collection.upsertDocument(collection.getSelfLink(), next);
    });
}"""


def test_triggers(container: ContainerProxy) -> None:
    scripts = container.scripts
    scripts.create_trigger({"id": "stamp", "body": STAMP, "triggerType": "Pre", "triggerOperation": "All"})
    scripts.create_trigger({"id": "count", "body": COUNT, "triggerType": "Post", "triggerOperation": "Create"})
    both = {"pre_trigger_include": "stamp", "post_trigger_include": "count"}
    assert container.create_item({"id": "1", "pk": "a"}, **both)["stamped"] == "Create"
    assert container.create_item({"id": "2", "pk": "a"}, **both)["stamped"] == "Create"
    assert plain(container.read_item("count", "a")) == {"id": "count", "pk": "a", "n": 2, "last": "2"}
    assert container.upsert_item({"id": "2", "pk": "a"}, pre_trigger_include="stamp")["stamped"] == "Upsert"
    assert container.replace_item("2", {"id": "2", "pk": "a"}, pre_trigger_include="stamp")["stamped"] == "Replace"
    for item, words in (({"bad": 1}, "Error: bad item"), ({"fails": 1}, "Error: after all")):
        with pytest.raises(CosmosHttpResponseError, match=words) as error:
            container.create_item({"id": "3", "pk": "a", **item}, **both)
        assert error.value.status_code == 400
    # Neither the item nor what its trigger wrote is there.
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("3", "a")
    assert container.read_item("count", "a")["n"] == 2
    with pytest.raises(CosmosResourceExistsError):
        container.create_item({"id": "1", "pk": "a"}, **both)
    for attempt, words in (
        (lambda: container.replace_item("2", {"id": "2", "pk": "a"}, post_trigger_include="count"), "not permitted"),
        (lambda: container.create_item({"id": "9", "pk": "a"}, pre_trigger_include="count"), "no Pre-trigger"),
        (lambda: container.create_item({"id": "9", "pk": "a"}, pre_trigger_include="none"), "Not Found"),
        (lambda: container.create_item({"id": "9", "pk": "a"}, pre_trigger_include="stamp,count"), "Only one"),
        (
            lambda: container.patch_item("2", "a", [{"op": "remove", "path": "/x"}], pre_trigger_include="stamp"),
            "does not support triggers but",
        ),
    ):
        with pytest.raises(CosmosHttpResponseError, match=words):
            attempt()
    container.delete_item("2", "a")


def test_user_defined_functions(container: ContainerProxy) -> None:
    for number in range(4):
        container.create_item({"id": str(number), "pk": "ab"[number % 2], "n": number, "deep": {"list": [number]}})
    tax = "function tax(n, rate) { if (n === 3) return undefined; return {tax: n * (rate === undefined ? 10 : rate)}; }"
    container.scripts.create_user_defined_function({"id": "TAX", "body": tax})
    container.scripts.create_user_defined_function({"id": "bad", "body": "function () { throw new Error('no'); }"})

    def ask(query: str, **settings: Any) -> list[Any]:
        settings = settings or {"enable_cross_partition_query": True}
        return list(container.query_items(query, max_item_count=2, **settings))

    everything = ask("SELECT c.n, udf.TAX(c.n, c.none).tax AS t FROM c WHERE udf.TAX(c.n, 1).tax >= 0 ORDER BY c.n")
    assert everything == [{"n": 0, "t": 0}, {"n": 1, "t": 10}, {"n": 2, "t": 20}]
    assert ask("SELECT VALUE SUM(udf.TAX(c.n, 2).tax) FROM c") == [6]
    assert ask("SELECT VALUE udf.TAX(c.deep.list[0]).tax FROM c WHERE c.n > 0", partition_key="b") == [10]
    assert ask("SELECT VALUE udf.TAX(5).tax") == [50]
    procedure = "function () { __.queryDocuments(__.getSelfLink(), 'SELECT VALUE udf.TAX(r.n).tax FROM r', (err, found) => { __.response.setBody(found); }); }"  # noqa: E501
    assert run(container, procedure) == [0, 20]
    for name, words in (("none", "not registered"), ("bad", "Error: no")):
        with pytest.raises(CosmosHttpResponseError, match=words) as error:
            ask(f"SELECT VALUE udf.{name}(c.n) FROM c")
        assert error.value.status_code == 400


def test_functions_that_never_end(azure: Azure, container: ContainerProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "SECONDS_MAX", 0.1)
    container.scripts.create_user_defined_function({"id": "loop", "body": "function () { for (;;); }"})
    # The client would try again and again.
    answer = signed(
        azure, "POST", f"/{container.container_link}/docs", body=b'{"query": "SELECT VALUE udf.loop()"}',
        content_type="application/query+json", x_ms_documentdb_query_enablecrosspartition="True",
    )  # fmt: skip
    assert (answer.status, answer.json()["code"]) == (408, "RequestTimeout")


ADD = """function () {
    const c = getContext().getCollection(), link = c.getAltLink() + '/docs/total';
    c.readDocument(link, (err, found) => {
        c.queryDocuments(c.getSelfLink(), 'SELECT VALUE COUNT(1) FROM r', (err, [count]) => {
            c.upsertDocument(c.getSelfLink(), {id: 'total', pk: 'a', n: (found ? found.n : 0) + 1});
            c.createDocument(c.getSelfLink(), {id: String(count), pk: 'a'});
        });
    });
}"""


def test_procedures_at_the_same_time_do_not_lose_anything(container: ContainerProxy) -> None:
    container.scripts.create_stored_procedure({"id": "add", "body": ADD})

    def add(_number: int) -> int:
        try:
            container.scripts.execute_stored_procedure("add", partition_key="a")
        except CosmosHttpResponseError as error:
            # It was tried some times, and others always came before.
            assert error.status_code == 449  # noqa: PT017
            return 0
        return 1

    with ThreadPoolExecutor(4) as threads:
        done = sum(threads.map(add, range(20)))
    assert done > 0
    assert container.read_item("total", "a")["n"] == done
    assert len(ids(container.read_all_items())) == done + 1


def test_scripts_that_are_too_many_are_tried_again(
    azure: Azure, container: ContainerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    container.scripts.create_stored_procedure({"id": "hello", "body": HELLO})
    monkeypatch.setattr(sandbox, "RUNS_MAX", 0)
    path = f"/{container.container_link}/sprocs/hello"
    answer = signed(azure, "POST", path, body=b"[]", x_ms_documentdb_partitionkey='["a"]')
    assert (answer.status, answer.json()["code"]) == (429, "TooManyRequests")
    assert int(answer.headers["x-ms-retry-after-ms"]) > 0
