"""The settings of one server: flags win over the environment, that over fogbank.toml, that over the defaults."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fogbank.settings.localstack import VariableError, read_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 4566
DEFAULT_FOLDER: Final = Path(".fogbank")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SANDBOXES: Final = ("auto", "strict", "process")
CHOICES: Final = {
    "sandbox": SANDBOXES,
    "log": ("debug", "info", "warning", "error", "critical"),
    "queue_urls": ("dynamic", "standard", "domain", "path"),
}
PREFIX: Final = "FOGBANK_"
# Of fogbank.toml; the second is read by whoever makes the seed.
TABLES: Final = frozenset({"server", "seed"})
PORTS: Final = ("port", "tls_port")
PORT_MAX: Final = 65_535
_ADDRESS: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")


class SettingsError(Exception):
    """A setting that can't be: names the setting and what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with.

    `data` is the folder that keeps everything, unless `memory` or `database` (a `postgresql://` URL) takes its
    place. `insecure` allows an address that others can reach, where nobody's credentials are checked. `shared` is
    a folder that all functions see in the same place and may write into. `sandbox` is `auto`, `strict` to start only
    where functions can be isolated from the machine, or `process` for processes that are not isolated. `strict`
    refuses what clouds refuse for their own reasons only, such as the name of a queue that was just deleted, or more
    than a table is provisioned for. `smtp` is the host and port of a mail server that e-mails are sent on to; without
    one they stay in the outbox. With `alias_ports` the server also listens where clients look for emulators of single
    services. `tls_port` carries the
    same over TLS; by default it is the port after `port`. `ca` is the folder of the certificate authority, which is in
    the user's configuration unless it is given. `import_from` is a file of a server's state that takes the place of all
    that there is, before anything is answered; `export_on_exit` one that is written when the server ends. If both are
    one file, it needn't be there at first. `log` is the level from which on the server logs. `queue_urls` is how SQS
    writes the URLs of queues: `dynamic` on the host that the caller used, or `standard`, `domain` or `path` as
    LocalStack has them. `services` are those that somebody counts on, by LocalStack's names; `notes` are what is to be
    said of LocalStack's variables.
    With `firestore_index_check` Firestore refuses a query for which Google would need an index that isn't defined.
    `firestore_rules` is a file of security rules, for Firestore databases that have none of their own.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    data: Path = DEFAULT_FOLDER
    memory: bool = False
    database: str | None = None
    insecure: bool = False
    shared: Path | None = None
    sandbox: str = "auto"
    strict: bool = False
    smtp: str | None = None
    alias_ports: bool = False
    tls_port: int | None = None
    ca: Path | None = None
    firestore_index_check: bool = False
    firestore_rules: Path | None = None
    import_from: Path | None = None
    export_on_exit: Path | None = None
    log: str = "warning"
    queue_urls: str = "dynamic"
    services: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in PORTS:
            port = getattr(self, name)
            if port is not None and not 0 <= port <= PORT_MAX:
                msg = f"{name} must be 0 to {PORT_MAX}, not {port}"
                raise SettingsError(msg)
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                msg = f"{name} must be {' or '.join(allowed)}, not {getattr(self, name)}"
                raise SettingsError(msg)
        if self.smtp is not None and not _ADDRESS.fullmatch(self.smtp):
            msg = f"smtp must be HOST:PORT, not {self.smtp}"
            raise SettingsError(msg)
        if self.shared is not None and not self.shared.is_dir():
            msg = f"shared must be a folder, and {self.shared} is none"
            raise SettingsError(msg)
        if self.memory and self.database is not None:
            msg = "memory and database exclude each other"
            raise SettingsError(msg)
        if self.database is not None and not self.database.startswith(("postgresql://", "postgres://")):
            msg = "database must be a URL that begins with postgresql://"
            raise SettingsError(msg)
        if self.host not in LOOPBACK and not self.insecure:
            msg = (
                f"host {self.host} can be reached by others and credentials are not verified;"
                " --insecure allows it all the same"
            )
            raise SettingsError(msg)

    @property
    def exposed(self) -> bool:
        """Whether others can reach the server."""
        return self.host not in LOOPBACK

    @property
    def goes_on(self) -> bool:
        """Whether it begins with what it leaves behind."""
        return self.import_from is not None and self.import_from == self.export_on_exit

    @property
    def mail_server(self) -> tuple[str, int] | None:
        """Host and port of the mail server, if one is set."""
        if self.smtp is None:
            return None
        host, _, port = self.smtp.rpartition(":")
        return host.strip("[]"), int(port)


def load_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """Merge the sources; a flag of None was not given. Raises `SettingsError`."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    path = (folder or Path.cwd()) / "fogbank.toml"
    if path.exists():
        values.update(_declared(path))
    names = {field.name for field in fields(Settings)}
    unknown = values.keys() - names
    if unknown:
        msg = f"{path}: unknown setting {min(unknown)} in [server]"
        raise SettingsError(msg)
    own = {name: environment[PREFIX + name.upper()] for name in names if PREFIX + name.upper() in environment}
    own.update({name: value for name, value in flags.items() if value is not None})
    try:
        brought, notes = read_variables(environment)
    except VariableError as error:
        raise SettingsError(str(error)) from None
    if own.keys() & {"data", "database"}:
        # Who says where everything is to be kept wants it kept.
        brought.pop("memory", None)
    values.update({**brought, **own})
    return replace(Settings(notes=tuple(notes)), **{name: _convert(name, value) for name, value in values.items()})


def _declared(path: Path) -> dict[str, Any]:
    """Return what a file has in `[server]`; raises `SettingsError`, also for tables that nothing reads."""
    try:
        tables = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: {error}"
        raise SettingsError(msg) from None
    unknown = tables.keys() - TABLES
    if unknown:
        msg = f"{path}: {min(unknown)} is neither in [server] nor in [[seed.…]], and there is nothing else"
        raise SettingsError(msg)
    declared = tables.get("server", {})
    if not isinstance(declared, dict):
        msg = f"{path}: server must be a table, [server]"
        raise SettingsError(msg)
    return declared


def _convert(name: str, value: Any) -> Any:
    if name in PORTS:
        try:
            return int(value)
        except (TypeError, ValueError):
            msg = f"{name} must be a number, not {value!r}"
            raise SettingsError(msg) from None
    if name in ("memory", "insecure", "strict", "alias_ports", "firestore_index_check"):
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("1", "true", "yes"):
            return True
        if str(value).lower() in ("0", "false", "no", ""):
            return False
        msg = f"{name} must be true or false, not {value!r}"
        raise SettingsError(msg)
    if name == "shared":
        return Path(value).resolve()
    return Path(value) if name in ("data", "ca", "firestore_rules", "import_from", "export_on_exit") else str(value)
