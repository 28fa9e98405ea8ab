"""The same on PostgreSQL, where any number of servers share functions, operations and uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.settings import Settings
from fogbank.testing.server import ThreadedServer
from tests.conformance.gcp.conftest import REGION, deploy
from tests.conformance.gcp.test_serving import call

if TYPE_CHECKING:
    from collections.abc import Callable


def test_two_servers_have_the_same_functions(
    postgres_url: str, make_client: Callable[..., Any], project: str, parent: str
) -> None:
    settings = Settings(port=0, database=postgres_url)
    with ThreadedServer(settings) as one, ThreadedServer(settings) as other:
        first, second = make_client("v2", "grpc", one.url), make_client("v2", "rest", other.url)
        deploy(first, parent, "shared", "def hello(request): return 'from anywhere'")
        assert second.get_function(name=f"{parent}/functions/shared").url.startswith(other.url)
        assert call(f"{other.url}/{REGION}-{project}/shared").body == b"from anywhere"
        (operation,) = second.list_operations(request={"name": parent}).operations
        assert first.get_operation(request={"name": operation.name}).done
        second.delete_function(name=f"{parent}/functions/shared").result(timeout=20)
        assert not list(first.list_functions(parent=parent))
