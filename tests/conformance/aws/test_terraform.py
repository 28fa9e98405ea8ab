"""Terraform makes, changes and removes resources, and finds them each time as it left them.

A resource type is one file in the folder `terraform`, named here with what is to be left of it in the end. Its
variable `delay`, if it has one, changes something in place.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.aws.terraform_runs import Terraform

HERE = Path(__file__).parent


def queues(client: Callable[..., Any]) -> list[Any]:
    return client("sqs").list_queues().get("QueueUrls", [])


def topics(client: Callable[..., Any]) -> list[Any]:
    sns = client("sns")
    apps = sns.list_platform_applications()["PlatformApplications"]
    return sns.list_topics()["Topics"] + sns.list_subscriptions()["Subscriptions"] + apps + queues(client)


def tables(client: Callable[..., Any]) -> list[Any]:
    return client("dynamodb").list_tables()["TableNames"]


def roles(client: Callable[..., Any]) -> list[Any]:
    iam = client("iam")
    return iam.list_roles()["Roles"] + iam.list_policies(Scope="Local")["Policies"]


def log_groups(client: Callable[..., Any]) -> list[Any]:
    return client("logs").describe_log_groups()["logGroups"]


def functions(client: Callable[..., Any]) -> list[Any]:
    lambda_ = client("lambda")
    mappings = lambda_.list_event_source_mappings()["EventSourceMappings"]
    layers = lambda_.list_layers()["Layers"]
    functions = lambda_.list_functions()["Functions"]
    return functions + mappings + layers + roles(client) + queues(client) + tables(client)


def events(client: Callable[..., Any]) -> list[Any]:
    events, scheduler = client("events"), client("scheduler")
    buses = [bus for bus in events.list_event_buses()["EventBuses"] if bus["Name"] != "default"]
    groups = [group for group in scheduler.list_schedule_groups()["ScheduleGroups"] if group["Name"] != "default"]
    archives = events.list_archives()["Archives"]
    return buses + events.list_rules()["Rules"] + archives + groups + scheduler.list_schedules()["Schedules"]


# By the names of the files: what is there of the resources.
LEFT: dict[str, Callable[[Callable[..., Any]], list[Any]]] = {
    "sqs": queues,
    "lambda": functions,
    "lambda_versions": functions,
    "lambda_layers": functions,
    "sns": topics,
    "dynamodb": tables,
    "iam": roles,
    "logs": log_groups,
    "events": events,
}


# The provider itself waits for minutes: it asks again and again until a queue has looked the same for a while.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LEFT)
def test_resources_are_made_changed_and_removed(terraform: Terraform, client: Callable[..., Any], name: str) -> None:
    terraform.use(name)
    terraform.apply()
    assert LEFT[name](client)
    assert terraform.drifts() == ""
    if 'variable "delay"' in (HERE / "terraform" / f"{name}.tf").read_text():
        before = set(terraform.resources())
        assert terraform.drifts(delay=5)
        terraform.apply(delay=5)
        assert terraform.drifts(delay=5) == ""
        assert set(terraform.resources()) == before
        terraform.destroy(delay=5)
    else:
        terraform.destroy()
    assert terraform.resources() == []
    assert LEFT[name](client) == []
