"""Names of queues: in URLs, in ARNs, and what a name may be."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.arns import Arn
from fogbank.clouds.aws.sqs.errors import invalid
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.messaging.model import Name, Queue

FIFO_SUFFIX: Final = ".fifo"
# A name that leads to this machine from everywhere, as all names below it do.
LOCALSTACK: Final = "localhost.localstack.cloud"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_REGIONAL_HOST: Final = re.compile(r"(?:sqs|queue)\.([a-z]{2}(?:-[a-z]+)+-\d)\.|([a-z]{2}(?:-[a-z]+)+-\d)\.queue\.")


def check_name(name: str, *, fifo: bool) -> None:
    """Refuse a name that no queue may have."""
    bare = name.removesuffix(FIFO_SUFFIX) if fifo else name
    if not _NAME.fullmatch(bare) or len(name) > 80:
        msg = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        if name.endswith(FIFO_SUFFIX) and not fifo:
            msg = "The queue name can't end in .fifo unless the attribute FifoQueue is true."
        raise invalid(msg)


@lru_cache(maxsize=4096)
def name_from_url(url: str, region: str) -> Name:
    """Return the queue that a URL names: any host, `…/account/name`, a region in the host or the path counts."""
    invalid_address = AwsError("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise invalid_address from None
    path = unquote(parts.path).strip("/").split("/")
    if match := _REGIONAL_HOST.match(parts.netloc):
        region = match[1] or match[2]
    if len(path) == 4 and path[0] == "queue":
        region, path = path[1], path[2:]
    if not parts.scheme or len(path) != 2 or not all(path):
        raise invalid_address
    return scope_key(path[0], region), path[1]


def queue_url(call: Call, scope: str, name: str, style: str = "dynamic") -> str:
    """Return a queue's URL: on the host that the caller used, or in one of LocalStack's styles.

    (https://docs.localstack.cloud/user-guide/aws/sqs/#queue-urls)
    """
    _realm, account, region = scope.split("/")
    scheme, _, host = call.origin.partition("://")
    if style == "dynamic":
        return f"{call.origin}/{account}/{name}"
    if style == "path":
        return f"{call.origin}/queue/{region}/{account}/{name}"
    _name, colon, port = host.rpartition(":")
    place = f"{LOCALSTACK}{colon}{port}" if colon else LOCALSTACK
    label = f"sqs.{region}" if style == "standard" else f"{region}.queue"
    return f"{scheme}://{label}.{place}/{account}/{name}"


def queue_arn(queue: Queue) -> str:
    """Return a queue's ARN."""
    _realm, account, region = queue.scope.split("/")
    return str(Arn("aws", "sqs", region, account, queue.name))


def scope_arn(scope: str, name: str) -> str:
    """Return the ARN of a queue by its scope and name."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "sqs", region, account, name))
