"""The AWS services, each made when it is first called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.clouds.aws.api import Service
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.engines.messaging.receiving import Receiver
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


def aws_services(
    store: Store, clock: Clock, ids: Ids, receiver: Receiver, sessions: Sessions
) -> dict[str, Callable[[], Service[Any]]]:
    """Return the makers of all services by the names that they are signed with."""

    def iam() -> Service[Any]:
        from fogbank.clouds.aws.iam import iam_service  # noqa: PLC0415 - loaded on first use

        return iam_service(store, ids)

    def logs() -> Service[Any]:
        from fogbank.clouds.aws.logs import logs_service  # noqa: PLC0415 - loaded on first use

        return logs_service(store, clock, ids)

    def sqs() -> Service[Any]:
        from fogbank.clouds.aws.sqs import sqs_service  # noqa: PLC0415 - loaded on first use

        return sqs_service(store, clock, ids, receiver)

    def sts() -> Service[Any]:
        from fogbank.clouds.aws.sts import sts_service  # noqa: PLC0415 - loaded on first use

        return sts_service(store, sessions)

    return {"iam": iam, "logs": logs, "sqs": sqs, "sts": sts}
