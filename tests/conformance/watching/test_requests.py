"""The log of requests: what it says, what it hides, how it is followed, and what it forgets."""

from __future__ import annotations

import concurrent.futures
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from click import ClickException

from fogbank.cli.client import ask
from fogbank.wire.watching import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.watching.conftest import Watched


def test_a_request_is_told_with_parameters_result_and_cost(
    client: Callable[..., Any], watched: Watched, account: str
) -> None:
    sqs = client("sqs", region="eu-west-1")
    url = sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "5"})["QueueUrl"]
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=url, MessageBody="")
    created, refused = watched.requests()
    assert (created["cloud"], created["service"], created["operation"]) == ("aws", "sqs", "CreateQueue")
    assert created["scope"] == f"{account}/eu-west-1"
    assert created["resources"] == ["orders"]
    assert (created["status"], created["code"]) == (200, "")
    assert created["took_us"] > 0
    assert watched.show(created["id"])["parameters"] == {"QueueName": "orders", "Attributes": {"DelaySeconds": "5"}}
    assert refused["status"] == 400
    assert "MessageBody" in refused["message"]
    assert watched.show() == watched.show(refused["id"])


def test_parameters_of_all_protocols_are_decoded(client: Callable[..., Any], watched: Watched) -> None:
    client("sns").create_topic(Name="news")
    with pytest.raises(ClientError):
        client("lambda").get_function(FunctionName="none", Qualifier="3")
    sns, function = (watched.show(each["id"]) for each in watched.requests())
    assert (sns["operation"], sns["parameters"]["Name"]) == ("CreateTopic", "news")
    assert (function["operation"], function["resources"]) == ("GetFunction", ["none"])
    assert function["parameters"] == {"FunctionName": "none", "Qualifier": "3"}
    assert function["code"] == "ResourceNotFoundException"


def test_secrets_are_hidden_and_what_is_long_is_cut(client: Callable[..., Any], watched: Watched) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * 100_000)
    client("events").create_connection(
        Name="c",
        AuthorizationType="BASIC",
        AuthParameters={"BasicAuthParameters": {"Username": "me", "Password": "hush-hush"}},
    )
    urllib.request.urlopen(
        urllib.request.Request(
            f"{watched.url}/tenant/oauth2/v2.0/token",
            data=b"grant_type=client_credentials&client_id=me&client_secret=hush-hush&scope=x",
        )
    )
    shown = [watched.show(each["id"]) for each in watched.requests()]
    assert "hush-hush" not in json.dumps(shown)
    assert "Credential=" not in json.dumps(shown)
    assert shown[3]["parameters"]["client_secret"] == "(hidden)"
    assert shown[3]["parameters"]["client_id"] == "me"
    assert shown[1]["cut"]
    assert shown[1]["body_bytes"] > 100_000
    assert len(json.dumps(shown[1])) < 5_000


def test_lists_are_filtered_and_go_on_where_they_ended(client: Callable[..., Any], watched: Watched) -> None:
    sqs = client("sqs")
    for name in ("a", "b", "c"):
        sqs.create_queue(QueueName=name)
    with pytest.raises(ClientError):
        sqs.get_queue_url(QueueName="d")
    client("sns").list_topics()
    assert [each["operation"] for each in watched.requests("service=sqs&operation=get*")] == ["GetQueueUrl"]
    assert [each["service"] for each in watched.requests("status=ok&operation=List*")] == ["sns"]
    assert len(watched.requests("status=4xx")) == len(watched.requests("status=error")) == 1
    assert watched.requests("cloud=gcp") == []
    first = watched.requests()[0]["id"]
    page = ask(watched.url, "GET", f"/_fogbank/requests?after={first}&limit=2")
    assert [each["resources"] for each in page["requests"]] == [["b"], ["c"]]
    rest = ask(watched.url, "GET", f"/_fogbank/requests?after={page['last']}")
    assert [each["operation"] for each in rest["requests"]] == ["GetQueueUrl", "ListTopics"]
    assert ask(watched.url, "GET", f"/_fogbank/requests?after={rest['last']}&wait=0")["requests"] == []
    # Numbers of a server before this one are no hindrance.
    assert ask(watched.url, "GET", "/_fogbank/requests?after=999999")["last"] == rest["last"]


def test_who_waits_is_told_of_what_fits(client: Callable[..., Any], watched: Watched) -> None:
    sqs = client("sqs")
    sqs.list_queues()
    last = watched.requests()[-1]["id"]
    path = f"/_fogbank/requests?after={last}&wait=20&operation=CreateQueue"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, watched.url, "GET", path)
        sqs.list_queues()
        sqs.create_queue(QueueName="q")
        assert [each["resources"] for each in waiting.result(30)["requests"]] == [["q"]]


@pytest.mark.parametrize("query", ["status=6xx", "limit=0", "wait=99", "color=red", "status=40x"])
def test_what_can_t_be_asked_is_refused(watched: Watched, query: str) -> None:
    with pytest.raises(ClickException):
        watched.requests(query)


def test_only_the_latest_are_kept_and_a_reset_forgets_them(client: Callable[..., Any], watched: Watched) -> None:
    sqs = client("sqs")
    request_log = watched.server.app.watch.log
    sqs.list_queues()
    first = watched.requests()[0]["id"]
    sqs.create_queue(QueueName="q")

    async def fill() -> None:
        entry = next(request_log.entries())
        for _ in range(log.ENTRIES_MAX - 1):
            request_log.add(entry.at_us, 1, watched.server.app._aws_front, entry.request, None)  # type: ignore[arg-type]

    watched.server.call(fill())
    assert len(watched.requests()) == log.ENTRIES_MAX
    with pytest.raises(ClickException, match="isn't kept any more"):
        watched.show(first)
    watched.server.reset()
    assert watched.requests() == []
