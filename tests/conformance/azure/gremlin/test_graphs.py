"""Graphs: what is written, partition keys, what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from gremlin_python.driver.aiohttp.transport import AiohttpTransport
from gremlin_python.driver.protocol import GremlinServerError

from fogbank.clouds.azure.gremlin import session
from fogbank.languages.gremlin import traversers
from tests.conformance.azure.cosmos.conftest import client_of
from tests.conformance.azure.gremlin.conftest import Graph, new_graph

if TYPE_CHECKING:
    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Azure


def test_vertices(graph: Graph) -> None:
    (made,) = graph("g.addV('person').property('pk', 'x').property('name', 'Ann').property(list, 'mail', 'a@b')")
    identifier = made["id"]
    assert made["properties"]["mail"][0]["value"] == "a@b"
    graph(f"g.V('{identifier}').property(list, 'mail', 'c@d').property('name', 'Anna')")
    assert graph("g.V().values('mail')") == ["a@b", "c@d"]
    assert graph("g.V().values('name')") == ["Anna"]
    graph("g.V().property(set, 'mail', 'a@b')")
    assert sorted(graph("g.V().values('mail')")) == ["a@b", "c@d"]
    graph("g.V().properties('mail').hasValue('a@b').drop()")
    assert graph("g.V().values('mail')") == ["c@d"]
    graph("g.V().properties('mail').drop()")
    assert graph("g.V().has('mail').count()") == [0]
    assert graph("g.V().drop()") == []
    assert graph("g.V().count()") == [0]


def test_edges(graph: Graph) -> None:
    graph("g.addV('a').property('pk', '1').property('id', 'one').as('x')"
          ".addV('b').property('pk', '2').property('id', 'two')"
          ".addE('back').to('x').property('since', 2000)")  # fmt: skip
    assert graph("g.E().outV().id()") == ["two"]
    graph("g.V('one').addE('forth').to(V('two'))")
    graph("g.addE('loop').from(g.V('one')).to(g.V('one'))")
    assert sorted(graph("g.V('one').bothE().label()")) == ["back", "forth", "loop", "loop"]
    graph("g.E().hasLabel('back').property('since', 2001)")
    assert graph("g.E().hasLabel('back').values('since')") == [2001]
    graph("g.E().hasLabel('back').properties('since').drop()")
    assert graph("g.E().hasLabel('back').values('since')") == []
    graph("g.V('one').drop()")
    assert graph("g.E().count()") == [0]
    assert graph("g.V().id()") == ["two"]


def test_many_are_added_at_once(graph: Graph) -> None:
    graph("g.addV('hub').property('pk', 'x').property('id', 'hub')")
    adds = "".join(f".addV('n').property('pk', 'x').property('id', '{number}')" for number in range(100))
    graph("g" + adds)
    graph("g.V().hasLabel('n').addE('to').to(g.V('hub'))")
    assert graph("g.V('hub').in('to').count()") == [100]
    # All or nothing.
    assert graph.refused("g.addV('n').property('pk', 'x').property('id', 'new').addV('n').property('pk', 'x')"
                         ".property('id', '5')")[:2] == (500, 409)  # fmt: skip
    assert graph("g.V('new').count()") == [0]


def test_partitions(graph: Graph, server: ThreadedServer) -> None:
    code, status, told = graph.refused("g.addV('person').property('id', '1')")
    assert (code, status) == (500, 500)
    assert "Cannot add a vertex where the partition key property has value 'null'." in told
    graph("g.addV('p').property('pk', 'x').property('id', '1')")
    graph("g.addV('p').property('pk', 'y').property('id', '1')")
    code, status, told = graph.refused("g.addV('p').property('pk', 'x').property('id', '1')")
    assert (code, status) == (500, 409)
    assert "Conflicting request to resource has been attempted. Retry to avoid conflicts." in told
    assert sorted(graph("g.V('1').values('pk')")) == ["x", "y"]
    assert graph("g.V(['y', '1']).values('pk')") == ["y"]
    assert "can't be changed" in graph.refused("g.V(['y', '1']).property('pk', 'z')")[2]
    graph("g.V(['x', '1']).addE('e').to(g.V(['y', '1'])).property('id', 'e1')")
    with client_of(server) as client:
        _, _, database, _, name = graph.path.split("/")
        container = client.get_database_client(database).get_container_client(name)
        item = container.read_item("e1", "x")
        assert {key: value for key, value in item.items() if not key.startswith(("_r", "_s", "_e", "_a", "_t"))} == {
            "id": "e1", "label": "e", "_vertexId": "1", "_vertexLabel": "p", "_isEdge": True, "pk": "x",
        }  # fmt: skip
        assert (item["_sink"], item["_sinkLabel"], item["_sinkPartition"]) == ("1", "p", "y")
        vertex = container.read_item("1", "y")
        assert vertex["label"] == "p"
    assert graph("g.V(['y', '1']).in('e').values('pk')") == ["x"]
    assert graph("g.V(['x', '1']).in('e').count()") == [0]


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("g.V().foo()", 597, "Gremlin Query Compilation Error: Unable to find any method 'foo'"),
        ("g.V().match(__.as('a').out())", 597, "Unable to find any method 'match'"),
        ("g.V().next()", 597, "Unable to find any method 'next'"),
        ("g.V().has()", 597, "Unable to find any method 'has'"),
        ("g.V().limit('a')", 597, "Unable to find any method 'limit'"),
        ("g.V().range(3, 1)", 597, "Not a legal range"),
        ("g.withSack(1).V()", 597, "Unable to find any method 'withSack'"),
        ("g.V().times(2)", 597, "times needs a repeat"),
        ("g.V(", 597, "Gremlin Query Syntax Error: Script compile error"),
        ("g.V().filter{it.get()}", 597, "Unexpected '{'"),
        ("g.V().has('name', x)", 597, "No such property: x"),
        ("g", 597, "Unexpected 'g'"),
        ("1 + 1", 597, "Unexpected '1'"),
        ("System.exit(0)", 597, "Unexpected 'System'"),
        ("g.V(); g.E()", 597, "Unexpected 'g'"),
        ("g.V('x')" + ".where(out()" * 50 + ")" * 50, 597, "nested more than"),
        ("g.V()" + ".identity()" * 401, 597, "more than 400 steps"),
        ("g.V('" + "x" * 65_536 + "')", 597, "longer than"),
        ("g.inject(1).out()", 500, "Gremlin Query Execution Error: out: A int has no edges."),
        ("g.inject('a').sum()", 500, "is not a number"),
        ("g.inject(1).repeat(identity()).until(is(2))", 500, "more than 32 times"),
        ("g.addV('a').property('pk', 'x').property('_isEdge', true)", 500, "is reserved"),
        ("g.addE('a').from(g.V('1')).to(g.V('2'))", 500, "must be a vertex"),
        ("g.V().property('id', 'x')", 597, "can't be changed"),
        ("g.addV('a').property('pk', 'x').property('id', 'a/b')", 500, "invalid characters"),
    ],
)
def test_what_is_refused(graph: Graph, text: str, code: int, told: str) -> None:
    found = graph.refused(text)
    assert found[0] == code
    assert told in found[2]


def test_long_traversals(graph: Graph) -> None:
    assert graph("g.inject(1)" + ".map(identity())" * 190) == [1]


def test_too_much_work(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversers, "WORK_MAX", 1_000)
    graph("g.addV('a').property('pk', 'x').addE('self').to(g.V())")
    code, _, told = graph.refused("g.V().repeat(union(out(), out())).times(30)")
    assert code == 500
    assert "too much work" in told


@pytest.mark.parametrize(
    "text",
    [
        "g.inject(1).repeat(union(identity(), identity()).fold()).times(32)",
        "g.inject(1).repeat(project('a', 'b').by().by()).times(32)",
        "g.inject(1).repeat(union(identity(), identity())).times(32)",
        "g.inject(x).repeat(union(identity(), identity())).times(12).dedup()",
        "g.inject(x).repeat(union(identity(), identity())).times(12).is(y)",
    ],
)
def test_what_grows_without_end(graph: Graph, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversers, "WORK_MAX", 20_000)
    bindings = {"x": list(range(10_000)), "y": list(range(9_999))}
    code, _, told = graph.refused(text, bindings)
    assert code == 500
    assert "too much work" in told


def test_too_large_a_response(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "RESPONSE_BYTES_MAX", 1_000_000)
    assert graph.refused("g.inject(x).repeat(union(identity(), identity())).times(5)", {"x": "x" * 50_000})[1] == 1001
    monkeypatch.setattr(session, "RESPONSE_BYTES_MAX", 1 << 26)
    monkeypatch.setattr(session, "PART_BYTES", 100_000)
    found = graph("g.inject(x).repeat(union(identity(), identity())).times(5)", {"x": "x" * 50_000}, batchSize=1_000)
    assert len(found) == 32


def test_what_a_traversal_costs_is_told_once_and_in_sum(graph: Graph) -> None:
    for parts in (1, 3):
        results = graph.client.submit("g.inject(1, 2, 3, 4, 5)", None, {"batchSize": -(-5 // parts)})
        assert results.all().result(30) == [1, 2, 3, 4, 5]
        told = results.status_attributes
        assert told["x-ms-total-request-charge"] > 0
        assert told["x-ms-request-charge"] == (told["x-ms-total-request-charge"] if parts == 1 else 0)


def test_who_may_come_in(server: ThreadedServer, graph: Graph) -> None:
    _, _, database, _, name = graph.path.split("/")
    wrong = Graph(server, database, name, key="d3Jvbmc=")
    assert wrong.refused("g.V()")[:2] == (401, 401)
    wrong.client.close()
    missing = Graph(server, database, "missing")
    with pytest.raises(GremlinServerError, match="Owner resource does not exist") as error:
        missing("g.V()")
    told = error.value.status_attributes
    assert (error.value.status_code, told["x-ms-status-code"], told["x-ms-substatus-code"]) == (500, 404, 1003)
    missing.client.close()


def test_a_container_without_an_index(server: ThreadedServer) -> None:
    graph = new_graph(server, "/pk", indexing_policy={"indexingMode": "none"})
    graph("g.addV('a').property('pk', 'x').property('id', '1').addV('b').property('pk', 'y').property('id', '2')")
    graph("g.V('1').addE('e').to(g.V('2'))")
    assert graph("g.V('2').in('e').id()") == ["1"]
    assert graph("g.V('1').hasLabel('a').out('e', 'f').id()") == ["2"]
    graph.client.close()


def test_a_container_without_a_partition_key(server: ThreadedServer) -> None:
    graph = new_graph(server, "/_partitionKey")
    graph("g.addV('a').property('id', '1')")
    graph("g.V('1').addE('self').to(g.V('1'))")
    assert graph("g.V('1').out('self').id()") == ["1"]
    graph.client.close()


def test_messages_that_are_none(server: ThreadedServer) -> None:
    url = server.url.replace("http", "ws") + "/gremlin"
    transport = AiohttpTransport(call_from_event_loop=False)
    transport.connect(url)
    media = b"\x21application/vnd.gremlin-v2.0+json"
    for data in (
        b"",
        b"\xff",
        b"\x05hello{}",
        b"\x21application/vnd.gremlin-v3.0+json{}",
        media + b"{",
        media + b"[]",
        media + b'{"requestId": 5}',
        media + b'{"requestId": "a", "op": 1}',
        media + b'{"requestId": "a", "op": "eval", "args": {"x": {"@type": "g:Int32", "@value": "y"}}}',
        media + b'{"requestId": "a", "op": "eval", "args": ' + b"[" * 100 + b"]" * 100 + b"}",
        media + b'{"requestId": "a", "op": "bytecode", "processor": "traversal", "args": {}}',
    ):
        transport.write(data)
        assert json.loads(transport.read())["status"]["code"] == 498
    for sasl, code in (("", 401), ("?", 401), ("AGEAYg==", 401)):
        transport.write(media + json.dumps({"requestId": "a", "op": "authentication", "args": {"sasl": sasl}}).encode())
        assert json.loads(transport.read())["status"]["code"] == code
    transport.write(media + b'{"requestId": "a", "op": "eval", "args": {"gremlin": "g.V()"}}')
    assert json.loads(transport.read())["status"]["code"] == 407
    transport.close()


def test_a_request_that_is_no_handshake(azure: Azure) -> None:
    assert azure.control("GET", "/gremlin", host="x.gremlin.localhost").status == 400
    assert azure.control("GET", "/other", host="x.gremlin.localhost").status == 404


def test_the_protocol_s_errors(graph: Graph) -> None:
    from gremlin_python.driver.request import RequestMessage

    for message, told in (
        (RequestMessage("", "eval", {"gremlin": "g.V()", "other": 1}), "the argument 'other'"),
        (RequestMessage("", "eval", {"gremlin": "g.V()", "aliases": {"g": "h"}}), "alias"),
        (RequestMessage("", "eval", {"gremlin": 5}), "which is a text"),
        (RequestMessage("session", "close", {"session": "x"}), "not supported"),
    ):
        with pytest.raises(GremlinServerError) as error:
            graph.client.submit(message).all().result(30)
        assert error.value.status_code == 498
        assert error.value.status_attributes["x-ms-status-code"] == 1004
        assert told in str(error.value)
