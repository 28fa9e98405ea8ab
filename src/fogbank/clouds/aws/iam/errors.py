"""AWS Identity and Access Management's errors, worded as the service words them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws import validation
from fogbank.engines.identity.errors import (
    DefaultVersionError,
    InlinePolicyNotFoundError,
    NotAttachedError,
    PolicyAttachedError,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyVersionNotFoundError,
    PolicyVersionsLeftError,
    PrincipalExistsError,
    PrincipalInUseError,
    PrincipalNotFoundError,
    TooManyError,
)
from fogbank.wire.aws.errors import AwsError, InputError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import ErrorTable

_BAD_NAME: Final = re.compile(
    r"1 validation error detected: Value '.*' at '(?P<name>\w+Name)' failed to satisfy constraint:"
    r" Member must satisfy regular expression pattern: .*",
    re.DOTALL,
)


def no_such(message: str) -> AwsError:
    """Something that the request names doesn't exist."""
    return AwsError("NoSuchEntity", message, 404)


def exists(message: str) -> AwsError:
    """The name is taken."""
    return AwsError("EntityAlreadyExists", message, 409)


def conflict(message: str) -> AwsError:
    """Something stands in the way of deleting."""
    return AwsError("DeleteConflict", message, 409)


def limit_exceeded(message: str) -> AwsError:
    """There would be too much of something."""
    return AwsError("LimitExceeded", message, 409)


def invalid_arn(arn: str) -> AwsError:
    """The ARN isn't one of the kind that is wanted."""
    return AwsError("InvalidInput", f"ARN {arn} is not valid.")


def duplicate_tags() -> AwsError:
    """Two tags have the same key."""
    return AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")


def not_yours() -> AwsError:
    """The policy is AWS's own, and only AWS changes it."""
    return AwsError("AccessDenied", "Policy is outside your own account.", 403)


def no_such_policy(arn: str) -> AwsError:
    """The policy doesn't exist."""
    return no_such(f"Policy {arn} was not found.")


def not_attachable(arn: str) -> AwsError:
    """The policy that is to be attached doesn't exist."""
    return no_such(f"Policy {arn} does not exist or is not attachable.")


def input_error(error: InputError) -> AwsError:
    """Word an input that doesn't fit the operation; names have wording of their own."""
    if error.kind == "constraint" and (match := _BAD_NAME.fullmatch(error.detail)):
        return validation.invalid(
            f"The specified value for {match['name']} is invalid."
            " It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )
    return validation.input_error(error)


_QUOTAS: Final = {
    "attached policies": "PoliciesPerRole",
    "policies": "PoliciesPerAccount",
    "principals": "RolesPerAccount",
}


def _too_many(error: TooManyError) -> AwsError:
    if error.what == "versions":
        return limit_exceeded(
            f"A managed policy can have up to {error.limit} versions. Before you create a new version,"
            " you must delete an existing version."
        )
    return limit_exceeded(f"Cannot exceed quota for {_QUOTAS[error.what]}: {error.limit}")


ERRORS: Final[ErrorTable] = {
    PrincipalNotFoundError: lambda error: no_such(f"The role with name {error.name} cannot be found."),
    PrincipalExistsError: lambda error: exists(f"Role with name {error.name} already exists."),
    PrincipalInUseError: lambda error: conflict(
        "Cannot delete entity, must delete policies first."
        if error.inline
        else "Cannot delete entity, must detach all policies first."
    ),
    InlinePolicyNotFoundError: lambda error: no_such(f"The role policy with name {error.name} cannot be found."),
    PolicyNotFoundError: lambda error: no_such_policy(error.name),
    PolicyExistsError: lambda error: exists(
        f"A policy called {error.name} already exists. Duplicate names are not allowed."
    ),
    PolicyAttachedError: lambda _: conflict("Cannot delete a policy attached to entities."),
    PolicyVersionsLeftError: lambda _: conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions."
        " The default version is deleted with the policy."
    ),
    PolicyVersionNotFoundError: lambda error: no_such(
        f"Policy version v{error.name} does not exist or is not attachable."
    ),
    DefaultVersionError: lambda _: conflict("Cannot delete the default version of a policy."),
    NotAttachedError: lambda error: no_such_policy(error.name),
    TooManyError: _too_many,
}
