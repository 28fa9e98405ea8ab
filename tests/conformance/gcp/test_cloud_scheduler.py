"""Google Cloud Scheduler through Google's own client: jobs, and what they send when they come round."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth import jwt
from google.auth.credentials import AnonymousCredentials
from google.cloud import scheduler_v1
from google.protobuf import field_mask_pb2

from tests.conformance.aws.test_lambda_invoke import wait_for
from tests.conformance.gcp.test_pubsub import PubSub
from tests.conformance.gcp.test_pubsub_push import Endpoint, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer

__all__ = ["endpoint"]
Client = scheduler_v1.CloudSchedulerClient


class Jobs:
    """A client, and a location of the test's own; the server's clock begins on Sunday 2026-11-22 at noon, UTC."""

    def __init__(self, url: str, parent: str, transport: str) -> None:
        self.parent = parent
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        if transport == "rest":
            options = ClientOptions(api_endpoint=url)
            self.client = Client(transport="rest", credentials=AnonymousCredentials(), client_options=options)
        else:
            self.client = Client(transport=Client.get_transport_class("grpc")(channel=self.channel))

    def name(self, short: str = "job") -> str:
        return f"{self.parent}/jobs/{short}"

    def create(self, url: str = "http://127.0.0.1:1/", short: str = "job", **job: Any) -> Any:
        settings: dict[str, Any] = {"schedule": "*/10 * * * *", "name": self.name(short), **job}
        if "pubsub_target" not in settings:
            settings["http_target"] = {"uri": url, **settings.pop("http", {})}
        return self.client.create_job(request={"parent": self.parent, "job": settings})


@pytest.fixture(params=["grpc", "rest"])
def jobs(request: pytest.FixtureRequest, timed_server: ThreadedServer, parent: str) -> Iterator[Jobs]:
    made = Jobs(timed_server.url, parent, request.param)
    yield made
    made.channel.close()


def test_a_job_posts_when_it_comes_round(jobs: Jobs, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    token = {"service_account_email": "me@project.iam.gserviceaccount.com", "audience": "you"}
    http = {"body": b"hello", "headers": {"X-Mine": "1"}, "oidc_token": token}
    made = jobs.create(endpoint.url, http=http, schedule="0 9 * * mon", time_zone="Asia/Seoul")
    assert (made.name, made.state.name, made.attempt_deadline.seconds) == (jobs.name(), "ENABLED", 180)
    assert made.schedule_time.isoformat() == "2026-11-23T00:00:00+00:00"
    timed_server.advance(12 * 3_600 - 1)
    assert endpoint.posts.empty()
    timed_server.advance(1)
    headers, body = endpoint.next()
    assert body == b"hello"
    told = {name.lower(): value for name, value in headers.items()}
    assert told["user-agent"] == "Google-Cloud-Scheduler"
    assert told["x-cloudscheduler"] == "true"
    assert told["x-cloudscheduler-jobname"] == "job"
    assert told["x-cloudscheduler-scheduletime"] == "2026-11-23T00:00:00Z"
    assert (told["x-mine"], told["content-type"]) == ("1", "application/octet-stream")
    with urllib.request.urlopen(f"{timed_server.url}/oauth2/v1/certs") as answer:
        certificates = json.load(answer)
    claims = jwt.decode(told["authorization"].removeprefix("Bearer "), certificates, verify=False)
    assert (claims["aud"], claims["email"]) == ("you", "me@project.iam.gserviceaccount.com")
    shown = wait_for(lambda: (job := jobs.client.get_job(name=jobs.name())).last_attempt_time and job)
    assert (shown.status.code, shown.schedule_time.isoformat()) == (0, "2026-11-30T00:00:00+00:00")


def test_what_fails_is_tried_again(jobs: Jobs, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    endpoint.answers += [500, 404]
    jobs.create(endpoint.url, retry_config={"retry_count": 2, "min_backoff_duration": "10s"})
    timed_server.advance(600)
    endpoint.next()
    failed = wait_for(lambda: (job := jobs.client.get_job(name=jobs.name())).last_attempt_time and job)
    assert (failed.status.code, failed.status.message) == (13, "HTTP 500")
    # The retry is queued after the attempt was noted.
    wait_for(lambda: timed_server.advance(10) or not endpoint.posts.empty())
    endpoint.next()
    wait_for(lambda: jobs.client.get_job(name=jobs.name()).status.code == 5)
    wait_for(lambda: timed_server.advance(20) or not endpoint.posts.empty())
    endpoint.next()
    wait_for(lambda: jobs.client.get_job(name=jobs.name()).status.code == 0)


def test_a_job_publishes(jobs: Jobs, timed_server: ThreadedServer, project: str) -> None:
    pubsub = PubSub(timed_server.url, project)
    topic = pubsub.topic()
    inbox = pubsub.subscription(topic)
    target = {"topic_name": topic, "data": b"tick", "attributes": {"a": "b"}}
    jobs.create(pubsub_target=target, schedule="every 5 minutes")
    timed_server.advance(300)
    (received,) = pubsub.pull(inbox)
    assert (received.message.data, dict(received.message.attributes)) == (b"tick", {"a": "b"})
    assert jobs.client.get_job(name=jobs.name()).status.code == 0
    pubsub.publisher.delete_topic(topic=topic)
    timed_server.advance(300)
    assert jobs.client.get_job(name=jobs.name()).status.code == 5
    pubsub.channel.close()


def test_jobs_are_paused_resumed_run_and_changed(jobs: Jobs, endpoint: Endpoint, timed_server: ThreadedServer) -> None:
    jobs.create(endpoint.url)
    assert jobs.client.pause_job(name=jobs.name()).state.name == "PAUSED"
    with pytest.raises(exceptions.BadRequest):
        jobs.client.pause_job(name=jobs.name())
    timed_server.advance(1_200)
    assert endpoint.posts.empty()
    jobs.client.run_job(name=jobs.name())
    endpoint.next()
    resumed = jobs.client.resume_job(name=jobs.name())
    assert (resumed.state.name, resumed.schedule_time.isoformat()) == ("ENABLED", "2026-11-22T12:30:00+00:00")
    changed = jobs.client.update_job(
        job={"name": jobs.name(), "description": "new", "schedule": "@daily"},
        update_mask=field_mask_pb2.FieldMask(paths=["description", "schedule"]),
    )
    assert (changed.description, changed.http_target.uri) == ("new", endpoint.url)
    assert changed.schedule_time.isoformat() == "2026-11-23T00:00:00+00:00"
    jobs.create(endpoint.url, "other")
    with pytest.raises(exceptions.Conflict):
        jobs.create(endpoint.url)
    assert [job.name for job in jobs.client.list_jobs(request={"parent": jobs.parent, "page_size": 1})] == [
        jobs.name(),
        jobs.name("other"),
    ]
    jobs.client.delete_job(name=jobs.name())
    with pytest.raises(exceptions.NotFound):
        jobs.client.get_job(name=jobs.name())


@pytest.mark.parametrize(
    ("job", "error"),
    [
        ({"schedule": "whenever"}, exceptions.BadRequest),
        ({"schedule": "61 * * * *"}, exceptions.BadRequest),
        ({"schedule": "every day " * 100}, exceptions.BadRequest),
        ({"time_zone": "Mars/Base"}, exceptions.BadRequest),
        ({"name": "job"}, exceptions.BadRequest),
        ({"http": {"uri": "ftp://x/"}}, exceptions.BadRequest),
        ({"http": {"http_method": "GET", "body": b"x"}}, exceptions.BadRequest),
        ({"retry_config": {"retry_count": 6}}, exceptions.BadRequest),
        ({"attempt_deadline": "3600s"}, exceptions.BadRequest),
        ({"http": {"oauth_token": {"service_account_email": "a@b"}}}, exceptions.MethodNotImplemented),
    ],
)
def test_what_cannot_be_is_refused(jobs: Jobs, job: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        jobs.create(**job)
    assert not list(jobs.client.list_jobs(parent=jobs.parent))


def test_app_engine_is_refused_by_name(jobs: Jobs) -> None:
    job = {"name": jobs.name(), "schedule": "* * * * *", "app_engine_http_target": {"relative_uri": "/"}}
    with pytest.raises(exceptions.MethodNotImplemented, match="app_engine_http_target"):
        jobs.client.create_job(request={"parent": jobs.parent, "job": job})
