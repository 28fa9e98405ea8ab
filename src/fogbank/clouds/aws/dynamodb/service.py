"""Amazon DynamoDB: what its operations stand on, and what tables are called."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.dynamodb.errors import validation

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.documents.model import Name
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


class Dynamo(NamedTuple):
    """The parts of the server that DynamoDB uses; `strict` is to throttle what isn't provisioned for."""

    store: Store
    clock: Clock
    ids: Ids
    strict: bool = False


def table_of(call: Call, text: str) -> Name:
    """Return the table that a request's TableName, a name or an ARN, names."""
    return _table(text, call.scope)


def table_arn(name: Name) -> str:
    """Return a table's ARN."""
    _realm, account, region = name[0].split("/")
    return str(Arn("aws", "dynamodb", region, account, f"table/{name[1]}"))


@lru_cache(maxsize=4096)
def _table(text: str, scope: str) -> Name:
    if text.startswith("arn:"):
        arn = parse_arn(text)
        if arn is None or arn.service != "dynamodb" or not arn.resource.startswith("table/"):
            raise validation(f"Invalid TableArn: Invalid ResourceArn provided as input {text}")
        scope, text = arn.scope, arn.resource.removeprefix("table/")
    if not _NAME.fullmatch(text):
        raise validation(
            "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain"
            " only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
        )
    return scope, text
