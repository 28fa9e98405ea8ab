"""One SQL text for two engines.

Statements and migrations are written in PostgreSQL's dialect with `$n` placeholders, within the subset that
SQLite shares once the words below are translated. What can't be said in that subset isn't said.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
_ROW_LOCK: Final = re.compile(r"\s+FOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE)(?:\s+SKIP\s+LOCKED)?\b")
# A table whose rows are small enough to live in its primary key's tree (up to about 1,000 bytes) says so.
_CLUSTERED: Final = re.compile(r"\)\s*/\*\s*clustered\s*\*/")
_TEXT: Final = re.compile(r"\bTEXT\b")
_TYPES: Final = (
    (re.compile(r"\bBYTEA\b"), "BLOB"),
    (re.compile(r"\bBIGINT\b"), "INTEGER"),
    (re.compile(r"\bDOUBLE PRECISION\b"), "REAL"),
    # SQLite's texts sort by their bytes anyway.
    (re.compile(r'\s+COLLATE "C"'), ""),
)


@cache
def for_sqlite(statement: str) -> str:
    """Translate one statement: placeholders, types, and row locks, which a single writer doesn't need."""
    text = _PLACEHOLDER.sub(r"?\1", statement)
    text = _ROW_LOCK.sub("", text)
    text = _CLUSTERED.sub(") WITHOUT ROWID", text)
    for pattern, word in _TYPES:
        text = pattern.sub(word, text)
    return text


def statements(script: str) -> list[str]:
    """Split a migration at the semicolons that end its lines, without comments and blanks.

    Columns of text sort by their bytes, in every database.
    """
    script = _TEXT.sub('TEXT COLLATE "C"', script)
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)) if part.strip()]
