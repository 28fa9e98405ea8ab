"""Names of Cloud Logging's resources, and where they are in the store.

Google Cloud, "LogEntry" (https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry): a log is
`projects/ID/logs/LOG`, or one of an organization, a folder or a billing account; `LOG` is encoded as in a URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote

from fogbank.clouds.gcp.locations import PROJECT_ID
from fogbank.clouds.gcp.refusals import invalid, not_found

if TYPE_CHECKING:
    from fogbank.engines.telemetry.model import Name

PROJECTS: Final = "projects"
LOG_ID_CHARS_MAX: Final = 511
RESOURCES_MAX: Final = 100
DEFAULT_BUCKET: Final = "_Default"
REQUIRED_BUCKET: Final = "_Required"
BUCKETS: Final = (DEFAULT_BUCKET, REQUIRED_BUCKET)
# Google Cloud, "Log buckets": what goes to the bucket that nobody can change; everything else to the other.
REQUIRED_LOGS: Final = (
    "cloudaudit.googleapis.com/activity", "externalaudit.googleapis.com/activity",
    "cloudaudit.googleapis.com/system_event", "externalaudit.googleapis.com/system_event",
    "cloudaudit.googleapis.com/access_transparency", "externalaudit.googleapis.com/access_transparency",
)  # fmt: skip
DATA_ACCESS: Final = "cloudaudit.googleapis.com/data_access"
# The view that doesn't show who has read what.
DISCREET: Final = "_Default"
VIEWS: Final = {DEFAULT_BUCKET: ("_AllLogs", "_Default"), REQUIRED_BUCKET: ("_AllLogs",)}
LOCATION: Final = "global"
_KINDS: Final = (PROJECTS, "organizations", "folders", "billingAccounts")
_LOG_NAME: Final = re.compile(r"/?([a-zA-Z]+)/([^/]+)/logs/([^/]+)")
_RESOURCE: Final = re.compile(r"([a-zA-Z]+)/([^/]+)(?:/locations/([^/]+)/buckets/([^/]+)/views/([^/]+))?")
_ILLEGAL: Final = re.compile(r"[^a-zA-Z0-9/_.-]")
# Google Cloud, "Resource hierarchy": numbers, and letters of billing accounts.
_ID: Final = re.compile(r"[a-zA-Z0-9-]{1,63}")


class Holder(NamedTuple):
    """What has logs: a project, an organization, a folder or a billing account."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"

    @property
    def scope(self) -> str:
        """The scope of its buckets in the store."""
        return f"gcp/{self.id}/" if self.kind == PROJECTS else f"gcp/{self.kind}:{self.id}/"

    def group(self, log_id: str) -> Name:
        """Return where a log is in the store: the bucket that takes its entries."""
        return self.scope, REQUIRED_BUCKET if log_id in REQUIRED_LOGS else DEFAULT_BUCKET

    def log_name(self, log_id: str) -> str:
        """Return the full name of one of its logs."""
        return f"{self.kind}/{self.id}/logs/{quote(log_id, safe='')}"


class Place(NamedTuple):
    """Where entries are looked for: all buckets of a holder, or one of them."""

    holder: Holder
    buckets: tuple[str, ...] = BUCKETS
    discreet: bool = False

    @property
    def groups(self) -> list[Name]:
        """Where that is in the store."""
        return [(self.holder.scope, bucket) for bucket in self.buckets]


def read_holder(text: str, field: str) -> Holder:
    """Read what has logs; raises `GrpcError`."""
    kind, _, identifier = text.partition("/")
    return _holder(kind, identifier, text, field)


def read_log_name(text: str, field: str) -> tuple[Holder, str]:
    """Read a log's full name; returns its holder and its id. Raises `GrpcError`."""
    match = _LOG_NAME.fullmatch(text)
    if match is None:
        raise invalid(
            field, f'Name "{text}" is missing the parent component. Expected the form projects/[PROJECT_ID]/logs/[ID]'
        )
    log_id = unquote(match[3])
    illegal = _ILLEGAL.search(log_id)
    if illegal is not None:
        raise invalid(field, f"Log name contains illegal character {illegal[0]}")
    if len(log_id) > LOG_ID_CHARS_MAX:
        raise invalid(field, f"Log name is longer than {LOG_ID_CHARS_MAX} characters")
    return _holder(match[1], match[2], text, field), log_id


def read_place(text: str, field: str) -> Place:
    """Read where entries are to be looked for: a holder, or a view of one of its buckets. Raises `GrpcError`."""
    match = _RESOURCE.fullmatch(text)
    if match is None:
        raise _misshapen(text, field)
    kind, identifier, location, bucket, view = match.groups()
    holder = _holder(kind, identifier, text, field)
    if bucket is None:
        return Place(holder)
    if location != LOCATION or view not in VIEWS.get(bucket, ()):
        raise not_found(text)
    return Place(holder, (bucket,), discreet=view == DISCREET)


def read_places(texts: list[str]) -> list[Place]:
    """Read where entries are to be looked for; raises `GrpcError`."""
    if not texts:
        raise invalid("resource_names", "At least one resource name must be specified.")
    if len(texts) > RESOURCES_MAX:
        raise invalid("resource_names", f"At most {RESOURCES_MAX} resource names may be specified, not {len(texts)}.")
    return list(dict.fromkeys(read_place(text, "resource_names") for text in texts))


def _holder(kind: str, identifier: str, text: str, field: str) -> Holder:
    pattern = PROJECT_ID if kind == PROJECTS else _ID
    if kind not in _KINDS or not pattern.fullmatch(identifier):
        raise _misshapen(text, field)
    return Holder(kind, identifier)


def _misshapen(text: str, field: str) -> Exception:
    return invalid(field, f'Name "{text}" is not of a supported form. Expected the form projects/[PROJECT_ID]')
