"""What the identity engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import AlreadyExistsError, EngineError, NotFoundError


class PrincipalNotFoundError(NotFoundError):
    """There is no principal of that name."""


class PrincipalExistsError(AlreadyExistsError):
    """There is a principal of that name."""


class PrincipalInUseError(EngineError):
    """The principal still has policies. `inline` says of which kind."""

    def __init__(self, *, inline: bool) -> None:
        super().__init__("inline" if inline else "attached")
        self.inline = inline


class PolicyNotFoundError(NotFoundError):
    """There is no policy of that name."""


class PolicyExistsError(AlreadyExistsError):
    """There is a policy of that name."""


class PolicyAttachedError(EngineError):
    """The policy is still attached to principals."""


class PolicyVersionsLeftError(EngineError):
    """The policy has other versions than the default one."""


class PolicyVersionNotFoundError(NotFoundError):
    """The policy has no version of that number."""


class DefaultVersionError(EngineError):
    """The version is the policy's default one."""


class InlinePolicyNotFoundError(NotFoundError):
    """The principal has no policy of its own of that name."""


class NotAttachedError(NotFoundError):
    """The policy isn't attached to the principal."""


class TooManyError(EngineError):
    """There is no room for one more. `what` names what there is too much of, `limit` how much there may be."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"at most {limit} {what}")
        self.what = what
        self.limit = limit
