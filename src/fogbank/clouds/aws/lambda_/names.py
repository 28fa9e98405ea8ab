"""Names of functions: plain, partial ARNs, full ARNs, each with or without a qualifier.

AWS Lambda API Reference, "FunctionName": `MyFunction`, `123456789012:MyFunction`,
`arn:aws:lambda:us-west-2:123456789012:function:MyFunction`, with `:$LATEST` or a version or alias appended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.arns import Arn, invoked_as
from fogbank.clouds.aws.lambda_.errors import invalid, no_such_function

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.functions.model import Name

LATEST: Final = "$LATEST"
_FORM: Final = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<owner>\d{12}):function:"
    r"|(?P<account>\d{12}):(?:function:)?|function:)?"
    r"(?P<name>[a-zA-Z0-9-_]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


class FunctionName(NamedTuple):
    """The function that a request names."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def key(self) -> Name:
        """The engine's name of it."""
        return scope_key(self.account, self.region), self.name

    @property
    def arn(self) -> str:
        """Its ARN, without a qualifier."""
        return function_arn(self.account, self.region, self.name)

    @property
    def qualified_arn(self) -> str:
        """Its ARN, with the qualifier if there is one."""
        return self.arn if self.qualifier is None else f"{self.arn}:{self.qualifier}"

    @property
    def target(self) -> str:
        """The engine's qualifier: empty for the function as it is."""
        return "" if self.qualifier in (None, LATEST) else str(self.qualifier)

    @property
    def context(self) -> dict[str, str]:
        """What tells the function as what it was invoked, where that isn't the plain function."""
        if self.qualifier is None:
            return {}
        return invoked_as(Arn("aws", "lambda", self.region, self.account, f"function:{self.name}:{self.qualifier}"))


def function_arn(account: str, region: str, name: str) -> str:
    """Return the ARN of a function."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def arn_of(scope: str, name: str) -> str:
    """Return the ARN of a function by the engine's name of it."""
    _realm, account, region = scope.split("/")
    return function_arn(account, region, name)


def qualified_arn(scope: str, name: str, qualifier: str) -> str:
    """Return the ARN of a function's version or alias, of the function itself where the qualifier is empty."""
    arn = arn_of(scope, name)
    return f"{arn}:{qualifier}" if qualifier else arn


def read_name(call: Call, text: str, qualifier: str | None = None) -> FunctionName:
    """Read any form of a function's name; a qualifier given twice must be the same."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise invalid(f"{text} is not a valid function name.")
    own = match["qualifier"]
    if own and qualifier and own != qualifier:
        raise invalid("The derived qualifier from the function name does not match the specified qualifier.")
    account = match["owner"] or match["account"] or call.account
    return FunctionName(account, match["region"] or call.region, match["name"], own or qualifier)


def read_unqualified(call: Call, text: str, qualifier: str | None = None) -> FunctionName:
    """Read a name where no version or alias can be meant; its qualifier, if any, is $LATEST."""
    name = read_name(call, text, qualifier)
    if name.qualifier not in (None, LATEST):
        raise no_such_function(f"{name.arn}:{name.qualifier}")
    return name
