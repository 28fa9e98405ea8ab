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


def queues(client: Callable[..., Any]) -> list[str]:
    return client("sqs").list_queues().get("QueueUrls", [])


# By the names of the files: what is there of the resources.
LEFT: dict[str, Callable[[Callable[..., Any]], list[Any]]] = {"sqs": queues}


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
