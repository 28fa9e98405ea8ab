"""boto3's clients of a test's own account."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fogbank.testing.sdks import load
from fogbank.testing.server import ThreadedServer
from fogbank.testing.transport import DirectSession

if TYPE_CHECKING:
    from fogbank.testing.accounts import Account
    from fogbank.testing.process import RunningServer

REGION: Final = "us-east-1"
SECRET: Final = "fogbank"  # noqa: S105 - it is nobody's


class AwsClients:
    """`clients("sqs")` makes a client.

    Requests to a server in the same process need no port, unless `over_port` is asked for; its queues' URLs and so on
    are good for everybody else, too. Clients don't try again by themselves. `settings` are those of
    `botocore.config.Config`.
    """

    def __init__(self, server: ThreadedServer | RunningServer, account: Account) -> None:
        self.account = account.aws
        self._server = server

    def __call__(self, service: str, region: str = REGION, *, over_port: bool = False, **settings: Any) -> Any:
        """Return a client of a service."""
        return make_client(self._server, self.account, service, region, over_port=over_port, **settings)


def make_client(
    server: ThreadedServer | RunningServer,
    account: str,
    service: str,
    region: str = REGION,
    *,
    over_port: bool = False,
    **settings: Any,
) -> Any:
    """Return a client of a service in an account; the rest is that of `AwsClients`."""
    config = load("botocore.config", "boto3").Config(**{"retries": {"max_attempts": 0}, **settings})
    made = _session().client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key=SECRET,
        config=config,
    )
    if isinstance(server, ThreadedServer) and not over_port:
        made._endpoint.http_session = DirectSession(server)  # noqa: SLF001 - where botocore keeps it
    return made


@cache
def _session() -> Any:
    """Return the session that has read the services' models: a second client of a service takes a tenth of the time."""
    return load("boto3.session", "boto3").Session()
