"""The AWS services, each made when it is first called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.api import Service
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


def aws_services(store: Store, clock: Clock, ids: Ids, receiver: Receiver) -> dict[str, Callable[[], Service[Any]]]:
    """Return the makers of all services by the names that they are signed with."""

    def dynamodb() -> Service[Any]:
        from fogbank.clouds.aws.dynamodb import dynamodb_service  # noqa: PLC0415 - loaded on first use

        return dynamodb_service(store, clock, ids)

    def sqs() -> Service[Any]:
        from fogbank.clouds.aws.sqs import sqs_service  # noqa: PLC0415 - loaded on first use

        return sqs_service(store, clock, ids, receiver)

    return {"dynamodb": dynamodb, "sqs": sqs}
