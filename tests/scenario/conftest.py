"""The same servers and clients as conformance tests have."""

from __future__ import annotations

from tests.conformance.azure.conftest import (
    azure,  # noqa: F401 - a fixture
    resolved,  # noqa: F401 - a fixture
)
from tests.conformance.azure.cosmos.test_accounts import accounts  # noqa: F401 - a fixture
from tests.conformance.conftest import (  # noqa: F401 - fixtures
    _open_to_functions,
    account,
    client,
    server,
    shared,
    timed_client,
    timed_server,
)
from tests.conformance.gcp.conftest import make_client, parent, project  # noqa: F401 - fixtures
