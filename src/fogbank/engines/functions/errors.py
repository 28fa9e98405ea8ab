"""What the functions engine refuses."""

from __future__ import annotations

from fogbank.kernel.errors import AlreadyExistsError, EngineError, NotFoundError


class FunctionNotFoundError(NotFoundError):
    """There is no function of that name."""


class InvocationNotFoundError(NotFoundError):
    """No invocation of that id is kept: there was none, or it has been swept away since."""


class FunctionExistsError(AlreadyExistsError):
    """There is a function of that name."""


class RevisionMismatchError(EngineError):
    """The function was changed since the caller looked."""


class TriggerNotFoundError(NotFoundError):
    """There is no trigger of that id."""


class TriggerExistsError(AlreadyExistsError):
    """The function is triggered by that source already. `name` is the other trigger's id."""


class VersionInUseError(EngineError):
    """The version can't be deleted: `names` are the aliases for it."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class AliasNotFoundError(NotFoundError):
    """The function has no alias of that name."""


class AliasExistsError(AlreadyExistsError):
    """The function has an alias of that name."""


class LayerNotFoundError(NotFoundError):
    """There is no such version of a layer."""


class UrlNotFoundError(NotFoundError):
    """There is no such address."""


class UrlExistsError(AlreadyExistsError):
    """The function, version or alias has an address already."""
