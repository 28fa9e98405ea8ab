"""What is known of a request beside its bytes, and who knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.wire.http import Request, Response


class Seen(NamedTuple):
    """What a request is for, in its cloud's own words.

    `service` and `operation` are empty where the request doesn't tell; `scope` is whose resources it is about (account
    and region, project, subscription or account), `resources` are the names of those that it names, in full.
    `parameters` are what it was sent with, as far as they can be shown.
    """

    service: str = ""
    operation: str = ""
    scope: str = ""
    resources: tuple[str, ...] = ()
    parameters: Any = None


class Refusal(NamedTuple):
    """How a request is to be refused: as the service throttles, or with an error.

    A `status` of 0 and texts that are empty are whatever the cloud answers of itself.
    """

    throttled: bool
    status: int = 0
    code: str = ""
    message: str = ""


class Sent(NamedTuple):
    """A call over gRPC, as it is kept: its first message and the fields that came before it."""

    path: str
    fields: Sequence[tuple[bytes, bytes]]
    message: bytes | None


class Front(Protocol):
    """What tells of one cloud's requests. None of it does any input or output, or changes anything."""

    @property
    def cloud(self) -> str:
        """The cloud's name."""

    def describe(self, request: Request) -> Seen:
        """Say what a request is for; whatever the request is, this raises nothing."""

    def refuse(self, request: Request, seen: Seen, refusal: Refusal) -> Response:
        """Return a refusal in the cloud's own form."""


class CallFront(Protocol):
    """The same for calls over gRPC."""

    @property
    def cloud(self) -> str:
        """The cloud's name."""

    def describe_call(self, sent: Sent) -> Seen:
        """Say what a call is for."""

    def refuse_call(self, seen: Seen, refusal: Refusal) -> Exception:
        """Return the error that a call is refused with."""
