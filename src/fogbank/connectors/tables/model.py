"""What every cloud's collections of documents can be asked for, and how their names are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from fogbank.engines.documents.portable.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from fogbank.engines.documents.portable.fitting import Abilities
    from fogbank.engines.documents.portable.keys import KeyForm, Parts
    from fogbank.engines.documents.portable.values import Fields

    Reader: TypeAlias = Callable[[str], "Table | None"]
    """Reads the names of one cloud's collections; None for what isn't one."""

# A page ends with the document that brings it to so many bytes.
PAGE_BYTES_MAX: Final = 1_048_576


class TableError(Exception):
    """A cloud refuses what it is asked for, in plain words; `status` is one of HTTP."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class NoTableError(TableError):
    """There is no such collection."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no {name}.", 404)


class Row(NamedTuple):
    """A document and the parts of its key."""

    key: Parts
    fields: Fields


class Page(NamedTuple):
    """Documents in the collection's order, and where the next page begins; "" if there is none."""

    rows: list[Row]
    follows: str


class Table(Protocol):
    """A collection of a cloud. Everything raises `TableError`."""

    @property
    def name(self) -> str:
        """The name that it is known by; the same for each way to write it."""

    @property
    def abilities(self) -> Abilities:
        """What its documents may hold."""

    async def form(self) -> KeyForm:
        """Return what keys are made of."""

    async def browse(self, after: str, limit: int) -> Page:
        """Return a page of all documents, from behind where another ended."""

    async def query(self, partition: str, prefix: str, after: str, limit: int) -> Page:
        """Return a page of one partition; of documents whose sort keys begin with `prefix`, unless that is empty."""

    async def put(self, fields: Fields) -> Parts:
        """Create or replace a document, by the checks of the cloud's own API; returns its key."""


class Tables:
    """Reads names, each in its own cloud's form."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = readers

    def read(self, name: str) -> Table:
        """Return what a name names, whether it is there or not; raises `TableError`."""
        for reader in self._readers:
            found = reader(name)
            if found is not None:
                return found
        raise TableError(
            f"{name!r} names no table, collection or container: it has to be the name or ARN of a DynamoDB table, a"
            " path such as projects/P/databases/(default)/documents/users, a Cosmos DB container, as"
            " cosmos:ACCOUNT/DATABASE/CONTAINER or by its resource ID, or a storage account's table, as"
            " tables:ACCOUNT/TABLE."
        )


def check_fits(fields: Fields, abilities: Abilities, service: str) -> None:
    """Raise `TableError` for a document with values that a service can't keep."""
    notes = fit(fields, abilities).notes
    if notes:
        raise TableError(f"{service} can't keep what is at {notes[0].path}: it is a {notes[0].kind}.")
