"""Holding requests of web and mobile clients against the rules, within the transactions that read or write.

Whatever a rule looks at is of the same time as what it decides on. Without rules everything is allowed, as with
Google's emulator.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firestore.field_paths import NAME_PATH
from fogbank.clouds.gcp.firestore.names import named
from fogbank.clouds.gcp.firestore.rules import keeping
from fogbank.clouds.gcp.firestore.rules.callers import read_caller
from fogbank.clouds.gcp.firestore.rules.facts import facts_of, root_of, show_document, show_query
from fogbank.clouds.gcp.firestore.transforms import server_time
from fogbank.engines.documents import documents
from fogbank.languages.security_rules.deciding import OPEN, REST, Asked, decide
from fogbank.languages.security_rules.errors import NeedsDocumentError
from fogbank.languages.security_rules.evaluating import Documents
from fogbank.languages.security_rules.rulesets import parse_rules
from fogbank.languages.security_rules.unknown import UNKNOWN, Unknown
from fogbank.languages.security_rules.values import Path, Timestamp
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.clouds.gcp.firestore.names import Database, Named
    from fogbank.clouds.gcp.firestore.querying.plans import Query
    from fogbank.clouds.gcp.firestore.querying.running import Check
    from fogbank.clouds.gcp.firestore.rules.callers import Caller
    from fogbank.clouds.gcp.firestore.service import Firestore
    from fogbank.clouds.gcp.firestore.writing.writes import Planned
    from fogbank.engines.documents.model import Collection, Document, Key
    from fogbank.languages.security_rules.nodes import Ruleset
    from fogbank.languages.security_rules.unknown import Fact
    from fogbank.languages.security_rules.values import Value
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# Documents that the rules of a request look at: for each operation, and for all of a batch or a transaction.
LOOKED_AT_MAX: Final = 10
LOOKED_AT_TOGETHER_MAX: Final = 20
_log = logging.getLogger(__name__)


def guard_of(firestore: Firestore, call: Call, database: Database) -> Guard | None:
    """Return what a client's request is held against; None for a server's, which may do anything."""
    caller = read_caller(call)
    return None if caller is None else Guard(database, caller, firestore.default_rules)


def list_check(firestore: Firestore, call: Call, query: Query, message: Any) -> Check | None:
    """Return what refuses a client's query; None if a server asks."""
    guard = guard_of(firestore, call, query.database)
    return None if guard is None else partial(check_list, guard, query, message)


async def check_list(
    guard: Guard, query: Query, message: Any, tx: Tx, now_us: int, collection: Collection | None
) -> None:
    """Refuse a query that the rules don't allow: part of a store operation."""
    await guard.check_list(tx, now_us, collection, query, message)


class Guard:
    """Refuses what the rules don't allow a client; its methods are parts of store operations, and raise `GrpcError`."""

    def __init__(self, database: Database, caller: Caller, default_rules: str) -> None:
        self._database = database
        self._caller = caller
        self._default_rules = default_rules

    async def check_get(
        self, tx: Tx, now_us: int, collection: Collection | None, read: Sequence[tuple[Named, Document | None]]
    ) -> None:
        """Check that documents may be read one by one."""
        rules = await self._rules(tx, now_us, collection)
        if rules is None:
            return
        looking = _Looking(tx, now_us, self._database, collection, {})
        for wanted, document in read:
            resource = show_document(self._database, document)
            asked = self._asked("get", tuple(wanted.relative.split("/")), now_us, resource)
            await looking.check(rules, asked)

    async def check_list(self, tx: Tx, now_us: int, collection: Collection | None, query: Query, message: Any) -> None:
        """Check that a query finds nothing that may not be read, whatever there is."""
        rules = await self._rules(tx, now_us, collection)
        if rules is None:
            return
        looking = _Looking(tx, now_us, self._database, collection, {})
        for facts in facts_of(message, query):
            resource: dict[str, Value] = {"data": Unknown((), facts), "id": UNKNOWN, "__name__": UNKNOWN}
            last = _known_id(facts)
            if last is not None:
                resource["id"] = last
            deep = (REST,) if query.descendants else ()
            path = (*query.parent.segments, *deep, query.collection or OPEN, OPEN if last is None else last)
            asked = self._asked("list", path, now_us, resource, query=show_query(query))
            await looking.check(rules, asked)

    async def check_nothing_set(self, tx: Tx, now_us: int, collection: Collection | None) -> None:
        """Check that there are no rules: for what only servers may do where there are."""
        if await self._rules(tx, now_us, collection) is not None:
            raise denied("Only servers may do this.")

    async def check_writes(
        self, tx: Tx, now_us: int, collection: Collection, planned: Sequence[Planned], time_us: int
    ) -> None:
        """Check that documents may be written, all of them together."""
        rules = await self._rules(tx, now_us, collection)
        if rules is None:
            return
        states: dict[Key, Document | None] = {}
        steps = []
        for each in planned:
            key = each.wanted.key
            if key not in states:
                states[key] = await documents.get_at(tx, now_us, collection, key)
            before = states[key]
            # Whether the document is as the client supposes is asked later.
            states[key] = each._replace(exists=None, update_time_us=None).change(time_us, before)
            steps.append((each, before, states[key]))
        looking = _Looking(tx, now_us, self._database, collection, states)
        for each, before, after in steps:
            path = tuple(each.wanted.relative.split("/"))
            there, new = show_document(self._database, before), show_document(self._database, after)
            await looking.check(rules, self._asked(_method(each, before), path, time_us, there, resource=new))

    async def _rules(self, tx: Tx, now_us: int, collection: Collection | None) -> Ruleset | None:
        text = await keeping.released_text(tx, now_us, collection)
        if text is None:
            text = self._default_rules
        return parse_rules(text) if text else None

    def _asked(self, method: str, path: tuple[Any, ...], time_us: int, there: Value, **more: Value) -> Asked:
        whole = (*root_of(self._database), *path)
        shown = UNKNOWN if any(not isinstance(each, str) for each in whole) else Path(whole)
        # A field that is set to the server's time is equal to it.
        request = {
            "auth": self._caller.auth,
            "method": method,
            "path": shown,
            "time": Timestamp(server_time(time_us) * 1_000),
        }
        return Asked(method, whole, {**request, **more}, there)


def _method(planned: Planned, before: Document | None) -> str:
    if planned.verify:
        # Who verifies may read.
        return "get"
    if planned.fields is None:
        return "delete"
    is_update = before is not None or planned.exists or planned.update_time_us is not None
    return "update" if is_update else "create"


def _known_id(facts: Sequence[Fact]) -> str | None:
    """Return the only id that documents may have."""
    for each in facts:
        if each.path == NAME_PATH and each.operator in {"==", "in"} and len(each.values) == 1:
            (path,) = each.values
            if isinstance(path, Path):
                return str(path.segments[-1])
    return None


class _Looking:
    """Decides on the operations of one request, and reads what rules look at.

    `states` are documents as they will be.
    """

    def __init__(
        self,
        tx: Tx,
        now_us: int,
        database: Database,
        collection: Collection | None,
        states: Mapping[Key, Document | None],
    ) -> None:
        self._tx = tx
        self._now_us = now_us
        self._database = database
        self._collection = collection
        self._states = states
        self._documents = Documents(LOOKED_AT_MAX, LOOKED_AT_TOGETHER_MAX)

    async def check(self, rules: Ruleset, asked: Asked) -> None:
        """Raise PERMISSION_DENIED for what isn't allowed."""
        self._documents.begin()
        while True:
            told: list[Value] = []
            try:
                decision = decide(rules, asked, self._documents, told.append)
            except NeedsDocumentError as needed:
                found = await self._look(needed.path, after=needed.after)
                self._documents.put(needed.path, found, after=needed.after)
                continue
            for each in told:
                _log.warning("debug() of security rules: %r", each)
            if not decision.allowed:
                raise denied(decision.reason)
            return

    async def _look(self, path: tuple[str, ...], *, after: bool) -> Value:
        root = root_of(self._database)
        relative = path[len(root) :]
        if path[: len(root)] != root or not relative or len(relative) % 2 or self._collection is None:
            return None
        wanted = named(self._database, relative)
        if after and wanted.key in self._states:
            return show_document(self._database, self._states[wanted.key])
        return show_document(
            self._database, await documents.get_at(self._tx, self._now_us, self._collection, wanted.key)
        )


def denied(reason: str) -> GrpcError:
    """Return PERMISSION_DENIED, in Google's words, with the reason that its emulator tells."""
    return GrpcError(Code.PERMISSION_DENIED, f"Missing or insufficient permissions. {reason}")
