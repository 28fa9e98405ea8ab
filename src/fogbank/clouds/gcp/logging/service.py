"""What Cloud Logging's services stand on, and what is kept for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.logging.names import DEFAULT_BUCKET, REQUIRED_BUCKET
from fogbank.engines.telemetry.model import LogGroupConfig

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.grpc.types import Types

PACKAGE: Final = "google.logging.v2"
DAY_SECONDS: Final = 86_400
# Google Cloud, "Quotas and limits" (https://cloud.google.com/logging/quotas): retention of the two buckets.
RETENTION_DAYS: Final = 30
REQUIRED_RETENTION_DAYS: Final = 400
BUCKET: Final = LogGroupConfig(retention_seconds=RETENTION_DAYS * DAY_SECONDS)
CONFIGS: Final = {
    DEFAULT_BUCKET: BUCKET,
    REQUIRED_BUCKET: LogGroupConfig(retention_seconds=REQUIRED_RETENTION_DAYS * DAY_SECONDS),
}


class Logging(NamedTuple):
    """The parts of the server that Cloud Logging uses."""

    store: Store
    clock: Clock
    ids: Ids
    types: Types

    def message(self, name: str) -> type[Any]:
        """Return the class of one of Cloud Logging's messages."""
        return self.types.message(f"{PACKAGE}.{name}")
