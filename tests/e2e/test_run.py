"""`fogbank run`: programs that have no endpoint set, in several languages, against one server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--memory") as running:
        yield running


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fogbank", "run", *arguments]
    values = {**os.environ, **environment}
    return subprocess.run(command, env=values, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def run(server: ServerProcess) -> Run:
    def attached(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return start("--url", server.url, *arguments, **environment)

    return attached


PYTHON = """
import json, urllib.error, urllib.request
import boto3
from azure.cosmos import CosmosClient, PartitionKey
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.mgmt.eventgrid import EventGridManagementClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient
import google.auth, google.auth.transport.requests, os
from google.cloud import pubsub_v1, scheduler_v1

told = {}
sqs = boto3.client("sqs")
told["queue"] = sqs.create_queue(QueueName="my-queue")["QueueUrl"]
topic = boto3.client("sns", endpoint_url="https://sns.us-east-1.amazonaws.com").create_topic(Name="my-topic")
told["topic"] = topic["TopicArn"]
publisher = pubsub_v1.PublisherClient()
told["published"] = publisher.create_topic(name=publisher.topic_path("my-project", "my-topic")).name
scheduler = scheduler_v1.CloudSchedulerClient()
told["jobs"] = len(list(scheduler.list_jobs(parent="projects/my-project/locations/us-central1")))
credentials, project = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(google.auth.transport.requests.Request())
told["google"] = [project, credentials.token[:5]]
arm = EventGridManagementClient(DefaultAzureCredential(), "00000000-0000-0000-0000-000000000001")
told["topics"] = len(list(arm.topics.list_by_subscription()))
told["managed"] = ManagedIdentityCredential().get_token("https://storage.azure.com/.default").token.count(".")
queues = QueueServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"])
told["storage"] = queues.create_queue("mine").queue_name
# Accounts and keys that only the real Azure knows.
key = "bm9ib2R5IGtub3dzIHRoaXMga2V5IGJ1dCBBenVyZQ=="
cosmos = CosmosClient("https://mine.documents.azure.com", key)
things = cosmos.create_database("shop").create_container("things", PartitionKey("/id"))
things.create_item({"id": "1"})
told["cosmos"] = things.read_item("1", "1")["id"]
tables = TableServiceClient("https://mine.table.cosmos.azure.com:443/", credential=AzureNamedKeyCredential("mine", key))
tables.create_table("things").create_entity({"PartitionKey": "p", "RowKey": "r", "n": 1})
told["table"] = tables.get_table_client("things").get_entity("p", "r")["n"]
theirs = QueueServiceClient("https://mine.queue.core.windows.net", credential=key)
theirs.create_queue("later").send_message("x")
told["queued"] = theirs.get_queue_client("later").receive_message().content
try:
    urllib.request.urlopen("https://example.com", timeout=10)
except urllib.error.URLError as error:
    told["elsewhere"] = str(error.reason)
print(json.dumps(told))
"""


def test_python_sdks_land_here(run: Run) -> None:
    done = run("--offline", "--", sys.executable, "-c", PYTHON, AWS_PROFILE="of-somewhere-else")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("queue").endswith("/000000000000/my-queue")
    assert told == {
        "topic": "arn:aws:sns:us-east-1:000000000000:my-topic",
        "published": "projects/my-project/topics/my-topic",
        "jobs": 0,
        "google": ["fogbank", "ya29."],
        "topics": 0,
        "managed": 2,
        "storage": "mine",
        "cosmos": "1",
        "table": 1,
        "queued": "x",
        "elsewhere": "Tunnel connection failed: 403 Forbidden",
    }
    assert done.stderr.splitlines()[-1] == "fogbank run: refused example.com, since it is offline"


# The source document's own snippets: nothing in them says where.
SNIPPETS = """
import boto3

sns = boto3.client("sns")
response = sns.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:my-topic", Message="Hello, world!")
assert response["MessageId"]

sqs = boto3.client("sqs")
response = sqs.send_message(
    QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/my-queue", MessageBody="Hello, world!"
)
assert response["MessageId"]

from google.cloud import pubsub_v1

publisher = pubsub_v1.PublisherClient()
topic_path = publisher.topic_path("my-project", "my-topic")
future = publisher.publish(topic_path, data=b"Hello, world!")
assert future.result()

from google.cloud import logging

client = logging.Client()
logger = client.logger("my-logger")
logger.log("Hello, world!")
# The client adds an entry about itself.
found = [entry.payload for entry in logger.list_entries()]
assert found[-1] == "Hello, world!", found
"""
PREPARED = """
import boto3
from google.cloud import pubsub_v1

boto3.client("sns").create_topic(Name="my-topic")
boto3.client("sqs").create_queue(QueueName="my-queue")
pubsub_v1.PublisherClient().create_topic(name="projects/my-project/topics/my-topic")
"""


def test_the_source_documents_snippets_run_as_they_stand(tmp_path: Path) -> None:
    """On a server that each run starts for itself, on one folder: what the first has made, the second finds."""
    place = ("--data", str(tmp_path / "data"), "--", sys.executable, "-c")
    for program in (PREPARED, SNIPPETS):
        done = start(*place, program, AWS_ACCESS_KEY_ID="123456789012")
        assert done.returncode == 0, done.stderr


JAVA = """
import java.net.*;
import java.net.http.*;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        URI health = URI.create("https://sqs.eu-west-1.amazonaws.com/_fogbank/health");
        HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).build();
        HttpRequest request = HttpRequest.newBuilder(health).build();
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        HttpURLConnection connection = (HttpURLConnection) health.toURL().openConnection();
        System.out.println(response.statusCode() + " " + response.version() + " " + connection.getResponseCode());
    }
}
"""


def test_java_lands_here(run: Run, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None or shutil.which("javac") is None:
        pytest.skip("needs Java: there is no JDK on PATH")
    program = tmp_path / "Ask.java"
    program.write_text(textwrap.dedent(JAVA))
    done = run("--offline", "--", java, str(program))
    assert done.stdout == "200 HTTP_2 200\n", done.stderr


NODE = """
const { createRequire } = require("module");
const from = (folder) => createRequire(`${process.argv[1]}/${folder}/js/package.json`);
const { DynamoDBClient, CreateTableCommand, PutItemCommand, GetItemCommand } = from("aws")("@aws-sdk/client-dynamodb");
const { Firestore } = from("gcp")("@google-cloud/firestore");
const { Logging } = from("gcp")("@google-cloud/logging");
const { CosmosClient } = from("azure/cosmos")("@azure/cosmos");

async function main() {
  const told = {};
  const dynamodb = new DynamoDBClient({});
  await dynamodb.send(new CreateTableCommand({
    TableName: "users", BillingMode: "PAY_PER_REQUEST", KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  }));
  await dynamodb.send(new PutItemCommand({ TableName: "users", Item: { id: { S: "1" }, name: { S: "Ada" } } }));
  const item = await dynamodb.send(new GetItemCommand({ TableName: "users", Key: { id: { S: "1" } } }));
  told.dynamodb = item.Item.name.S;
  const firestore = new Firestore();
  await firestore.collection("users").doc("1").set({ name: "Ada" });
  told.firestore = (await firestore.collection("users").doc("1").get()).get("name");
  const cosmos = new CosmosClient({ endpoint: "https://theirs.documents.azure.com", key: "bm9ib2R5IGtub3dz" });
  const { database } = await cosmos.databases.create({ id: "shop" });
  const { container } = await database.containers.create({ id: "users", partitionKey: { paths: ["/id"] } });
  await container.items.create({ id: "1", name: "Ada" });
  told.cosmos = (await container.item("1", "1").read()).resource.name;
  const log = new Logging().log("from-node");
  await log.write(log.entry({}, "hello"));
  told.logging = (await log.getEntries())[0].map((entry) => entry.data);
  console.log(JSON.stringify(told));
  process.exit(0);
}
main();
"""


def test_node_sdks_land_here(run: Run) -> None:
    node = shutil.which("node")
    conformance = Path(__file__).parents[1] / "conformance"
    if node is None or not (conformance / "azure" / "cosmos" / "js" / "node_modules").is_dir():
        pytest.skip("needs Node: there is none on PATH, or its packages are not installed (make toolchains)")
    done = run("--offline", "--", node, "-e", NODE, str(conformance))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # Beside what the client tells of itself.
    assert told.pop("logging")[-1] == "hello"
    assert told == {"dynamodb": "Ada", "firestore": "Ada", "cosmos": "Ada"}
    assert "refused" not in done.stderr


def test_curl_and_go_trust_it_by_file(run: Run) -> None:
    """What OpenSSL's variables name: Python's own ssl stands for all that read them."""
    program = "import urllib.request as u; print(u.urlopen('https://sts.amazonaws.com/_fogbank/health').status)"
    assert run("--", sys.executable, "-c", program).stdout == "200\n"
    curl = shutil.which("curl")
    if curl is not None:
        for scheme in ("https", "http"):
            done = run("--", curl, "-sS", f"{scheme}://sqs.us-east-1.amazonaws.com/_fogbank/health")
            assert json.loads(done.stdout)["edition"] == "fogbank", done.stderr


def test_the_exit_status_is_the_programs(run: Run) -> None:
    assert run("--", "sh", "-c", "exit 7").returncode == 7
    assert run("--", "sh", "-c", "kill -KILL $$").returncode == 137
    missing = run("--", "there-is-no-such-program")
    assert (missing.returncode, missing.stderr) == (127, "fogbank run: there-is-no-such-program: not found\n")
    assert run("--", "/").returncode == 126


def test_signals_are_passed_on(server: ServerProcess) -> None:
    program = "trap 'echo told; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    command = [sys.executable, "-m", "fogbank", "run", "--url", server.url, "--", "sh", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\n"
        assert process.wait(20) == 3


def test_a_server_that_is_not_there() -> None:
    done = start("--url", "http://127.0.0.1:1", "--", "true")
    assert (done.returncode, done.stderr) == (1, "Error: No Fogbank answers at http://127.0.0.1:1.\n")
    done = start("--url", "https://127.0.0.1", "--", "true")
    assert "is not the plain HTTP address of a server" in done.stderr


def test_a_flag_that_there_is_not_is_no_program() -> None:
    done = start("--port", "4999", "--", "true")
    assert (done.returncode, "No such option '--port'" in done.stderr) == (2, True)


def test_ca_path_export_and_trust(tmp_path: Path) -> None:
    def ca(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fogbank", "ca", "--ca", str(tmp_path / "ca"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    path = ca("path").stdout.strip()
    assert path == str(tmp_path / "ca" / "authority.pem")
    assert ca("export", str(tmp_path / "exported.pem")).returncode == 0
    exported = (tmp_path / "exported.pem").read_text()
    assert exported == ca("export").stdout
    assert exported.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in exported
    trusted = ca("trust", "--print")
    assert path in trusted.stdout or "its own means" in trusted.stderr
