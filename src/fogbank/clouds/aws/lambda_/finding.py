"""Functions as AWS Lambda's operations find them, and the pages in which they list things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from fogbank.clouds.aws.lambda_.configuration import revision_id
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function
from fogbank.clouds.aws.paging import InvalidTokenError, read_token
from fogbank.engines.functions import functions, versions
from fogbank.engines.functions.errors import FunctionNotFoundError, RevisionMismatchError

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.names import FunctionName
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.model import Function
    from fogbank.storage import Tx

PAGE_MAX: Final = 50
Place = TypeVar("Place")
Start = TypeVar("Start")


async def find(lambda_: Lambda, name: FunctionName) -> Function:
    """Return a function, or raise the error that names its ARN."""
    try:
        return await lambda_.store.read(functions.find, name.key)
    except FunctionNotFoundError:
        raise no_such_function(name.qualified_arn) from None


async def find_version(lambda_: Lambda, name: FunctionName, chance: float = 1.0) -> Function:
    """Return the function, version or an alias's version, or raise the error that names its ARN."""
    if not name.target:
        return await find(lambda_, name)
    try:
        return await lambda_.store.read(versions.find, name.key, name.target, chance)
    except FunctionNotFoundError:
        raise no_such_function(name.qualified_arn) from None


async def renew_instances(lambda_: Lambda, name: FunctionName) -> None:
    """Let a function's instances go when they are free, and start those that are kept ready.

    How many there may be of a version, and how many there always are, is settled when its first one starts.
    """
    for number in await lambda_.store.read(versions.ids, name.key):
        lambda_.invoker.forget(number)
    for version in await lambda_.store.read(versions.kept_ready, name.key):
        lambda_.invoker.prepare(version)


async def lock(tx: Tx, now_us: int, name: FunctionName) -> int:
    """Return the id of a function that nobody else changes until the transaction ends."""
    try:
        return (await functions.lock(tx, now_us, name.key)).id
    except FunctionNotFoundError:
        raise no_such_function(name.arn) from None


def read_marker(marker: str | None, kind: type[Place], start: Start) -> Place | Start:
    """Return the place where a list goes on, `start` at its beginning."""
    if marker is None:
        return start
    try:
        return read_token(marker, kind)
    except InvalidTokenError:
        raise invalid("Invalid Marker.") from None


def check_revision(function: Function, expected: str | None) -> None:
    """Refuse a change to a function that was changed since the caller looked."""
    if expected is not None and expected != revision_id(function.revision):
        raise RevisionMismatchError
