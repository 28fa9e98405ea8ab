"""google.logging.v2.LoggingServiceV2/ListLogEntries.

Google Cloud, "Method: entries.list" (https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from fogbank.clouds.gcp.logging import elsewhere
from fogbank.clouds.gcp.logging.names import DATA_ACCESS, RESOURCES_MAX, read_places
from fogbank.clouds.gcp.logging.records import LogRecord
from fogbank.clouds.gcp.logging.shapes import NS_PER_US, show, time_ns
from fogbank.clouds.gcp.paging import read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid
from fogbank.engines.telemetry import entries
from fogbank.engines.telemetry.entries import Query as Wanted
from fogbank.engines.telemetry.entries import Source
from fogbank.engines.telemetry.model import Place as At
from fogbank.languages.logging_query import ID, PatternError, QueryError, compile_query

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fogbank.clouds.gcp.logging.names import Holder, Place
    from fogbank.clouds.gcp.logging.service import Logging
    from fogbank.engines.telemetry.model import Logged, Name
    from fogbank.languages.logging_query import Hints, Query
    from fogbank.wire.grpc.service import Call

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 1_000
PAGE_BYTES_MAX: Final = 4_194_304
_ORDERS: Final = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}


class Selection(NamedTuple):
    """What a query is asked of: groups and logs, and how what is found there is named and tested."""

    sources: tuple[Source, ...]
    query: Query
    holders: dict[Name, Holder]
    # Groups of which only is seen what a discreet view shows.
    discreet: frozenset[Name] = frozenset()

    def log_name(self, logged: Logged) -> str:
        """Return the full name of an entry's log."""
        holder = self.holders[logged.group]
        is_own = logged.group[0] == holder.scope
        return holder.log_name(logged.stream if is_own else elsewhere.log_id_of(logged.group))

    def dressed(self, logged: Logged) -> Logged:
        """Return an entry with all that Google's entries have."""
        holder = self.holders[logged.group]
        return logged if logged.group[0] == holder.scope else elsewhere.dress(logged, holder)

    def matches(self) -> Callable[[Logged], bool] | None:
        """Return the test of entries."""
        test = self.query.matches
        if test is None:
            return self._shows if self.discreet else None
        return lambda logged: self._shows(logged) and test(LogRecord(self.dressed(logged), self.log_name(logged)))

    def _shows(self, logged: Logged) -> bool:
        return logged.group not in self.discreet or logged.stream != DATA_ACCESS

    def show(self, logged: Logged) -> Any:
        """Return an entry as the API shows it."""
        return show(self.dressed(logged), self.log_name(logged))


async def list_log_entries(logging: Logging, call: Call, request: Any) -> Any:
    """Return entries of logs in order of time; a page may be empty and be followed by others, as documented."""
    del call
    if request.order_by.lower() not in _ORDERS:
        raise invalid(
            "order_by", f'Invalid order_by "{request.order_by}"; it must be "timestamp asc" or "timestamp desc".'
        )
    if not 0 <= request.page_size <= PAGE_SIZE_MAX:
        raise invalid("page_size", f"page_size must be between 0 and {PAGE_SIZE_MAX}, but is {request.page_size}.")
    newest_first = _ORDERS[request.order_by.lower()]
    names = list(request.resource_names)
    selection = select(names, request.filter)
    digest = blake2b("\0".join((*names, request.filter, str(newest_first))).encode(), digest_size=6).hexdigest()
    hints = selection.query.hints
    wanted = Wanted(
        from_us=max(0, hints.from_ns // NS_PER_US),
        until_us=max(0, -(-hints.until_ns // NS_PER_US)),
        beyond=_read_token(request.page_token, digest),
        newest_first=newest_first,
        limit=request.page_size or PAGE_SIZE,
        bytes_max=PAGE_BYTES_MAX,
        matches=selection.matches(),
    )
    try:
        page = await logging.store.scan(entries.read_several, selection.sources, wanted)
    except PatternError as error:
        raise invalid("filter", f"The filter's regular expression can't be applied: {error}") from None
    response = logging.message("ListLogEntriesResponse")()
    response.entries.extend(in_order([selection.show(logged) for logged in page.entries], newest_first=newest_first))
    if page.beyond is not None:
        response.next_page_token = write_page_token(f"{page.beyond.at_us}/{page.beyond.id}/{digest}")
    return response


def in_order(found: list[Any], *, newest_first: bool) -> list[Any]:
    """Return entries by time, and of the same time by their insert ids."""
    return sorted(found, key=lambda entry: (time_ns(entry.timestamp), entry.insert_id), reverse=newest_first)


def select(names: list[str], text: str) -> Selection:
    """Return what a filter is asked of in resources; raises `GrpcError`."""
    places = read_places(names)
    try:
        query = compile_query(text)
    except QueryError as error:
        raise invalid("filter", f"Unparseable filter: {error}") from None
    sources: list[Source] = []
    holders: dict[Name, Holder] = {}
    discreet: set[Name] = set()
    for place in sorted(places, key=lambda place: place.discreet):
        for source in _sources(place, query.hints):
            if source.group not in holders:
                holders[source.group] = place.holder
                sources.append(source)
                if place.discreet:
                    discreet.add(source.group)
    return Selection(tuple(sources), query, holders, frozenset(discreet))


def _sources(place: Place, hints: Hints) -> Sequence[Source]:
    """Return where a place's entries are that a query may find."""
    if hints.logs is None:
        return [Source(group) for group in place.groups]
    prefix = f"{place.holder}/logs/"
    ids = {
        text if kind == ID else unquote(text.removeprefix(prefix))
        for kind, text in hints.logs
        if kind == ID or text.startswith(prefix)
    }
    others = [Source(group) for group in map(elsewhere.group_of, sorted(ids)) if group is not None]
    own = [log_id for log_id in sorted(ids) if elsewhere.group_of(log_id) is None]
    by_group = {group: [log_id for log_id in own if place.holder.group(log_id) == group] for group in place.groups}
    return [*(Source(group, chosen) for group, chosen in by_group.items() if chosen), *others[:RESOURCES_MAX]]


def _read_token(token: str, digest: str) -> At | None:
    if not token:
        return None
    at_us, _, rest = read_page_token(token).partition("/")
    number, _, made_for = rest.partition("/")
    if made_for != digest or not (at_us.isdecimal() and number.isdecimal()):
        raise invalid("page_token", "page_token doesn't match arguments from the request")
    return At(int(at_us), int(number))
