"""Functions that changed items set off, and functions that get items besides."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from azure.cosmos import PartitionKey

from fogbank.clouds.azure.cosmos.access import EMULATOR_KEY
from tests.conformance.azure.conftest import GROUP
from tests.conformance.azure.cosmos.conftest import client_of, new_name
from tests.conformance.azure.test_node import JS, deploy, package
from tests.conformance.azure.test_queue_bindings import encoded
from tests.conformance.azure.test_queues import service_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azure.cosmos import CosmosClient

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Azure

APP = """
    import json, logging
    import azure.functions as func
    app = func.FunctionApp()

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="%DATABASE%", container_name="items",
                           create_lease_container_if_not_exists=True, max_items_per_invocation=3,
                           start_from_beginning=True)
    def work(items: func.DocumentList) -> None:
        logging.info("WORK %s", json.dumps([item["id"] for item in items]))
        if any(item.get("bad") for item in items):
            raise ValueError("bad item")

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="%DATABASE%", container_name="items",
                           create_lease_container_if_not_exists=True, lease_container_prefix="again")
    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:30")
    def again(items: func.DocumentList, context: func.Context) -> None:
        retry = context.retry_context
        logging.info("AGAIN %s", json.dumps([[item["id"] for item in items], retry.retry_count, retry.max_retry_count]))
        if any(item.get("bad") for item in items):
            raise ValueError("bad item")
"""


def connection_string(server: ThreadedServer) -> str:
    return f"AccountEndpoint={server.url}/;AccountKey={EMULATOR_KEY};"


def notes(azure: Azure, app: str, word: str = "WORK") -> list[Any]:
    found = (re.search(rf"{word} (.*)", line) for line in azure.logs(app))
    return [json.loads(match[1]) for match in found if match]


@pytest.fixture
def client(timed_azure: Azure) -> Iterator[CosmosClient]:
    with client_of(timed_azure.server) as made:
        yield made


def test_changed_items_set_functions_off(
    timed_azure: Azure, client: CosmosClient, eventually: Callable[..., Any]
) -> None:
    name = new_name()
    database = client.create_database(name)
    container = database.create_container("items", PartitionKey("/pk"))
    for number in range(4):
        container.create_item({"id": str(number), "pk": "a"})
    container.upsert_item({"id": "0", "pk": "a"})
    app = timed_azure.create(settings={"DATABASE": name, "C": connection_string(timed_azure.server)})
    timed_azure.deploy(app, function_app=APP)
    eventually(lambda: len(notes(timed_azure, app)) == 2)
    assert notes(timed_azure, app) == [["1", "2", "3"], ["0"]]
    assert notes(timed_azure, app, "AGAIN") == []
    assert database.get_container_client("leases").read()["partitionKey"]["paths"] == ["/id"]

    container.create_item({"id": "bad", "pk": "b", "bad": True})
    eventually(lambda: notes(timed_azure, app)[2:] == [["bad"]])
    eventually(lambda: len(notes(timed_azure, app, "AGAIN")) == 1)
    container.delete_item("1", "a")
    container.create_item({"id": "next", "pk": "b"})
    # Without a retry policy it goes on after a failure.
    eventually(lambda: notes(timed_azure, app)[3:] == [["next"]])
    told = [[["bad"], 0, 2], [["bad"], 1, 2], [["bad"], 2, 2], [["next"], 0, 2]]
    eventually(lambda: timed_azure.server.advance(31) or notes(timed_azure, app, "AGAIN") == told)

    # What is written while the app is stopped comes when it is started; a lease is kept.
    timed_azure.call("stop", GROUP, app)
    container.create_item({"id": "later", "pk": "b"})
    timed_azure.call("start", GROUP, app)
    eventually(lambda: notes(timed_azure, app)[4:] == [["later"]])
    key = timed_azure.master_key(app)
    by_hand = json.dumps({"input": json.dumps([{"id": "by hand"}])}).encode()
    timed_azure.request(app, "POST", "/admin/functions/work", by_hand, x_functions_key=key)
    eventually(lambda: notes(timed_azure, app)[5:] == [["by hand"]])


WAITING = """
    import azure.functions as func
    app = func.FunctionApp()

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="%DATABASE%", container_name="items")
    def first(items: func.DocumentList) -> None:
        print("WORK", '"first"')

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="%DATABASE%", container_name="items")
    def second(items: func.DocumentList) -> None:
        print("WORK", '"second"')

    @app.cosmos_db_trigger(arg_name="items", connection="NOWHERE", database_name="d", container_name="items")
    def nowhere(items: func.DocumentList) -> None:
        pass

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="d", container_name="items",
                           max_items_per_invocation=0)
    def none(items: func.DocumentList) -> None:
        pass

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="d", container_name="items",
                           start_from_time="2020-01-01", start_from_beginning=True)
    def both(items: func.DocumentList) -> None:
        pass

    @app.cosmos_db_trigger(arg_name="items", connection="C", database_name="d", container_name="items")
    @app.retry(strategy="fixed_delay", max_retry_count="x", delay_interval="00:00:30")
    def retried(items: func.DocumentList) -> None:
        pass
"""


def test_why_a_trigger_does_not_run_can_be_seen(
    timed_azure: Azure, client: CosmosClient, eventually: Callable[..., Any]
) -> None:
    name = new_name()
    app = timed_azure.create(settings={"DATABASE": name, "C": connection_string(timed_azure.server)})
    timed_azure.deploy(app, function_app=WAITING)
    key = timed_azure.master_key(app)

    def reason(function: str) -> str:
        status = timed_azure.get(app, f"/admin/functions/{function}/status", x_functions_key=key).json()
        return "".join(status.get("errors", ()))

    def write(identifier: str) -> None:
        container.create_item({"id": identifier, "pk": "a"})

    missing = "The listener for function 'Functions.first' was unable to start. Either the source container 'items'"
    eventually(lambda: reason("first").startswith(missing))
    errors = timed_azure.get(app, "/admin/host/status", x_functions_key=key).json()["errors"]
    assert any(each.startswith(missing) for each in errors)
    assert reason("nowhere").startswith("Cosmos DB connection configuration 'NOWHERE' does not exist.")
    assert "maxitemsperinvocation" in reason("none")
    assert reason("both") == "Only one of StartFromBeginning or StartFromTime can be used"
    assert "maxRetryCount" in reason("retried")

    database = client.create_database(name)
    container = database.create_container("items", PartitionKey("/pk"))
    write("1")
    wrong = database.create_container("leases", PartitionKey("/pk"))
    eventually(lambda: "must have partition key equal to id" in reason("first"))
    database.delete_container(wrong)
    database.create_container("leases", PartitionKey("/id"))
    eventually(lambda: notes(timed_azure, app) == ["first"])
    assert reason("first") == ""
    assert "first" in reason("second")
    assert "leaseContainerPrefix" in reason("second")
    write("2")
    eventually(lambda: notes(timed_azure, app) == ["first", "first"])


INPUTS = """
    import json
    import azure.functions as func
    app = func.FunctionApp()
    where = {"connection": "C", "database_name": "%DATABASE%", "container_name": "items"}

    def shown(items) -> str:
        return json.dumps(items and [item and item["id"] for item in items])

    @app.route("one/{pk}/{id}", auth_level="anonymous")
    @app.cosmos_db_input(arg_name="items", id="{id}", partition_key="{pk}", **where)
    def one(req: func.HttpRequest, items: func.DocumentList) -> str:
        return shown(items)

    @app.route("query", auth_level="anonymous")
    @app.cosmos_db_input(arg_name="items", sql_query="SELECT * FROM c WHERE c.n > {min} AND c.pk = {Query.pk}", **where)
    @app.cosmos_db_input(arg_name="others", partition_key="{headers.x-pk}", **where)
    @app.cosmos_db_output(arg_name="out", **where)
    def query(req: func.HttpRequest, items: func.DocumentList, others: func.DocumentList, out: func.Out[func.Document]):
        out.set(func.Document.from_dict({**items[0], "id": "made"}))
        return shown(items) + shown(others)

    @app.route("missing", auth_level="anonymous")
    @app.cosmos_db_input(arg_name="items", id="1", partition_key="a", connection="C", database_name="%DATABASE%",
                         container_name="none")
    def missing(req: func.HttpRequest, items: func.DocumentList) -> str:
        return shown(items)

    @app.route("both", auth_level="anonymous")
    @app.cosmos_db_input(arg_name="items", id="1", sql_query="SELECT * FROM c", **where)
    def both(req: func.HttpRequest, items: func.DocumentList) -> str:
        return shown(items)

    @app.queue_trigger(arg_name="message", queue_name="%DATABASE%", connection="Q")
    @app.cosmos_db_input(arg_name="items", id="{key.id}", partition_key="{key.pk}", **where)
    def by_message(message: func.QueueMessage, items: func.DocumentList) -> None:
        print("WORK", shown(items))
"""


def test_inputs_are_found_by_what_is_known_of_an_event(azure: Azure, eventually: Callable[..., Any]) -> None:
    name = new_name()
    settings = {"DATABASE": name, "C": connection_string(azure.server), "Q": "UseDevelopmentStorage=true"}
    app = azure.create(settings=settings)
    with client_of(azure.server) as client, service_of(azure.server) as queues:
        container = client.create_database(name).create_container("items", PartitionKey("/pk"))
        for number in range(6):
            container.create_item({"id": str(number), "pk": "ab"[number % 2], "n": number})
        queue = queues.create_queue(name)
        azure.deploy(app, function_app=INPUTS)
        assert azure.get(app, "/api/one/a/2").body == b'["2"]'
        # An item that isn't there is nothing.
        assert azure.get(app, "/api/one/b/2").body == b"null"
        answer = azure.request(app, "POST", "/api/query?pk=a", b'{"min": 1}', x_pk="b")
        assert (answer.status, answer.body) == (200, b'["2", "4"]["1", "3", "5"]')
        assert container.read_item("made", "a")["n"] == 2
        # Whatever an expression stands for is a value, never a part of the query.
        assert azure.request(app, "POST", "/api/query?pk=a", b'{"min": "0 OR true"}', x_pk="b").status == 500
        assert azure.request(app, "POST", "/api/query?pk=a", b"{}", x_pk="b").status == 500
        assert azure.get(app, "/api/missing").status == 500
        logs = "\n".join(azure.logs(app))
        assert "Exception binding parameter 'items': No value for named parameter 'min'." in logs
        assert "Exception binding parameter 'items': there is no container none" in logs
        assert "id and sqlQuery" in azure.call("get_function", GROUP, app, "both").config["error"].replace("the ", "")
        queue.send_message(encoded('{"key": {"id": "3", "pk": "b"}}'))
        eventually(lambda: notes(azure, app) == [["3"]])


NODE_APP = """
    const { app, input } = require("@azure/functions");
    const where = { connection: "C", databaseName: "%DATABASE%", containerName: "items" };
    const one = input.cosmosDB({ ...where, id: "{id}", partitionKey: "a" });
    const all = input.cosmosDB({ ...where, sqlQuery: "SELECT VALUE c.id FROM c WHERE c.id >= {id}" });
    app.http("find", {
        route: "find/{id}", authLevel: "anonymous", extraInputs: [one, all],
        handler: async (request, context) =>
            ({ jsonBody: [context.extraInputs.get(one)?.id ?? null, context.extraInputs.get(all)] }),
    });
    app.cosmosDB("work", {
        ...where, createLeaseContainerIfNotExists: true, startFromBeginning: true,
        retry: { strategy: "exponentialBackoff", maxRetryCount: -1, minimumInterval: { seconds: 1 },
                 maximumInterval: { minutes: 1 } },
        handler: (items, context) => {
            const tries = context.retryContext?.retryCount ?? null;
            context.log(`WORK ${JSON.stringify([items.map(({ id }) => id), tries])}`);
            if (items.some(({ bad }) => bad) && tries < 2) throw new Error("bad");
        },
    });
"""


@pytest.mark.skipif(not (JS / "node_modules").is_dir(), reason="needs the packages of tests/conformance/azure/js")
def test_triggers_and_inputs_in_node(timed_azure: Azure, client: CosmosClient, eventually: Callable[..., Any]) -> None:
    name = new_name()
    container = client.create_database(name).create_container("items", PartitionKey("/pk"))
    for number in range(2):
        container.create_item({"id": str(number), "pk": "a"})
    app = deploy(timed_azure, package(NODE_APP), DATABASE=name, C=connection_string(timed_azure.server))
    eventually(lambda: notes(timed_azure, app) == [[["0", "1"], 0]])
    assert timed_azure.get(app, "/api/find/1").json() == ["1", ["1"]]
    assert timed_azure.get(app, "/api/find/7").json() == [None, []]
    container.create_item({"id": "bad", "pk": "a", "bad": True})
    told = [[["bad"], 0], [["bad"], 1], [["bad"], 2]]
    eventually(lambda: timed_azure.server.advance(3) or notes(timed_azure, app)[1:] == told)
