"""Cloud Run functions, by both generations' APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.functions import v1, v2

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.wire.grpc.service import Service


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.functions", "descriptors")
    return [v1.functions_service(parts), v2.functions_service(parts)]
