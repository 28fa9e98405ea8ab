"""Policy documents: their grammar, checked and worded as IAM checks and words it. Nothing is evaluated here.

AWS Identity and Access Management User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy
elements reference".
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.arns import parse_arn
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

LATEST: Final = "2012-10-17"
_VERSIONS: Final = (LATEST, "2008-10-17")
_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov", "*")
_SID: Final = re.compile(r"[0-9A-Za-z]*")
_ACTION: Final = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)")
_DOCUMENT_KEYS: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_CONDITION: Final = re.compile(
    r"(?:ForAllValues:|ForAnyValue:)?(?:"
    r"String(?:Not)?(?:Equals|EqualsIgnoreCase|Like)|Numeric(?:(?:Not)?Equals|LessThan(?:Equals)?|GreaterThan(?:Equals)?)"
    r"|Date(?:(?:Not)?Equals|LessThan(?:Equals)?|GreaterThan(?:Equals)?)|Bool|BinaryEquals|(?:Not)?IpAddress"
    r"|Arn(?:Not)?(?:Equals|Like))(?:IfExists)?|Null",
    re.IGNORECASE,
)


class Kind(Enum):
    """What a document is for: a managed policy, a principal's or resource's own, a role's trust, a session's limits."""

    MANAGED = auto()
    INLINE = auto()
    RESOURCE = auto()
    TRUST = auto()
    SESSION = auto()


def malformed(message: str) -> AwsError:
    """The document isn't a policy of its kind."""
    return AwsError("MalformedPolicyDocument", message)


def size_of(document: str) -> int:
    """Return how much of its quota a document takes: its characters without white space, as documented."""
    return sum(map(len, document.split()))


def check_policy(document: str, kind: Kind) -> None:
    """Refuse a document that isn't a policy of its kind, with `MalformedPolicyDocument`."""
    try:
        policy = msgspec.json.decode(document)
    except (msgspec.DecodeError, RecursionError):
        raise _no_json(kind) from None
    if not isinstance(policy, dict):
        raise _no_json(kind)
    unknown = policy.keys() - _DOCUMENT_KEYS
    if unknown:
        raise _syntax(kind, f"Unknown field {min(unknown)}")
    statements = policy.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _syntax(kind, "Missing required field Statement")
    version = policy.get("Version", _VERSIONS[1])
    if version not in _VERSIONS or (kind is Kind.MANAGED and version != LATEST):
        raise malformed(f"Policy document must be version {LATEST} or greater.")
    sids = []
    for statement in statements:
        if not isinstance(statement, dict):
            raise _syntax(kind, "Missing required field Statement")
        _check_statement(statement, kind)
        sids.append(statement.get("Sid") or object())
    if len(set(sids)) < len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def _no_json(kind: Kind) -> AwsError:
    return malformed("This policy contains invalid Json" if kind is Kind.TRUST else "Syntax errors in policy.")


def _syntax(kind: Kind, message: str) -> AwsError:
    """Return the error for a document of the wrong form; only trust policies' errors say what it is."""
    return malformed(message if kind is Kind.TRUST else "Syntax errors in policy.")


def _check_statement(statement: dict[str, Any], kind: Kind) -> None:
    unknown = statement.keys() - _STATEMENT_KEYS
    if unknown:
        raise _syntax(kind, f"Unknown field {min(unknown)}")
    if "Effect" not in statement:
        raise _syntax(kind, "Missing required field Effect")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise _syntax(kind, f"Invalid effect: {statement['Effect']}")
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        raise _syntax(kind, "Invalid Sid")
    if not _SID.fullmatch(sid) and kind is not Kind.TRUST:
        pattern = _SID.pattern
        raise malformed(
            "Statement IDs (SID) must be alpha-numeric."
            f" Check that your input satisfies the regular expression {pattern}"
        )
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in statement and other in statement:
            raise _syntax(kind, f"Has both {one} and {other}")
    if kind is Kind.TRUST:
        _check_trust(statement)
    else:
        _check_grant(statement, kind)
    _check_condition(statement.get("Condition", {}), kind)


def _check_trust(statement: dict[str, Any]) -> None:
    for field in ("Resource", "NotResource"):
        if field in statement:
            raise malformed(f"Has prohibited field {field}")
    if "Action" not in statement and "NotAction" not in statement:
        msg = "Missing required field Action"
        raise malformed(msg)
    if "Principal" not in statement and "NotPrincipal" not in statement:
        msg = "Missing required field Principal"
        raise malformed(msg)
    for action in _texts(statement.get("Action", statement.get("NotAction")), Kind.TRUST):
        if not action.lower().startswith("sts:"):
            msg = "AssumeRole policy may only specify STS AssumeRole actions."
            raise malformed(msg)
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        msg = "Missing required field Principal cannot be empty!"
        raise malformed(msg)
    for key, value in principal.items():
        for name in _texts(value, Kind.TRUST):
            if not _is_principal(key, name):
                raise malformed(f'Invalid principal in policy: "{key}":"{name}"')


def _is_principal(key: str, name: str) -> bool:
    if key == "AWS":
        arn = parse_arn(name)
        return (
            name == "*"
            or _ACCOUNT.fullmatch(name) is not None
            or (arn is not None and arn.service in ("iam", "sts") and _ACCOUNT.fullmatch(arn.account) is not None)
        )
    if key == "Service":
        return _SERVICE.fullmatch(name) is not None
    return key in ("Federated", "CanonicalUser") and bool(name)


def _check_grant(statement: dict[str, Any], kind: Kind) -> None:
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if kind is Kind.RESOURCE:
        if principal is None:
            msg = "Missing required field Principal"
            raise malformed(msg)
        _check_principal(principal)
    elif principal is not None:
        msg = "Policy document should not specify a principal."
        raise malformed(msg)
    actions = _texts(statement.get("Action", statement.get("NotAction", [])), kind)
    if not actions:
        msg = "Policy statement must contain actions."
        raise malformed(msg)
    for action in actions:
        if action != "*" and not _ACTION.fullmatch(action):
            vendor, colon, _ = action.partition(":")
            if colon and vendor and not re.fullmatch(r"[A-Za-z0-9-]+", vendor):
                raise malformed(f"Vendor {vendor} is not valid")
            msg = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
            raise malformed(msg)
    resources = _texts(statement.get("Resource", statement.get("NotResource", [])), kind)
    if not resources:
        msg = "Policy statement must contain resources."
        raise malformed(msg)
    for resource in resources:
        if resource != "*":
            _check_resource(resource)


def _check_resource(resource: str) -> None:
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 2:
        raise malformed(f'Resource {resource} must be in ARN format or "*".')
    if parts[1] not in _PARTITIONS:
        raise malformed(f'Partition "{parts[1]}" is not valid for resource "{resource}".')
    # A wildcard may stand for any number of the parts that follow.
    if len(parts) < 6 and not any("*" in part for part in parts):
        raise malformed(f'Resource {resource} must be in ARN format or "*".')


def _check_condition(condition: Any, kind: Kind) -> None:
    if not isinstance(condition, dict):
        raise _syntax(kind, "Invalid Condition")
    for operator, keys in condition.items():
        if not _CONDITION.fullmatch(operator):
            raise malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict):
            raise _syntax(kind, "Invalid Condition")
        for value in keys.values():
            values = value if isinstance(value, list) else [value]
            if not all(isinstance(each, (str, int, float)) for each in values):
                raise _syntax(kind, "Invalid Condition")


def _texts(value: Any, kind: Kind) -> Iterable[str]:
    """Return one or more texts as a list, or refuse anything else."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _syntax(kind, "Invalid policy document")
    return texts
