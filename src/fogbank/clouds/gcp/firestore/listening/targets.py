"""What a client listens to: a query, or documents by their names.

A target knows which documents it has told of. A change is held against it (`take`); where that isn't enough, because
the query has a limit or all documents went away at once, it is to be loaded again (`stale`) and told what differs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore.listening.answers import document_change, document_delete, document_remove
from fogbank.clouds.gcp.firestore.names import read_document, read_parent
from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
from fogbank.clouds.gcp.firestore.querying.plans import Query, read_query
from fogbank.clouds.gcp.firestore.querying.running import find_results
from fogbank.clouds.gcp.firestore.reading import read_each
from fogbank.clouds.gcp.firestore.rendering import document_bytes
from fogbank.clouds.gcp.firestore.rules.guarding import check_list
from fogbank.clouds.gcp.firestore.service import invalid
from fogbank.clouds.gcp.firestore.shape import feed_of, path_of
from fogbank.clouds.gcp.refusals import unsupported
from fogbank.engines.documents import history
from fogbank.storage import change_feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.gcp.firestore.names import Database, Named
    from fogbank.clouds.gcp.firestore.rules.guarding import Guard
    from fogbank.engines.documents.history import Told
    from fogbank.engines.documents.model import Document
    from fogbank.storage import Tx
    from fogbank.wire.grpc.encoded import Encoded

DOCUMENTS_MAX: Final = 1_000


class Seen:
    """A change that many targets look at: what they ask of it is worked out once."""

    __slots__ = ("_rendered", "after", "name", "path", "seq", "version")

    def __init__(self, database: Database, told: Told) -> None:
        change = told.change
        after = history.after(change)
        latest = after or history.before(change)
        assert latest is not None
        self.seq = told.seq
        self.version = change.version
        self.path = path_of(latest)
        self.name = f"{database.root}/{self.path}"
        self.after = None if after is None else Candidate(database.root, after)
        self._rendered: bytes | None = None

    def rendered(self, database: Database) -> bytes:
        """Return the document as clients see it."""
        assert self.after is not None
        if self._rendered is None:
            self._rendered = document_bytes(database, self.after.document)
        return self._rendered


class Loaded(NamedTuple):
    """The documents of a target at a time; `seq` is an entry of the feed that it has everything up to."""

    seq: int
    read_time_us: int
    documents: list[Document]


class Target:
    """One target of a stream: either `query` or `wanted`."""

    def __init__(
        self, number: int, database: Database, query: Query | None, wanted: Sequence[Named], structured: Any = None
    ) -> None:
        self.id = number
        self.database = database
        self.query = query
        self.wanted = wanted
        self.once = False
        # What refuses a client what the rules don't allow it; the query as it came, for that.
        self.guard: Guard | None = None
        self._structured = structured
        self.stale = True
        self._renewed = False
        # By path: the version of what was told of last.
        self.told: dict[str, int] = {}
        self._seq = 0
        self._early: list[Seen] = []

    @property
    def is_whole(self) -> bool:
        """Whether a change can be held against it alone."""
        if self.query is None:
            # Whether a client may see a document may depend on what that says now.
            return self.guard is None
        return self.query.limit is None and not self.query.offset

    def renew(self) -> None:
        """Have it loaded again, also if that is going on just now."""
        self.stale = self._renewed = True

    def begin_loading(self) -> None:
        """Take note that what is read from now on is what is to be."""
        self._renewed = False

    def take(self, seen: Seen) -> list[Encoded]:
        """Return what is to be told of a change."""
        if self.stale:
            self._early.append(seen)
            return []
        if seen.seq <= self._seq:
            return []
        was_told = seen.path in self.told
        fits = seen.after is not None and self._fits(seen.after)
        if not fits and not was_told:
            return []
        if not self.is_whole:
            self.stale = True
            return []
        if fits:
            self.told[seen.path] = seen.version
            return [document_change(self._render(seen), self.id)]
        del self.told[seen.path]
        if seen.after is None:
            return [document_delete(seen.name, self.id, seen.version)]
        return [document_remove(seen.name, self.id, seen.version)]

    def _fits(self, candidate: Candidate) -> bool:
        # Who hands over changes knows the paths that are wanted.
        return self.query is None or (self.query.holds(candidate.path) and self.query.fits(candidate))

    def _render(self, seen: Seen) -> bytes:
        assert seen.after is not None
        if self.query is not None and self.query.select is not None:
            return document_bytes(self.database, seen.after.document, self.query.select)
        return seen.rendered(self.database)

    async def load(self, tx: Tx, now_us: int, at_us: int | None) -> Loaded:
        """Return its documents, as they are or as they were: a store operation."""
        seq = await change_feed.last(tx, now_us, feed_of(self.database))
        if self.query is not None:
            check = None if self.guard is None else partial(check_list, self.guard, self.query, self._structured)
            results = await find_results(tx, now_us, self.query, at_us, None, check)
            return Loaded(seq, results.read_time_us, [each.document for each in results.found])
        read_time_us, found = await read_each(tx, now_us, self.database, self.wanted, at_us, self.guard)
        return Loaded(seq, read_time_us, [each for each in found if each is not None])

    def go_on_from(self, loaded: Loaded) -> None:
        """Take note of what the client knows from earlier."""
        self.told = {path_of(each): each.version for each in loaded.documents}

    def compare(self, loaded: Loaded, *, first: bool) -> list[Encoded]:
        """Return what differs from what was told, and what has happened since the documents were read."""
        now = {path_of(each): each for each in loaded.documents}
        answers = [
            document_remove(f"{self.database.root}/{path}", self.id, loaded.read_time_us)
            for path in self.told.keys() - now.keys()
        ]
        select = None if self.query is None else self.query.select
        for path, document in now.items():
            if self.told.get(path) != document.version:
                answers.append(document_change(document_bytes(self.database, document, select), self.id))
        if first:
            gone = [each for each in self.wanted if each.relative not in now]
            answers += [document_delete(each.name, self.id, loaded.read_time_us) for each in gone]
        self.told = {path: document.version for path, document in now.items()}
        self._seq = loaded.seq
        self.stale = self._renewed
        early, self._early = self._early, []
        for seen in early:
            answers += self.take(seen)
        return answers


def read_target(database: Database, number: int, message: Any) -> Target:
    """Understand a target; raises `GrpcError`."""
    kind = message.WhichOneof("target_type")
    if kind == "documents":
        wanted = [read_document(name) for name in dict.fromkeys(message.documents.documents)]
        if not 0 < len(wanted) <= DOCUMENTS_MAX:
            raise invalid(f"A target has 1 to {DOCUMENTS_MAX} documents.")
        if any(each.database != database for each in wanted):
            raise invalid("All documents must be of the request's database.")
        target = Target(number, database, None, wanted)
    elif kind == "query":
        if not message.query.HasField("structured_query"):
            raise invalid("A query target has a structured_query.")
        query = read_query(read_parent(message.query.parent), message.query.structured_query)
        if query.nearest is not None:
            raise unsupported("find_nearest of queries that are listened to")
        if query.database != database:
            raise invalid("The query's parent must be in the request's database.")
        target = Target(number, database, query, (), message.query.structured_query)
    else:
        raise invalid("A target has a query or documents.")
    target.once = message.once
    return target
