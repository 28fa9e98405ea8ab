"""Function apps: each is one function of the engine, what Azure alone knows of it stands in its labels.

The scope's key is the subscription and the resource group, the function's name the app's, its address the app's name
again, which is unique in all of Azure. All functions here are store operations or free of effects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.engines.functions import functions
from fogbank.engines.functions.entrances import addresses
from fogbank.engines.functions.model import FunctionConfig
from fogbank.kernel.scope import Scope
from fogbank.storage.blobs import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.functions.model import Function, Name
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Tx

CONTRACT: Final = "azure-functions"
REALM: Final = "azure"
# An archive with nothing in it: the code of an app before its first deployment.
EMPTY_ZIP: Final = b"PK\x05\x06" + bytes(18)
EMPTY_DIGEST: Final = digest_of(EMPTY_ZIP)
RUNNING: Final = "Running"
STOPPED: Final = "Stopped"
FOLDER_SETTING: Final = "WEBSITE_RUN_FROM_PACKAGE"
MEMORY_MIB: Final = 1_536
KEY_BYTES: Final = 40
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?", re.IGNORECASE)


class Keys(msgspec.Struct, frozen=True):
    """An app's keys by name: the master key, the host's, the system's, and each function's."""

    master: str
    host: dict[str, str] = {}
    system: dict[str, str] = {}
    functions: dict[str, dict[str, str]] = {}


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function as it was found in the code: `config` is its function.json, `error` what is wrong with it."""

    name: str
    config: dict[str, Any]
    error: str = ""
    disabled: bool = False

    @property
    def bindings(self) -> list[dict[str, Any]]:
        """Its bindings."""
        found: list[dict[str, Any]] = self.config.get("bindings", [])
        return found

    @property
    def trigger(self) -> dict[str, Any]:
        """The binding that sets it off; empty if it has none."""
        return next((each for each in self.bindings if str(each.get("type", "")).lower().endswith("trigger")), {})

    @property
    def active(self) -> bool:
        """Whether it may run."""
        return not self.error and not self.disabled


class QueueSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """How queue triggers take messages ("host.json settings" of Azure Queue storage triggers and bindings).

    So many messages are worked on at once as `batch_size` and `threshold` make together; one that failed is seen again
    after `again_seconds`, or goes to the poison queue after `attempts_max`.
    """

    batch_size: int = 16
    threshold: int = 8
    attempts_max: int = 5
    again_seconds: float = 0
    encoding: str = "base64"


class HostConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """What host.json says, as far as it has consequences; `error` is why it can't be used."""

    route_prefix: str = "api"
    timeout_seconds: int = 300
    content: dict[str, Any] = {}
    error: str = ""
    queues: QueueSettings = QueueSettings()


class AppIndex(msgspec.Struct, frozen=True, omit_defaults=True):
    """What functions the code of a revision has; `error` is why none could be found."""

    revision: int
    functions: list[Entry] = []
    error: str = ""


class App(NamedTuple):
    """An app as stored."""

    function: Function
    keys: Keys
    host: HostConfig
    indexed: AppIndex | None

    @property
    def name(self) -> str:
        """The app's name as it was given."""
        return self.function.config.labels["name"]

    @property
    def subscription(self) -> str:
        """The subscription that has it."""
        return self.function.scope.split("/")[1]

    @property
    def running(self) -> bool:
        """Whether it is started."""
        return self.function.config.labels["state"] == RUNNING

    @property
    def current(self) -> AppIndex | None:
        """The index, unless the app was changed since."""
        return self.indexed if self.indexed is not None and self.indexed.revision == self.function.revision else None

    def entry(self, name: str) -> Entry | None:
        """Return a function by its name, in whatever case."""
        entries = self.indexed.functions if self.indexed is not None else []
        return next((entry for entry in entries if entry.name.lower() == name.lower()), None)


_KEYS: Final = msgspec.json.Decoder(Keys)
_HOST: Final = msgspec.json.Decoder(HostConfig)
_INDEX: Final = msgspec.json.Decoder(AppIndex)


def read_app(function: Function) -> App:
    """Return the app that a function of the engine is."""
    labels = function.config.labels
    index = labels.get("index")
    return App(
        function,
        _KEYS.decode(labels["keys"]),
        _HOST.decode(labels["host"]),
        None if index is None else _INDEX.decode(index),
    )


def settings_of(config: FunctionConfig) -> dict[str, str]:
    """Return an app's settings: its own, over those of the folder that has its code."""
    local: dict[str, str] = msgspec.json.decode(config.labels.get("local", "{}"))
    return {**local, **config.environment}


def encode_label(value: msgspec.Struct) -> str:
    """Return a value as the text of a label."""
    return msgspec.json.encode(value).decode()


def is_app_name(name: str) -> bool:
    """Whether an app may be called that ("Naming rules and restrictions for Azure resources", Microsoft.Web)."""
    return _NAME.fullmatch(name) is not None


def key_of(subscription: str, group: str, name: str) -> Name:
    """Return the engine's name of an app."""
    return Scope(REALM, subscription.lower(), group.lower()).key, name.lower()


def address_of(name: str) -> str:
    """Return an app's address."""
    return f"{REALM}/{name.lower()}"


def new_key(ids: Ids) -> str:
    """Return a new key."""
    return f"{ids.token(KEY_BYTES)}=="


def new_config(labels: dict[str, str], tags: dict[str, str], environment: dict[str, str]) -> FunctionConfig:
    """Return the engine's configuration of an app without code."""
    return FunctionConfig(
        contract=CONTRACT,
        runtime="python",
        handler="",
        code=EMPTY_DIGEST,
        code_bytes=len(EMPTY_ZIP),
        memory_mib=MEMORY_MIB,
        timeout_seconds=HostConfig().timeout_seconds,
        environment=environment,
        labels=labels,
        tags=tags,
    )


def with_labels(config: FunctionConfig, **labels: str) -> FunctionConfig:
    """Return a configuration with other labels."""
    return msgspec.structs.replace(config, labels={**config.labels, **labels})


async def create(tx: Tx, now_us: int, name: Name, number: int, config: FunctionConfig) -> Function:
    """Create an app; raises `FunctionExistsError` if anyone has one of that name."""
    await addresses.claim(tx, now_us, address_of(name[1]), name)
    return await functions.create(tx, now_us, name, number, config, EMPTY_ZIP)


async def delete(tx: Tx, now_us: int, name: Name) -> None:
    """Delete an app and let others have its name."""
    await addresses.release(tx, now_us, address_of(name[1]))
    await functions.delete(tx, now_us, name)


async def list_apps(
    tx: Tx, now_us: int, subscription: str, group: str | None, after: Name, limit: int
) -> list[Function]:
    """Return a subscription's apps, or those of one resource group, in order, those that follow `after`."""
    scope = Scope(REALM, subscription.lower(), "" if group is None else group.lower()).key
    if group is not None:
        return await functions.list_functions(tx, now_us, scope, after[1], limit)
    names = await addresses.list_names(tx, now_us, scope, after, limit)
    return [await functions.find(tx, now_us, name) for name in names]


async def change_keys(tx: Tx, now_us: int, name: Name, change: Callable[[Keys], Keys]) -> Keys:
    """Change an app's keys; `change` may raise."""
    changed: list[Keys] = []

    def apply(config: FunctionConfig) -> FunctionConfig:
        keys = change(_KEYS.decode(config.labels["keys"]))
        changed.append(keys)
        return with_labels(config, keys=encode_label(keys))

    await functions.set_facts(tx, now_us, name, apply)
    return changed[-1]
