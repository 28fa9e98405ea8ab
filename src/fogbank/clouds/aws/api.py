"""What every AWS service is made of: typed inputs, operations, a table of errors."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

    from fogbank.kernel.errors import EngineError
    from fogbank.wire.aws.errors import AwsError, InputError

REALM: Final = "aws"
DEFAULT_ACCOUNT: Final = "000000000000"
DEFAULT_REGION: Final = "us-east-1"

# The header in which a function's runtime gets the trace header; so it is named in an invocation's context, too.
TRACE_ID: Final = "Lambda-Runtime-Trace-Id"

# The default of a parameter that the model requires: the constraints refuse it together with all else that is wrong.
REQUIRED: Final[Any] = None

# What an operation returns: the members of its output by their names in the model. Those that are None at the
# top are left out; below it, and in structs (`omit_defaults`), leave them out yourself.
Reply: TypeAlias = "Mapping[str, Any] | msgspec.Struct | None"
ErrorTable: TypeAlias = "Mapping[type[EngineError], Callable[[Any], AwsError]]"
Deps = TypeVar("Deps")
In = TypeVar("In", bound="Input")


class Input(msgspec.Struct, forbid_unknown_fields=True):
    """The base of operations' inputs, and of the structures in them.

    An input is named as its operation and lists the parameters that Fogbank supports; all others are refused.
    """


@lru_cache(maxsize=4096)
def scope_key(account: str, region: str) -> str:
    """Return the store's key of an account's region."""
    return Scope(REALM, account, region).key


class Call:
    """Who calls, from where, and how they addressed us. `origin` is scheme and host, for URLs in replies.

    `trace` is the trace header that the caller sent, or nothing.
    """

    __slots__ = ("access_key", "account", "origin", "region", "request_id", "trace")

    def __init__(
        self, account: str, region: str, request_id: str, origin: str, access_key: str, trace: str = ""
    ) -> None:
        self.account = account
        self.region = region
        self.request_id = request_id
        self.origin = origin
        self.access_key = access_key
        self.trace = trace

    @property
    def scope(self) -> str:
        """The caller's own scope."""
        return scope_key(self.account, self.region)

    def arn(self, service: str, resource: str) -> str:
        """Name a resource of the caller's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


class Operation(Generic[Deps, In]):
    """One operation of a service: `run(deps, call, input)`, named by its input's type."""

    def __init__(self, kind: type[In], run: Callable[[Deps, Call, In], Awaitable[Reply]]) -> None:
        self.name = kind.__name__
        self.input = kind
        self.run = run


def operation(
    kind: type[In],
) -> Callable[[Callable[[Deps, Call, In], Awaitable[Reply]]], Operation[Deps, In]]:
    """Make a coroutine function the operation that its input is named after."""
    return lambda run: Operation(kind, run)


class Service(Generic[Deps]):
    """A service: `model` is botocore's name for it.

    `errors` words what the engines refuse, `input_error` an input that doesn't fit. Where `constrained`, inputs
    are checked against the constraints of the service's model, as AWS's newer services do, but for the shapes in
    `unchecked`; `listed` has the values of enumerations, by their shapes, in the order in which the service's errors
    list them, where it isn't the model's. Where `crc32`, replies carry X-Amz-Crc32, the checksum of their bodies.
    """

    def __init__(
        self,
        model: str,
        deps: Deps,
        operations: Iterable[Operation[Deps, Any]],
        errors: ErrorTable,
        input_error: Callable[[InputError], AwsError],
        *,
        constrained: bool = False,
        unchecked: Collection[str] = (),
        listed: Mapping[str, tuple[str, ...]] | None = None,
        crc32: bool = False,
    ) -> None:
        self.model = model
        self.deps = deps
        self.operations = {operation.name: operation for operation in operations}
        self.input_error = input_error
        self.constrained = constrained
        self.unchecked = unchecked
        self.listed = listed or {}
        self.crc32 = crc32
        self._errors = errors

    def word(self, error: EngineError) -> AwsError | None:
        """Word what an engine refused; None if the table of errors lacks it."""
        for kind in type(error).__mro__:
            wording = self._errors.get(kind)
            if wording is not None:
                return wording(error)
        return None


def epoch_seconds(at_us: int) -> float:
    """Return a time as services of the JSON protocols show it, to the millisecond."""
    return at_us // 1_000 / 1_000
