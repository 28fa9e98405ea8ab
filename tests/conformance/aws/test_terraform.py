"""Terraform makes, changes and removes resources, and finds them each time as it left them.

Each service is a module of its own in the folder `terraform`, named here with what is to be left of it in the end. Its
variable `delay` changes something of it in place. All go through their life in one run, and the tests ask what became
of each: the provider waits for minutes, asking until a queue has looked the same for a while, and so it waits once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.conformance.aws.terraform_runs import Change, Terraform, find_provider, find_terraform
from tests.conformance.conftest import boto3_client, new_account

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.testing.server import ThreadedServer

pytestmark = [pytest.mark.xdist_group("terraform"), pytest.mark.timeout(900)]


def queues(client: Callable[..., Any]) -> list[Any]:
    return client("sqs").list_queues().get("QueueUrls", [])


def topics(client: Callable[..., Any]) -> list[Any]:
    sns = client("sns")
    return sns.list_topics()["Topics"] + sns.list_subscriptions()["Subscriptions"]


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


class Life(NamedTuple):
    """What became of everything: what was listed, what plans would change, and what Terraform thought there is."""

    made: dict[str, list[Any]]
    drift: list[Change]
    resources: set[str]
    planned: list[Change]
    changed_drift: list[Change]
    changed_resources: set[str]
    left: dict[str, list[Any]]
    left_resources: set[str]


@pytest.fixture(scope="module")
def life(server: ThreadedServer, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Everything is made, changed and removed."""
    program, plugins = find_terraform(), find_provider()
    if program is None:
        pytest.skip("needs Terraform: there is none on PATH")
    if plugins is None:
        pytest.skip("needs the Terraform AWS provider: there is none in a local plugin folder")
    account = new_account()
    client = boto3_client(server, account)
    terraform = Terraform(program, plugins, server.url, account, tmp_path_factory.mktemp("terraform"))
    terraform.apply()
    made = {name: listed(client) for name, listed in LISTED.items()}
    drift, resources = terraform.plan(), terraform.resources()
    planned = terraform.plan(delay=5)
    terraform.apply(delay=5)
    changed_drift, changed_resources = terraform.plan(delay=5), terraform.resources()
    terraform.destroy(delay=5)
    left = {name: listed(client) for name, listed in LISTED.items()}
    return Life(made, drift, resources, planned, changed_drift, changed_resources, left, terraform.resources())


def of(name: str, changes: list[Change]) -> list[Change]:
    return [change for change in changes if change.service == name]


@pytest.mark.parametrize("name", LISTED)
def test_resources_are_made(life: Life, name: str) -> None:
    assert life.made[name]
    assert of(name, life.drift) == []


@pytest.mark.parametrize("name", LISTED)
def test_resources_are_changed_in_place(life: Life, name: str) -> None:
    assert {change.action for change in of(name, life.planned)} == {"update"}
    assert of(name, life.changed_drift) == []


@pytest.mark.parametrize("name", LISTED)
def test_resources_are_removed(life: Life, name: str) -> None:
    assert life.left[name] == []


def test_terraform_knows_of_the_same_resources_until_they_are_removed(life: Life) -> None:
    assert life.changed_resources == life.resources
    assert life.left_resources == set()
