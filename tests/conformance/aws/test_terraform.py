"""Terraform makes, changes and removes resources, and finds them each time as it left them.

Each service is a module of its own in the folder `terraform`, named here with what is to be left of it in the end. Its
variable `delay` changes something of it in place. All go through their life in one run, so that what the provider waits
for, it waits for at the same time: it asks again and again until a queue has looked the same for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.aws.terraform_runs import Terraform, find_provider, find_terraform

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.aws.terraform_runs import Change


def queues(client: Callable[..., Any]) -> list[Any]:
    return client("sqs").list_queues().get("QueueUrls", [])


def topics(client: Callable[..., Any]) -> list[Any]:
    sns = client("sns")
    apps = sns.list_platform_applications()["PlatformApplications"]
    return sns.list_topics()["Topics"] + sns.list_subscriptions()["Subscriptions"] + apps


def tables(client: Callable[..., Any]) -> list[Any]:
    return client("dynamodb").list_tables()["TableNames"]


def roles(client: Callable[..., Any]) -> list[Any]:
    iam = client("iam")
    return iam.list_roles()["Roles"] + iam.list_policies(Scope="Local")["Policies"]


def log_groups(client: Callable[..., Any]) -> list[Any]:
    # Functions make groups, too, and leave them behind.
    found = client("logs").describe_log_groups()["logGroups"]
    return [group for group in found if not group["logGroupName"].startswith("/aws/lambda/")]


def functions(client: Callable[..., Any]) -> list[Any]:
    lambda_ = client("lambda")
    return lambda_.list_functions()["Functions"] + lambda_.list_event_source_mappings()["EventSourceMappings"]


def layers(client: Callable[..., Any]) -> list[Any]:
    return client("lambda").list_layers()["Layers"]


def events(client: Callable[..., Any]) -> list[Any]:
    events, scheduler = client("events"), client("scheduler")
    buses = [bus for bus in events.list_event_buses()["EventBuses"] if bus["Name"] != "default"]
    permissions = [bus["Policy"] for bus in events.list_event_buses()["EventBuses"] if "Policy" in bus]
    groups = [group for group in scheduler.list_schedule_groups()["ScheduleGroups"] if group["Name"] != "default"]
    destinations = events.list_api_destinations()["ApiDestinations"] + events.list_connections()["Connections"]
    archives = events.list_archives()["Archives"]
    schedules = scheduler.list_schedules()["Schedules"]
    return buses + permissions + events.list_rules()["Rules"] + archives + destinations + groups + schedules


# By the names of the modules: what is there of the resources.
LISTED: dict[str, Callable[[Callable[..., Any]], list[Any]]] = {
    "sqs": queues,
    "lambda": functions,
    "lambda_versions": functions,
    "lambda_layers": layers,
    "sns": topics,
    "dynamodb": tables,
    "iam": roles,
    "logs": log_groups,
    "events": events,
}


@pytest.fixture
def terraform(server: ThreadedServer, account: str, tmp_path: Path) -> Terraform:
    """Terraform with the AWS provider, against the server, in the test's own account."""
    program, plugins = find_terraform(), find_provider()
    if program is None:
        pytest.skip("needs Terraform: there is none on PATH")
    if plugins is None:
        pytest.skip("needs the Terraform AWS provider: there is none in a local plugin folder")
    return Terraform(program, plugins, server.url, account, tmp_path)


def of(name: str, changes: list[Change]) -> list[Change]:
    return [change for change in changes if change.service == name]


# One test, since each worker that had some of several would go through it all.
@pytest.mark.timeout(900)
def test_resources_are_made_changed_and_removed(
    terraform: Terraform, client: Callable[..., Any], subtests: pytest.Subtests
) -> None:
    terraform.apply()
    drift, resources = terraform.plan(), terraform.resources()
    for name, listed in LISTED.items():
        with subtests.test("made", service=name):
            assert listed(client)
            assert of(name, drift) == []

    planned = terraform.plan(delay=5)
    terraform.apply(delay=5)
    drift = terraform.plan(delay=5)
    for name in LISTED:
        with subtests.test("changed in place", service=name):
            assert {change.action for change in of(name, planned)} == {"update"}
            assert of(name, drift) == []
    assert terraform.resources() == resources

    terraform.destroy(delay=5)
    for name, listed in LISTED.items():
        with subtests.test("removed", service=name):
            assert listed(client) == []
    assert terraform.resources() == set()
