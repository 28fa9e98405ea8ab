"""Copying collections from one service to another, a page at a time.

A copy has no state: it goes on behind any page, and what is copied again is replaced by the same.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.connectors.tables.model import NoTableError, TableError
from fogbank.engines.documents.portable.fitting import Fitted, fit
from fogbank.engines.documents.portable.keys import UnplacedError, identity, place

if TYPE_CHECKING:
    from fogbank.connectors.tables.model import Row, Table
    from fogbank.engines.documents.portable.fitting import Note
    from fogbank.engines.documents.portable.keys import KeyForm

# Documents that are written at once, so that they share a commit.
WRITES_AT_ONCE: Final = 50


class Change(NamedTuple):
    """A kind of change that documents needed: how many values, in how many documents, and where the first was."""

    kind: str
    how: str
    values: int
    documents: int
    example: str


class Skipped(NamedTuple):
    """A document that wasn't copied, by its key, and why."""

    key: str
    reason: str


class Copied(NamedTuple):
    """What became of a page; `follows` is where the next begins, "" after the last."""

    documents: int
    changes: list[Change]
    skipped: list[Skipped]
    follows: str


async def copy_page(source: Table, target: Table, after: str, limit: int) -> Copied:
    """Copy up to `limit` documents from behind where another page ended; raises `TableError`."""
    if source.name == target.name:
        raise TableError("A collection can't be copied into itself.")
    from_form, to_form = await source.form(), await target.form()
    page = await source.browse(after, limit)
    tally = _Tally()
    for first in range(0, len(page.rows), WRITES_AT_ONCE):
        rows = page.rows[first : first + WRITES_AT_ONCE]
        outcomes = await asyncio.gather(*(_copy(row, source, target, from_form, to_form) for row in rows))
        for row, outcome in zip(rows, outcomes, strict=True):
            tally.add(identity(row.key, from_form), outcome)
    return Copied(tally.documents, tally.changes(), tally.skipped, page.follows)


async def _copy(row: Row, source: Table, target: Table, from_form: KeyForm, to_form: KeyForm) -> list[Note] | str:
    """Copy a document; returns what had to be changed, or why it is skipped."""
    fields = row.fields
    if from_form.outside:
        fields = {name: value for name, value in fields.items() if name != from_form.identity.path[0]}
    try:
        # What one collection of a service has, another can have.
        alike = source.abilities == target.abilities
        fitted = Fitted(fields, []) if alike else fit(fields, target.abilities)
        placed, notes = place(fitted.fields, row.key, from_form, to_form)
        await target.put(placed)
    except NoTableError:
        raise
    except (UnplacedError, TableError) as error:
        return str(error)
    return fitted.notes + notes


class _Tally:
    """What became of documents, counted."""

    def __init__(self) -> None:
        self.documents = 0
        self.skipped: list[Skipped] = []
        self._values: Counter[tuple[str, str]] = Counter()
        self._documents: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], str] = {}

    def add(self, key: str, outcome: list[Note] | str) -> None:
        if isinstance(outcome, str):
            self.skipped.append(Skipped(key, outcome))
            return
        self.documents += 1
        for note in outcome:
            self._values[note.kind, note.how] += 1
            self._examples.setdefault((note.kind, note.how), f"{note.path} of {key}")
        self._documents.update({(note.kind, note.how) for note in outcome})

    def changes(self) -> list[Change]:
        return [
            Change(*change, values, self._documents[change], self._examples[change])
            for change, values in self._values.items()
        ]
