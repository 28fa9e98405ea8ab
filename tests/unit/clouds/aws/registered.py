"""All the services that there are, and their operations."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

from fogbank.clouds.aws.services import aws_services

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Service


def all_services() -> dict[str, Service[Any]]:
    """Every service there is, on parts that do nothing."""
    made = aws_services(**{name: MagicMock() for name in signature(aws_services).parameters})
    return {name: make() for name, make in made.items()}


SERVICES = all_services()
OPERATIONS = [(name, operation) for name, service in SERVICES.items() for operation in service.operations]
