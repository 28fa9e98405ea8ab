"""Google Cloud Tasks through Google's own client: queues, tasks, and the requests that these become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import tasks_v2
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2

from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.gcp.test_pubsub_push import Endpoint, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

__all__ = ["endpoint"]
Client = tasks_v2.CloudTasksClient
START = 1_795_348_800


class Queues:
    """A client, and a location of the test's own."""

    def __init__(self, url: str, parent: str, transport: str) -> None:
        self.parent = parent
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        if transport == "rest":
            options = ClientOptions(api_endpoint=url)
            self.client = Client(transport="rest", credentials=AnonymousCredentials(), client_options=options)
        else:
            self.client = Client(transport=Client.get_transport_class("grpc")(channel=self.channel))

    def queue(self, short: str = "work", **settings: Any) -> str:
        queue = {"name": f"{self.parent}/queues/{short}", **settings}
        return str(self.client.create_queue(parent=self.parent, queue=queue).name)

    def task(self, queue: str, url: str, name: str = "", seconds: float = 0, **request: Any) -> Any:
        task: dict[str, Any] = {"http_request": {"url": url, **request}}
        if name:
            task["name"] = f"{queue}/tasks/{name}"
        if seconds:
            task["schedule_time"] = timestamp_pb2.Timestamp(seconds=START + int(seconds))
        return self.client.create_task(parent=queue, task=task)

    def names(self, queue: str) -> list[str]:
        return [task.name.rpartition("/")[2] for task in self.client.list_tasks(parent=queue)]


@pytest.fixture(params=["grpc", "rest"])
def queues(request: pytest.FixtureRequest, timed_server: ThreadedServer, parent: str) -> Iterator[Queues]:
    made = Queues(timed_server.url, parent, request.param)
    yield made
    made.channel.close()


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_a_task_is_posted_when_its_time_comes(queues: Queues, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    queue = queues.queue()
    token = {"service_account_email": "me@project.iam.gserviceaccount.com"}
    made = queues.task(queue, endpoint.url, "one", 60, body=b"hello", headers={"X-Mine": "1"}, oidc_token=token)
    assert (made.name, made.http_request.body) == (f"{queue}/tasks/one", b"")
    full = queues.client.get_task(request={"name": made.name, "response_view": "FULL"})
    assert full.http_request.body == b"hello"
    assert full.dispatch_deadline.seconds == 600
    timed_server.advance(59)
    assert endpoint.posts.empty()
    timed_server.advance(1)
    headers, body = endpoint.next()
    told = lower(headers)
    assert body == b"hello"
    assert told["x-cloudtasks-queuename"] == "work"
    assert told["x-cloudtasks-taskname"] == "one"
    assert told["x-cloudtasks-taskretrycount"] == told["x-cloudtasks-taskexecutioncount"] == "0"
    assert float(told["x-cloudtasks-tasketa"]) == START + 60
    assert (told["x-mine"], told["user-agent"]) == ("1", "Google-Cloud-Tasks")
    assert told["authorization"].startswith("Bearer ")
    wait_for(lambda: not queues.names(queue))
    with pytest.raises(exceptions.NotFound):
        queues.client.get_task(name=made.name)
    with pytest.raises(exceptions.Conflict, match="too recently"):
        queues.task(queue, endpoint.url, "one")
    timed_server.advance(3_600)
    queues.task(queue, endpoint.url, "one", 7_200)
    with pytest.raises(exceptions.Conflict):
        queues.task(queue, endpoint.url, "one")


def test_what_fails_is_tried_again(queues: Queues, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    endpoint.answers += [500, 404, 500]
    backoff = {"min_backoff": duration_pb2.Duration(seconds=10), "max_backoff": duration_pb2.Duration(seconds=60)}
    queue = queues.queue(retry_config={"max_attempts": 3, **backoff})
    name = queues.task(queue, endpoint.url, "one").name
    endpoint.next()
    failed = wait_for(lambda: (task := queues.client.get_task(name=name)).response_count and task)
    assert (failed.dispatch_count, failed.last_attempt.response_status.code) == (1, 13)
    timed_server.advance(9)
    assert endpoint.posts.empty()
    timed_server.advance(1)
    told = lower(endpoint.next()[0])
    assert (told["x-cloudtasks-taskretrycount"], told["x-cloudtasks-taskexecutioncount"]) == ("1", "0")
    assert told["x-cloudtasks-taskpreviousresponse"] == "500"
    wait_for(lambda: queues.client.get_task(name=name).response_count == 2)
    timed_server.advance(20)
    assert lower(endpoint.next()[0])["x-cloudtasks-taskexecutioncount"] == "1"
    wait_for(lambda: not queues.names(queue))


def test_a_queue_keeps_to_its_rate(queues: Queues, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    queue = queues.queue(rate_limits={"max_dispatches_per_second": 0.5})
    assert queues.client.get_queue(name=queue).rate_limits.max_burst_size == 10
    for number in range(13):
        queues.task(queue, endpoint.url, body=str(number).encode())
    came = [endpoint.next()[1] for _ in range(10)]
    assert endpoint.posts.empty()
    timed_server.advance(1.9)
    assert endpoint.posts.empty()
    timed_server.advance(0.1)
    came.append(endpoint.next()[1])
    timed_server.advance(4)
    came += [endpoint.next()[1] for _ in range(2)]
    assert sorted(came, key=int) == [str(number).encode() for number in range(13)]


def test_only_so_many_are_under_way_at_once(queues: Queues, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    queue = queues.queue(rate_limits={"max_concurrent_dispatches": 1})
    for number in range(5):
        queues.task(queue, endpoint.url, body=str(number).encode())
    assert sorted(endpoint.next()[1] for _ in range(5)) == [b"0", b"1", b"2", b"3", b"4"]
    wait_for(lambda: not queues.names(queue))


def test_queues_are_paused_purged_and_changed(queues: Queues, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    queue = queues.queue()
    assert queues.client.pause_queue(name=queue).state.name == "PAUSED"
    for name in ("a", "b"):
        queues.task(queue, endpoint.url, name)
    timed_server.advance(60)
    assert endpoint.posts.empty()
    assert queues.names(queue) == ["a", "b"]
    queues.client.run_task(name=f"{queue}/tasks/b")
    assert lower(endpoint.next()[0])["x-cloudtasks-taskname"] == "b"
    assert queues.client.resume_queue(name=queue).state.name == "RUNNING"
    assert lower(endpoint.next()[0])["x-cloudtasks-taskname"] == "a"
    wait_for(lambda: not queues.names(queue))
    queues.task(queue, endpoint.url, "c", 600)
    queues.task(queue, endpoint.url, "d", 600)
    queues.client.delete_task(name=f"{queue}/tasks/c")
    assert queues.client.purge_queue(name=queue).purge_time
    assert queues.names(queue) == []
    timed_server.advance(600)
    assert endpoint.posts.empty()
    changed = queues.client.update_queue(
        queue={"name": queue, "rate_limits": {"max_dispatches_per_second": 5}},
        update_mask=field_mask_pb2.FieldMask(paths=["rate_limits.max_dispatches_per_second"]),
    )
    assert changed.rate_limits.max_dispatches_per_second == 5
    assert changed.rate_limits.max_concurrent_dispatches == 1_000
    assert changed.retry_config.max_attempts == 100
    other = queues.queue("other")
    assert [each.name for each in queues.client.list_queues(request={"parent": queues.parent, "page_size": 1})] == [
        other,
        queue,
    ]
    with pytest.raises(exceptions.Conflict):
        queues.queue()
    queues.client.delete_queue(name=queue)
    with pytest.raises(exceptions.NotFound):
        queues.client.get_queue(name=queue)
    with pytest.raises(exceptions.NotFound):
        queues.task(queue, endpoint.url)


def test_what_cannot_be_is_refused(queues: Queues) -> None:
    queue = queues.queue()
    with pytest.raises(exceptions.MethodNotImplemented, match="app_engine_http_request"):
        queues.client.create_task(parent=queue, task={"app_engine_http_request": {"relative_uri": "/"}})
    with pytest.raises(exceptions.MethodNotImplemented, match="app_engine_routing_override"):
        queues.queue("x", app_engine_routing_override={"service": "s"})
    with pytest.raises(exceptions.MethodNotImplemented, match="oauth_token"):
        queues.task(queue, "http://127.0.0.1:1/", oauth_token={"service_account_email": "a@b"})
    for url, settings in (
        ("ftp://x/", {}),
        ("http://[::1", {}),
        ("http://127.0.0.1:99999/", {}),
        ("http://127.0.0.1:1/", {"http_method": 99}),
        ("http://127.0.0.1:1/", {"seconds": 31 * 86_400}),
        ("http://127.0.0.1:1/", {"name": "no name"}),
        ("http://127.0.0.1:1/", {"http_method": "GET", "body": b"x"}),
    ):
        with pytest.raises(exceptions.BadRequest):
            queues.task(queue, url, **settings)
    with pytest.raises(exceptions.BadRequest):
        queues.client.create_task(parent=queue, task={})
    with pytest.raises(exceptions.BadRequest):
        queues.queue("y", rate_limits={"max_dispatches_per_second": 501})
    for retries in ({"max_doublings": -1}, {"max_retry_duration": "-1s"}, {"max_backoff": "99999999s"}):
        with pytest.raises(exceptions.BadRequest):
            queues.queue("y", retry_config=retries)
    assert queues.names(queue) == []
