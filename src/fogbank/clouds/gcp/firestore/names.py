"""Names of Firestore's resources: databases, documents at paths, collections in documents.

Google Cloud, "Usage and limits" (https://cloud.google.com/firestore/quotas): ids of collections and documents have at
most 1,500 bytes, aren't `.` or `..`, and don't match `__.*__`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from fogbank.engines.documents.model import Key
from fogbank.engines.documents.ordered import encode_path
from fogbank.wire.grpc.status import Code, GrpcError

ID_BYTES_MAX: Final = 1_500
SEGMENTS_MAX: Final = 200
PATH_BYTES_MAX: Final = 6 * 1_024
_DATABASE: Final = re.compile(r"projects/([^/]+)/databases/([^/]+)")
_INSIDE: Final = re.compile(r"projects/([^/]+)/databases/([^/]+)/documents(?:/(.*))?", re.DOTALL)


class Database(NamedTuple):
    """A database, and where it is in the store: a collection's scope and name."""

    scope: str
    id: str

    @property
    def project(self) -> str:
        """The project that it belongs to."""
        return self.scope.split("/")[1]

    @property
    def name(self) -> str:
        """The full name."""
        return f"projects/{self.project}/databases/{self.id}"

    @property
    def root(self) -> str:
        """What the names of its documents begin with."""
        return f"projects/{self.project}/databases/{self.id}/documents"


class Place(NamedTuple):
    """What is in a database: the root, a collection or a document, by the segments of its path."""

    database: Database
    segments: tuple[str, ...]

    @property
    def relative(self) -> str:
        """The path within the database."""
        return "/".join(self.segments)

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.database.root}/{self.relative}" if self.segments else self.database.root


class Named(NamedTuple):
    """A document by its name, and where it is in the store."""

    database: Database
    relative: str
    key: Key

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.database.root}/{self.relative}"


@lru_cache(maxsize=256)
def read_database(name: str) -> Database:
    """Read the name of a database; raises `GrpcError`."""
    match = _DATABASE.fullmatch(name)
    if match is None:
        raise _invalid(f'Database name "{name}" is not of the form projects/PROJECT/databases/DATABASE.')
    return _database(*match.groups())


def _database(project: str, database: str) -> Database:
    return Database(scope_of(project), database)


def scope_of(project: str) -> str:
    """Return the scope of a project's databases."""
    return f"gcp/{project}/firestore"


@lru_cache(maxsize=4096)
def read_place(name: str) -> Place:
    """Read the name of a database's root, of a collection or of a document; raises `GrpcError`."""
    match = _INSIDE.fullmatch(name)
    if match is None:
        for index, (given, wanted) in enumerate(
            zip(name.split("/") + [""] * 5, ("projects", None, "databases", None, "documents"), strict=False)
        ):
            if wanted is not None and given != wanted:
                raise _invalid(f'Document name "{name}" lacks "{wanted}" at index {index * 1}.')
        raise _invalid(f'Document name "{name}" is invalid.')
    project, database, path = match.groups()
    segments = tuple(path.split("/")) if path else ()
    for each in segments:
        _check_id(each, name)
    if len(segments) > SEGMENTS_MAX or (path and len(path.encode()) > PATH_BYTES_MAX):
        raise _invalid(f'Document name "{name[:200]}" has a path that is too long.')
    return Place(_database(project, database), segments)


@lru_cache(maxsize=8192)
def read_document(name: str) -> Named:
    """Read the name of a document; raises `GrpcError`."""
    place = read_place(name)
    if not place.segments or len(place.segments) % 2:
        raise _invalid(f'Document name "{name}" has invalid trailing segment.' if place.segments else
                       f'Document name "{name}" lacks a document.')  # fmt: skip
    return named(place.database, place.segments)


def read_parent(name: str) -> Place:
    """Read what collections are in: a document, or a database's root; raises `GrpcError`."""
    place = read_place(name)
    if len(place.segments) % 2:
        raise _invalid(f'Document parent name "{name}" is not a document or the root of a database.')
    return place


def named(database: Database, segments: tuple[str, ...]) -> Named:
    """Return the document of a path."""
    return Named(database, "/".join(segments), Key(encode_path(segments[:-1]), segments[-1].encode()))


def check_collection(name: str) -> str:
    """Return a collection's id; raises `GrpcError` for what is none."""
    return _checked(name, "Collection")


def check_document_id(name: str) -> str:
    """Return a document's id; raises `GrpcError` for what is none."""
    return _checked(name, "Document")


def _checked(name: str, kind: str) -> str:
    if not name:
        raise _invalid(f"{kind} id is empty.")
    if "/" in name:
        # As users quote it: https://github.com/mobizt/Firebase-ESP-Client/issues/198.
        raise _invalid(f'Resource id "{name}" is invalid because it contains "/".')
    _check_id(name, name)
    return name


def _check_id(segment: str, name: str) -> None:
    if not segment:
        raise _invalid(f'Document name "{name}" has an empty segment.')
    if segment in {".", ".."}:
        raise _invalid(f'Document name "{name}" has the segment "{segment}", which is not allowed.')
    if len(segment) > 3 and segment.startswith("__") and segment.endswith("__"):
        raise _invalid(f'Resource id "{segment}" is invalid because it is reserved.')
    if len(segment) * 3 > ID_BYTES_MAX and len(segment.encode()) > ID_BYTES_MAX:
        raise _invalid(f"The key path element name is longer than {ID_BYTES_MAX} bytes.")


def _invalid(message: str) -> GrpcError:
    return GrpcError(Code.INVALID_ARGUMENT, message)
