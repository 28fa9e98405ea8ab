"""Who is who in AWS: account scopes, ARNs and unique ids of principals and policies, who a session acts as.

AWS Identity and Access Management User Guide, "IAM identifiers".
"""

from __future__ import annotations

from base64 import b32encode
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.arns import Arn, parse_arn

if TYPE_CHECKING:
    from fogbank.engines.identity.model import Session

ROLE_PREFIX: Final = "AROA"
POLICY_PREFIX: Final = "ANPA"
_ID_BYTES: Final = 11
_ID_CHARACTERS: Final = 17
# Odd, so that multiplying by it maps numbers one to one; it makes ids of neighbours look nothing alike.
_SPREAD: Final = 0x9E37_79B9_7F4A_7C15_F39C_C1


class Subject(NamedTuple):
    """Who acts, as policies and logs name them."""

    user_id: str
    arn: str


def account_scope(account: str) -> str:
    """Return the scope of what an account has in no region."""
    return scope_key(account, "")


def account_of(scope: str) -> str:
    """Return the account of a scope."""
    return scope.split("/")[1]


def unique_id(prefix: str, number: int) -> str:
    """Return the id that a resource keeps whatever it is called: the prefix and 17 letters and digits."""
    spread = number * _SPREAD % (1 << 8 * _ID_BYTES)
    return prefix + b32encode(spread.to_bytes(_ID_BYTES, "big"))[:_ID_CHARACTERS].decode()


def iam_arn(account: str, kind: str, path: str, name: str) -> str:
    """Return the ARN of a principal or policy."""
    return str(Arn("aws", "iam", "", account, f"{kind}{path}{name}"))


def parse_iam_arn(text: str, kind: str) -> tuple[str, str, str] | None:
    """Return the account, path and name of the ARN of a principal or policy; None if it isn't one."""
    arn = parse_arn(text)
    if arn is None or arn.service != "iam" or arn.region or not arn.resource.startswith(f"{kind}/"):
        return None
    path, _, name = arn.resource.removeprefix(kind).rpartition("/")
    return (arn.account, f"{path}/", name) if name else None


def subject_of(account: str, session: Session | None) -> Subject:
    """Return who a session acts as; without one, the account itself."""
    if session is None or not session.name:
        return Subject(account, f"arn:aws:iam::{account}:root")
    account = account_of(session.scope)
    if session.principal_name:
        role_id = unique_id(ROLE_PREFIX, session.principal)
        arn = f"arn:aws:sts::{account}:assumed-role/{session.principal_name}/{session.name}"
        return Subject(f"{role_id}:{session.name}", arn)
    return Subject(f"{account}:{session.name}", f"arn:aws:sts::{account}:federated-user/{session.name}")
