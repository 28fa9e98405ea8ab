"""The grammar of policy documents, and how IAM words what is wrong with one."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.aws.policy_documents import Kind, check_policy, size_of
from fogbank.wire.aws.errors import AwsError

GRANT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | more)


def changed(statement: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (statement | changes).items() if value is not None}


@pytest.mark.parametrize(
    "statement",
    [
        GRANT,
        changed(GRANT, Action=None, NotAction=["iam:*", "sts:*"]),
        changed(GRANT, Resource=None, NotResource="arn:aws:s3:::other"),
        changed(GRANT, Action="*", Resource="*", Sid="", Effect="Deny"),
        changed(GRANT, Resource=["arn:aws:*", "arn:*:s3:::a", "arn:aws:sqs:us-east-1:123456789012:q"]),
        changed(GRANT, Condition={"ForAnyValue:StringLike": {"aws:TagKeys": ["a*"]}, "Null": {"aws:MFA": "true"}}),
        changed(GRANT, Condition={"NumericLessThanEquals": {"s3:max-keys": 10}, "Bool": {"aws:Secure": False}}),
    ],
)
def test_grants_that_are_taken(statement: dict[str, Any]) -> None:
    for kind in (Kind.MANAGED, Kind.INLINE, Kind.SESSION):
        check_policy(policy(statement), kind)
        check_policy(json.dumps({"Version": "2012-10-17", "Statement": statement, "Id": "x"}), kind)


@pytest.mark.parametrize(
    "statement",
    [
        TRUST,
        changed(TRUST, Principal="*"),
        changed(TRUST, Principal={"AWS": ["123456789012", "arn:aws:iam::123456789012:root", "*"]}),
        changed(
            TRUST, Principal={"Federated": "cognito-identity.amazonaws.com"}, Action="sts:AssumeRoleWithWebIdentity"
        ),
        changed(
            TRUST, Action=["sts:AssumeRole", "sts:TagSession"], Condition={"StringEquals": {"sts:ExternalId": "x"}}
        ),
        changed(TRUST, Sid="with spaces, too"),
    ],
)
def test_trusts_that_are_taken(statement: dict[str, Any]) -> None:
    check_policy(policy(statement), Kind.TRUST)
    check_policy(policy(statement, Version="2008-10-17"), Kind.TRUST)


SYNTAX = "Syntax errors in policy."


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", SYNTAX),
        ("[]", SYNTAX),
        ("{}", SYNTAX),
        (policy(), SYNTAX),
        (policy("text"), SYNTAX),
        (policy(GRANT, Extra=1), SYNTAX),
        (policy(changed(GRANT, Extra=1)), SYNTAX),
        (policy(changed(GRANT, Effect=None)), SYNTAX),
        (policy(changed(GRANT, Effect="allow")), SYNTAX),
        (policy(changed(GRANT, NotAction="s3:*")), SYNTAX),
        (policy(changed(GRANT, Action=7)), SYNTAX),
        (policy(changed(GRANT, Condition=[])), SYNTAX),
        (policy(changed(GRANT, Condition={"Bool": {"a": {}}})), SYNTAX),
        (policy(changed(GRANT, Condition={"StringLikes": {"a": "b"}})), "Invalid Condition type : StringLikes."),
        (policy(GRANT, Version="2012-10-18"), "Policy document must be version 2012-10-17 or greater."),
        (policy(changed(GRANT, Principal="*")), "Policy document should not specify a principal."),
        (policy(changed(GRANT, Action=None)), "Policy statement must contain actions."),
        (policy(changed(GRANT, Action=[])), "Policy statement must contain actions."),
        (policy(changed(GRANT, Resource=None)), "Policy statement must contain resources."),
        (policy(changed(GRANT, Action="GetObject")), "Actions/Conditions must be prefaced by a vendor, e.g.,"),
        (policy(changed(GRANT, Action="s 3:GetObject")), "Vendor s 3 is not valid"),
        (policy(changed(GRANT, Resource="bucket")), 'Resource bucket must be in ARN format or "*".'),
        (policy(changed(GRANT, Resource="arn:aws:s3")), 'Resource arn:aws:s3 must be in ARN format or "*".'),
        (policy(changed(GRANT, Resource="arn:aws2:s3:::b")), 'Partition "aws2" is not valid for resource "arn:aws2:s3'),
        (policy(changed(GRANT, Sid="a b")), "Statement IDs (SID) must be alpha-numeric."),
        (policy(changed(GRANT, Sid="a"), changed(GRANT, Sid="a")), "Statement IDs (SID) in a single policy must be"),
    ],
)  # fmt: skip
def test_grants_that_are_refused(document: str, message: str) -> None:
    with pytest.raises(AwsError, match=re.escape(message)) as caught:
        check_policy(document, Kind.MANAGED)
    assert caught.value.code == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        (policy(TRUST, Extra=1), "Unknown field Extra"),
        (policy(changed(TRUST, Extra=1)), "Unknown field Extra"),
        (policy(changed(TRUST, Effect=None)), "Missing required field Effect"),
        (policy(changed(TRUST, Action=None)), "Missing required field Action"),
        (policy(changed(TRUST, Principal=None)), "Missing required field Principal"),
        (policy(changed(TRUST, Principal={})), "Missing required field Principal cannot be empty!"),
        (policy(changed(TRUST, Resource="*")), "Has prohibited field Resource"),
        (policy(changed(TRUST, Action="s3:*")), "AssumeRole policy may only specify STS AssumeRole actions."),
        (policy(changed(TRUST, Principal={"AWS": "me"})), 'Invalid principal in policy: "AWS":"me"'),
        (policy(changed(TRUST, Principal={"Service": "lambda"})), 'Invalid principal in policy: "Service":"lambda"'),
        (policy(changed(TRUST, Principal={"Other": "x"})), 'Invalid principal in policy: "Other":"x"'),
    ],
)
def test_trusts_that_are_refused(document: str, message: str) -> None:
    with pytest.raises(AwsError, match=re.escape(message)):
        check_policy(document, Kind.TRUST)


def test_only_managed_policies_must_be_of_the_latest_version() -> None:
    for document in (policy(GRANT, Version="2008-10-17"), json.dumps({"Statement": GRANT})):
        check_policy(document, Kind.INLINE)
        with pytest.raises(AwsError, match="must be version 2012-10-17 or greater"):
            check_policy(document, Kind.MANAGED)


def test_white_space_takes_no_room() -> None:
    assert size_of(' {"a":\n\t"b c"} ') == len('{"a":"bc"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition", "Sid"])


@given(st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON)), st.sampled_from(list(Kind)))
def test_every_document_is_a_policy_or_refused(value: Any, kind: Kind) -> None:
    for document in (value, {"Version": "2012-10-17", "Statement": value}):
        with contextlib.suppress(AwsError):
            check_policy(json.dumps(document), kind)
