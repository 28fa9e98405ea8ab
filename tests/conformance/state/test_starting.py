"""What is done when a server starts and ends: hooks of every stage, and the seed of `fogbank.toml`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fogbank.cli.client import ask
from fogbank.cli.running.variables import variables
from fogbank.control.seeding import SeedError
from fogbank.control.seeding.model import load_seed
from fogbank.control.seeding.planting import plant
from fogbank.runtimes.hooks import hooks as hook_limits
from fogbank.runtimes.hooks.hooks import Hooks, State
from tests.conformance.gcp.firestore.conftest import connect
from tests.servers import RawClient, ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer

SEED = """
[[seed.queue]]
name = "orders"
dead_letter = "dead"
attributes = { VisibilityTimeout = 60 }
tags = { team = "shop" }

[[seed.queue]]
cloud = "azure"
name = "orders"

[[seed.topic]]
name = "news"

[[seed.topic]]
cloud = "gcp"
name = "news"

[[seed.table]]
name = "users"
hash = { name = "id" }
range = { name = "at", type = "N" }
items = [{ id = "ann", at = 5, tags = ["a"], more = { yes = true } }]

[[seed.table]]
cloud = "azure"
name = "users"

[[seed.database]]
cloud = "azure"
name = "shop"

[[seed.container]]
cloud = "azure"
name = "items"
database = "shop"
partition_key = "/kind"

[[seed.function]]
name = "greet"
runtime = "python3.11"
handler = "main.handler"
path = "code"
environment = { GREETING = "1" }

[[seed.subscription]]
name = "news"
protocol = "sqs"
endpoint = "orders"
attributes = { FilterPolicy = { kind = ["a"] } }

[[seed.subscription]]
cloud = "gcp"
name = "news-sub"
topic = "news"

[[seed.document]]
cloud = "gcp"
path = "users/ann"
fields = { age = 5, tags = ["x"], home = { town = "Ulm" }, since = 2026-01-02T03:04:05Z }
"""


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_seed(folder: Path, text: str) -> None:
    # What a dead letter queue is for has to be there after it.
    dead = '[[seed.queue]]\nname = "dead"\n'
    (folder / "fogbank.toml").write_text(dead + text)
    script(folder, "code/main.py", "def handler(event, context):\n    return 'hello'\n")


def test_stages_of_a_server(tmp_path: Path) -> None:
    init = tmp_path / ".fogbank" / "init"
    script(init, "boot.d/1.sh", "echo boot $FOGBANK_URL > told\n")
    script(init, "ready.d/2.sh", "exit 3\n")
    script(init, "ready.d/1/a.py", (
        "import os, urllib.request\n"
        "assert os.environ['AWS_ENDPOINT_URL'] == os.environ['FOGBANK_URL']\n"
        "urllib.request.urlopen(os.environ['FOGBANK_URL'] + '/_fogbank/health').read()\n"
        "open('told', 'a').write('ready\\n')\n"
    ))  # fmt: skip
    script(init, "ready.d/read.me", "")
    script(init, "shutdown.d/1.sh", "echo shutdown >> told\n")
    write_seed(tmp_path, "")
    with ServerProcess("--memory", folder=tmp_path) as server:
        assert "  Hooks        3 run, 1 failed" in server.lines
        assert "  Seed         1 resources of fogbank.toml are there" in server.lines
        assert any(line.endswith("ready.d/2.sh: it ended with status 3") for line in server.lines)
        assert (tmp_path / "told").read_text() == "boot\nready\n"
        with RawClient(server.url) as raw:
            assert len(raw.call("sqs", "ListQueues")["QueueUrls"]) == 1
        status, log = server.stop()
        assert status == 0
        assert "read.me is no hook" in log
    assert (tmp_path / "told").read_text() == "boot\nready\nshutdown\n"


async def test_a_script_that_takes_too_long_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_limits, "SCRIPT_SECONDS_MAX", 0.2)
    script(tmp_path, "ready.d/1.sh", "sleep 60 & sleep 60\n")
    told = tmp_path / "told"
    script(tmp_path, "ready.d/2.sh", "echo $A > $TOLD\n")
    script(tmp_path, "start.d/1.sh", "exit 1\n")
    hooks = Hooks((tmp_path, tmp_path / "none"))
    await hooks.run("ready", {"A": "told", "TOLD": str(told)})
    assert [(each.state, each.problem) for each in hooks.scripts] == [
        (State.WAITING, ""),
        (State.FAILED, "it took more than 0.2 seconds"),
        (State.SUCCESSFUL, ""),
    ]
    assert hooks.completed == {"boot": False, "start": False, "ready": True, "shutdown": False}
    assert told.read_text() == "told\n"


def look(server: ThreadedServer, client: Any, project: str) -> dict[str, Any]:
    """Return what clients find of the seed."""
    from azure.cosmos import CosmosClient
    from azure.data.tables import TableServiceClient
    from azure.storage.queue import QueueServiceClient

    connection = variables(server.url)["AZURE_STORAGE_CONNECTION_STRING"]
    sqs, sns, lambda_ = client("sqs"), client("sns"), client("lambda")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    cosmos = CosmosClient(server.url, variables(server.url)["COSMOS_KEY"], enable_endpoint_discovery=False)
    with connect(server.url, project) as db:
        document = db.document("users/ann").get().to_dict()
    return {
        "queue": (attributes["VisibilityTimeout"], "dead" in attributes["RedrivePolicy"]),
        "tags": sqs.list_queue_tags(QueueUrl=url)["Tags"],
        "subscriptions": [each["Endpoint"].rpartition(":")[2] for each in sns.list_subscriptions()["Subscriptions"]],
        "items": client("dynamodb").scan(TableName="users")["Items"],
        "function": lambda_.invoke(FunctionName="greet")["Payload"].read(),
        "document": {name: value for name, value in document.items() if name != "since"},
        "azure queues": [each.name for each in QueueServiceClient.from_connection_string(connection).list_queues()],
        "azure tables": [each.name for each in TableServiceClient.from_connection_string(connection).list_tables()],
        "gcp subscriptions": [
            each["topic"] for each in ask(server.url, "GET", f"/v1/projects/{project}/subscriptions")["subscriptions"]
        ],
        "containers": [each["id"] for each in cosmos.get_database_client("shop").list_containers()],
    }


def test_a_seed_of_all_clouds_twice(server: ThreadedServer, tmp_path: Path) -> None:
    from tests.conformance.conftest import boto3_client

    server.reset()
    client = boto3_client(server, "000000000000")
    write_seed(tmp_path, SEED)
    found = []
    for code in ("hello", "bye"):
        script(tmp_path, "code/main.py", f"def handler(event, context):\n    return '{code}'\n")
        assert len(server.call(plant(server.app.handle, load_seed(tmp_path)))) == 13
        found.append(look(server, client, "fogbank"))
    first, second = found
    assert first == {
        "queue": ("60", True),
        "tags": {"team": "shop"},
        "subscriptions": ["orders"],
        "items": [
            {
                "id": {"S": "ann"},
                "at": {"N": "5"},
                "tags": {"L": [{"S": "a"}]},
                "more": {"M": {"yes": {"BOOL": True}}},
            }
        ],
        "function": b'"hello"',
        "document": {"age": 5, "tags": ["x"], "home": {"town": "Ulm"}},
        "azure queues": ["orders"],
        "azure tables": ["users"],
        "gcp subscriptions": ["projects/fogbank/topics/news"],
        "containers": ["items"],
    }  # fmt: skip
    assert second == {**first, "function": b'"bye"'}
    # What was changed since stays as it is.
    client("dynamodb").put_item(TableName="users", Item={"id": {"S": "ann"}, "at": {"N": "5"}})
    server.call(plant(server.app.handle, load_seed(tmp_path)))
    assert client("dynamodb").scan(TableName="users")["Items"] == [{"id": {"S": "ann"}, "at": {"N": "5"}}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[seed.bucket]]\nname = "a"', r"there is no \[\[seed\.bucket\]\]; there are queue, topic"),
        ('[[seed.queue]]\nname = "a"\nnmae = "b"', r"number 1: Object contains unknown field `nmae`"),
        ('[[seed.queue]]\ncloud = "oci"\nname = "a"', "cloud must be aws or azure, not 'oci'"),
        ('[[seed.function]]\ncloud = "gcp"\nname = "a"', "cloud must be aws, not 'gcp'"),
        ("[[seed.queue]]", "missing required field `name`"),
        ("[[seed.queue]]\nname = 5", "Expected `str`, got `int`"),
        ('[seed.queue]\nname = "a"', r"tables such as \[\[seed\.queue\]\]"),
        ("[[seed.queue]\n", "fogbank.toml: "),
    ],
)
def test_seeds_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "fogbank.toml").write_text(text)
    with pytest.raises(SeedError, match=message):
        load_seed(tmp_path)


def test_a_seed_that_a_cloud_refuses(server: ThreadedServer, tmp_path: Path) -> None:
    (tmp_path / "fogbank.toml").write_text('[[seed.queue]]\nname = "a b"\n')
    with pytest.raises(SeedError, match=r"The seed's aws queue a b can't be made: 400 .*InvalidParameterValue"):
        server.call(plant(server.app.handle, load_seed(tmp_path)))
    (tmp_path / "fogbank.toml").write_text(
        '[[seed.function]]\nname = "f"\nruntime = "python3.11"\nhandler = "a.b"\npath = "none"\n'
    )
    with pytest.raises(SeedError, match=r"aws function f can't be made: .*none: No such file"):
        server.call(plant(server.app.handle, load_seed(tmp_path)))
