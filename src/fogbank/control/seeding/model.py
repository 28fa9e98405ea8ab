"""The seed: resources that `fogbank.toml` declares, in tables `[[seed.KIND]]`, each with a `cloud` (`aws` if none)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT
from fogbank.clouds.gcp.access_tokens import DEFAULT_PROJECT
from fogbank.control.seeding import SeedError

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
RECEIVES_MAX: Final = 3
KeyType: TypeAlias = Literal["S", "N", "B"]
Plain: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any]


class _Aws(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What all of AWS have: a name, an account and a region."""

    name: str
    cloud: Literal["aws"] = "aws"
    account: str = ACCOUNT
    region: str = REGION


class AwsQueue(_Aws):
    """A queue of SQS; `attributes` are those of its API. `dead_letter` is the name of another queue."""

    attributes: dict[str, str | int | bool] = {}
    dead_letter: str = ""
    receives_max: int = RECEIVES_MAX
    tags: dict[str, str] = {}


class AwsTopic(_Aws):
    """A topic of SNS; `attributes` are those of its API."""

    attributes: dict[str, str | int | bool | dict[str, Any]] = {}
    tags: dict[str, str] = {}


class AwsSubscription(_Aws):
    """A subscription of SNS, of the topic `name`; `endpoint` may be the mere name of a queue or a function."""

    protocol: str
    endpoint: str
    attributes: dict[str, str | int | bool | dict[str, Any]] = {}


class AwsKey(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a table's key."""

    name: str
    type: KeyType = "S"


class AwsTable(_Aws):
    """A table of DynamoDB; what `items` have no key for yet is put in."""

    hash: AwsKey
    range: AwsKey | None = None
    items: list[dict[str, Plain]] = []


class AwsFunction(_Aws):
    """A function of Lambda; `path` is a folder or an archive, beside the file. Its code is brought up to date."""

    runtime: str
    handler: str
    path: str
    timeout_seconds: int = 3
    memory_mib: int = 128
    environment: dict[str, str] = {}
    role: str = f"arn:aws:iam::{ACCOUNT}:role/seed"


class _Gcp(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What all of Google's have: a project."""

    cloud: Literal["gcp"]
    project: str = DEFAULT_PROJECT


class GcpTopic(_Gcp):
    """A topic of Pub/Sub."""

    name: str
    labels: dict[str, str] = {}


class GcpSubscription(_Gcp):
    """A subscription of Pub/Sub."""

    name: str
    topic: str
    ack_deadline_seconds: int = 10
    ordered: bool = False
    filter: str = ""
    push_endpoint: str = ""
    labels: dict[str, str] = {}


class GcpDocument(_Gcp):
    """A document of Firestore: `path` has collections and ids in turn. One that is there stays as it is."""

    path: str
    fields: dict[str, Any]
    database: str = "(default)"


class AzureQueue(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A queue of Azure Storage."""

    cloud: Literal["azure"]
    name: str
    account: str = DEVELOPMENT


class AzureTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of Azure Storage."""

    cloud: Literal["azure"]
    name: str
    account: str = DEVELOPMENT


class AzureDatabase(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A database of Cosmos DB, in an account that there is; `localhost` always is."""

    cloud: Literal["azure"]
    name: str
    account: str = "localhost"


class AzureContainer(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A container of Cosmos DB; its database is made where there is none."""

    cloud: Literal["azure"]
    name: str
    database: str
    partition_key: str
    account: str = "localhost"


Resource: TypeAlias = (
    AwsQueue | AwsTopic | AwsSubscription | AwsTable | AwsFunction
    | GcpTopic | GcpSubscription | GcpDocument | AzureQueue | AzureTable | AzureDatabase | AzureContainer
)  # fmt: skip
# Kinds in the order in which they are made: what others stand on comes first.
KINDS: Final[dict[str, dict[str, type[Resource]]]] = {
    "queue": {"aws": AwsQueue, "azure": AzureQueue},
    "topic": {"aws": AwsTopic, "gcp": GcpTopic},
    "table": {"aws": AwsTable, "azure": AzureTable},
    "database": {"azure": AzureDatabase},
    "container": {"azure": AzureContainer},
    "function": {"aws": AwsFunction},
    "subscription": {"aws": AwsSubscription, "gcp": GcpSubscription},
    "document": {"gcp": GcpDocument},
}


class Seed(msgspec.Struct):
    """The resources, in the order in which they are made, and the folder that paths start from."""

    folder: Path
    resources: list[tuple[str, Resource]] = []


def load_seed(folder: Path | None = None) -> Seed:
    """Read the seed of `fogbank.toml` in a folder, which needn't have one; raises `SeedError`."""
    folder = folder or Path.cwd()
    path = folder / "fogbank.toml"
    try:
        declared = tomllib.loads(path.read_text()).get("seed", {}) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SeedError(f"{path}: {error}") from None
    if not isinstance(declared, dict) or not all(isinstance(each, list) for each in declared.values()):
        raise SeedError(f"{path}: a seed has tables such as [[seed.queue]].")
    unknown = declared.keys() - KINDS.keys()
    if unknown:
        raise SeedError(f"{path}: there is no [[seed.{min(unknown)}]]; there are {', '.join(KINDS)}.")
    seed = Seed(folder)
    for kind in KINDS:
        for number, fields in enumerate(declared.get(kind, ()), 1):
            seed.resources.append((kind, _read(f"{path}: [[seed.{kind}]], number {number}", kind, fields)))
    return seed


def _read(place: str, kind: str, fields: Any) -> Resource:
    clouds = KINDS[kind]
    cloud = fields.get("cloud", "aws") if isinstance(fields, dict) else ""
    if cloud not in clouds:
        raise SeedError(f"{place}: cloud must be {' or '.join(clouds)}, not {cloud!r}.")
    try:
        return msgspec.convert(fields, clouds[cloud])
    except msgspec.ValidationError as error:
        raise SeedError(f"{place}: {error}.") from None
