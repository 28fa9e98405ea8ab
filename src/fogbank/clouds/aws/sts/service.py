"""AWS Security Token Service: what its operations stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fogbank.clouds.aws.sessions import Sessions
    from fogbank.storage import Store


class Sts(NamedTuple):
    """The parts of the server that STS uses."""

    store: Store
    sessions: Sessions
