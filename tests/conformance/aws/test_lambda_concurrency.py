"""AWS Lambda's reserved and provisioned concurrency, through boto3."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.aws.functions import deploy, zipped
from tests.conformance.aws.test_lambda_functions import ECHO, refused
from tests.conformance.aws.test_lambda_invoke import invoke, wait_for
from tests.conformance.conftest import boto3_client
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


# Says that it has begun, by a file, and waits until another file is there; its event names both.
WAITS = """
    import os, time
    def handler(event, context):
        if "begun" in event:
            open(event["begun"], "w").close()
        while "until" in event and not os.path.exists(event["until"]):
            time.sleep(0.01)
        return context.function_version
"""


@pytest.fixture
def lambda_(client: Callable[..., Any]) -> Any:
    return client("lambda", parameter_validation=False)


# Reserved concurrency


def test_concurrency_is_reserved_and_given_back(lambda_: Any) -> None:
    deploy(lambda_, "f", ECHO)
    assert "ReservedConcurrentExecutions" not in lambda_.get_function_concurrency(FunctionName="f")
    revision = lambda_.get_function_configuration(FunctionName="f")["RevisionId"]
    put = lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=30)
    assert put["ReservedConcurrentExecutions"] == 30
    assert lambda_.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 30
    assert lambda_.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 30}
    assert lambda_.get_function_configuration(FunctionName="f")["RevisionId"] == revision
    limits = lambda_.get_account_settings()["AccountLimit"]
    assert (limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]) == (1000, 970)
    lambda_.delete_function_concurrency(FunctionName="f")
    assert "Concurrency" not in lambda_.get_function(FunctionName="f")
    assert lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


def test_a_hundred_stay_for_functions_without_a_reservation(lambda_: Any) -> None:
    for name in "fg":
        deploy(lambda_, name, ECHO)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=500)
    lambda_.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=400)
    with refused(r"decreases account's UnreservedConcurrentExecution below its minimum value of \[100\]\."):
        lambda_.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=401)
    assert lambda_.get_function_concurrency(FunctionName="g")["ReservedConcurrentExecutions"] == 400
    with refused("at 'reservedConcurrentExecutions' failed to satisfy constraint"):
        lambda_.put_function_concurrency(FunctionName="g", ReservedConcurrentExecutions=-1)
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException, match="Function not found"):
        lambda_.put_function_concurrency(FunctionName="h", ReservedConcurrentExecutions=1)


def test_account_settings_tell_what_is_used(lambda_: Any) -> None:
    size = len(zipped(ECHO))
    deploy(lambda_, "f", ECHO, Publish=True)
    deploy(lambda_, "g", ECHO)
    settings = lambda_.get_account_settings()
    assert settings["AccountUsage"] == {"TotalCodeSize": 3 * size, "FunctionCount": 2}
    assert settings["AccountLimit"] == {
        "TotalCodeSize": 80_530_636_800,
        "CodeSizeUnzipped": 262_144_000,
        "CodeSizeZipped": 52_428_800,
        "ConcurrentExecutions": 1000,
        "UnreservedConcurrentExecutions": 1000,
    }


def test_no_more_runs_than_is_reserved_all_versions_together(lambda_: Any, tmp_path: Path) -> None:
    deploy(lambda_, "f", WAITS, Publish=True, Timeout=20)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    done, begun, free = [], tmp_path / "begun", tmp_path / "free"
    event = {"begun": str(begun), "until": str(free)}
    thread = threading.Thread(target=lambda: done.append(invoke(lambda_, event)))
    thread.start()
    wait_for(begun.exists)
    with pytest.raises(ClientError) as refusal:
        invoke(lambda_, {}, Qualifier="1")
    answer = refusal.value.response
    assert answer["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert answer["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert answer["Type"] == "User"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    assert invoke(lambda_, {}, Qualifier="1")[0] == "1"
    free.touch()
    thread.join()
    assert done[0][0] == "$LATEST"
    assert invoke(lambda_, {})[0] == "$LATEST"


def test_nothing_reserved_stops_a_function(lambda_: Any) -> None:
    deploy(lambda_, "f", WAITS)
    lambda_.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(lambda_.exceptions.TooManyRequestsException):
        invoke(lambda_)
    lambda_.delete_function_concurrency(FunctionName="f")
    assert invoke(lambda_, {})[0] == "$LATEST"


def test_no_more_runs_than_the_account_may(timed_client: Callable[..., Any], timed_server: ThreadedServer) -> None:
    lambda_ = timed_client("lambda")
    deploy(lambda_, "f", WAITS)
    timed_server.app.runner._running = 1_000
    try:
        with pytest.raises(ClientError) as refusal:
            invoke(lambda_, {})
    finally:
        timed_server.app.runner._running = 0
    answer = refusal.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"] == {"Code": "TooManyRequestsException", "Message": "Rate Exceeded."}
    assert answer["Reason"] == "ConcurrentInvocationLimitExceeded"


# Provisioned concurrency


@pytest.fixture
def published(lambda_: Any) -> Any:
    """A client of an account with a function f: versions 1 and 2, and the alias live for 1."""
    deploy(lambda_, "f", WAITS, Publish=True)
    lambda_.update_function_configuration(FunctionName="f", Timeout=9)
    lambda_.publish_version(FunctionName="f")
    lambda_.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    return lambda_


def provision(client: Any, qualifier: str, count: int) -> Any:
    return client.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )


def provisioned(client: Any, qualifier: str, status: str) -> Any:
    """Return what is kept ready once that is its status."""
    shown = client.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
    return shown if shown["Status"] == status else None


SLOW = """
    import os, time

    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)

    def handler(event, context):
        return 1
"""


def test_what_is_kept_ready_is_in_progress_until_it_is(lambda_: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    deploy(lambda_, "f", SLOW, Publish=True, Environment={"Variables": {"GATE": str(gate)}})
    provision(lambda_, "1", 2)
    for _ in range(2):
        shown = lambda_.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
        assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    (listed,) = lambda_.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]
    assert listed["Status"] == "IN_PROGRESS"
    gate.touch()
    shown = wait_until(lambda: provisioned(lambda_, "1", "READY"))
    assert shown["AllocatedProvisionedConcurrentExecutions"] == shown["AvailableProvisionedConcurrentExecutions"] == 2
    assert "StatusReason" not in shown


def test_what_can_t_be_kept_ready_has_failed(lambda_: Any, tmp_path: Path) -> None:
    deploy(lambda_, "f", f"open({str(tmp_path / 'starts')!r}, 'a').write('x'); raise ValueError", Publish=True)
    provision(lambda_, "1", 1)
    shown = wait_until(lambda: provisioned(lambda_, "1", "FAILED"))
    assert shown["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert (shown["RequestedProvisionedConcurrentExecutions"], shown["AvailableProvisionedConcurrentExecutions"]) == (
        1,
        0,
    )
    # It isn't started again and again.
    assert (tmp_path / "starts").read_text() == "x"


def test_versions_and_aliases_are_kept_ready(published: Any, account: str) -> None:
    made = provision(published, "live", 2)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (made["RequestedProvisionedConcurrentExecutions"], made["Status"]) == (2, "IN_PROGRESS")
    shown = wait_until(lambda: provisioned(published, "live", "READY"))
    assert shown["AllocatedProvisionedConcurrentExecutions"] == shown["AvailableProvisionedConcurrentExecutions"] == 2
    assert shown["LastModified"].endswith("+0000")
    provision(published, "2", 3)
    arn = f"arn:aws:lambda:us-east-1:{account}:function:f"
    pages = list(
        published.get_paginator("list_provisioned_concurrency_configs").paginate(
            FunctionName="f", PaginationConfig={"PageSize": 1}
        )
    )
    assert [page["ProvisionedConcurrencyConfigs"][0]["FunctionArn"] for page in pages] == [f"{arn}:2", f"{arn}:live"]
    assert published.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 995
    assert invoke(published, {}, Qualifier="live")[0] == "1"
    published.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    with pytest.raises(
        published.exceptions.ProvisionedConcurrencyConfigNotFoundException,
        match="No Provisioned Concurrency Config found for this function",
    ):
        published.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")


# Notes each instance that is started, by a file of its own, and as which version.
STARTS = """
    import os
    name = os.environ["AWS_LAMBDA_FUNCTION_VERSION"] + "." + os.urandom(8).hex()
    open(os.path.join(os.environ["RECORD"], name), "w").close()
    def handler(event, context): ...
"""


def test_instances_are_started_before_anybody_calls(tmp_path: Path, shared: Path, account: str) -> None:
    record = tmp_path / "started"
    record.mkdir()
    record.chmod(0o777)

    def started() -> list[str]:
        return sorted(file.name.partition(".")[0] for file in record.iterdir())

    settings = Settings(port=0, data=tmp_path / "data", shared=shared)
    with ThreadedServer(settings) as server:
        client = boto3_client(server, account)("lambda")
        deploy(client, "f", STARTS, Publish=True, Environment={"Variables": {"RECORD": str(record)}})
        client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        provision(client, "live", 2)
        wait_for(lambda: started() == ["1", "1"])
        client.update_function_configuration(FunctionName="f", Timeout=9)
        client.publish_version(FunctionName="f")
        assert started() == ["1", "1"]
        client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
        wait_for(lambda: started() == ["1", "1", "2", "2"])
    with ThreadedServer(settings) as server:
        wait_for(lambda: started() == ["1", "1", "2", "2", "2", "2"])
        client = boto3_client(server, account)("lambda")
        invoke(client, {}, Qualifier="live")
        assert len(started()) == 6
        client.delete_alias(FunctionName="f", Name="live")
        invoke(client, {}, Qualifier="2")
        assert started()[6:] == ["2"], "those that were kept ready have gone"


@pytest.mark.parametrize(
    ("qualifier", "count", "match"),
    [
        ("$LATEST", 1, "cannot be applied to unpublished function versions"),
        ("9", 1, r"ResourceNotFoundException.*Function not found: .*:function:f:9"),
        ("live", 0, "at 'provisionedConcurrentExecutions' failed to satisfy constraint"),
        ("live", 901, r"UnreservedConcurrentExecution below its minimum value of \[100\]"),
        ("live", 1001, r"greater than account's unreserved concurrency \[1000\]"),
    ],
)
def test_provisioning_that_is_refused(published: Any, qualifier: str, count: int, match: str) -> None:
    with refused(match):
        provision(published, qualifier, count)
    assert published.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"] == []


def test_reserved_and_provisioned_concurrency_hold_each_other(published: Any) -> None:
    published.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=5)
    with refused("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution"):
        provision(published, "live", 6)
    provision(published, "live", 4)
    with refused(r"should not be lower than function's total provisioned concurrency \[4\]"):
        published.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=3)
    with refused("Version is pointed by a Provisioned Concurrency alias"):
        provision(published, "1", 1)
    provision(published, "2", 1)
    published.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    with refused("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"):
        provision(published, "live", 2)
