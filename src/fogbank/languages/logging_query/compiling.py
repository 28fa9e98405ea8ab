"""From a query's nodes to a test of entries, and to what is known of all entries that can pass it."""

from __future__ import annotations

import ipaddress
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote

from fogbank.languages.logging_query.comparing import ANYTHING, compile_comparison, leaves, read_time, text_of
from fogbank.languages.logging_query.nodes import (
    EARLIEST_NS,
    LATEST_NS,
    Anywhere,
    Both,
    Compare,
    Either,
    InNet,
    LogId,
    Not,
    Sample,
    Search,
    Source,
)
from fogbank.languages.logging_query.schema import DEFAULTS, Kind, resolve
from fogbank.languages.logging_query.searching import contains, read_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fogbank.languages.logging_query.nodes import Node


class Record(Protocol):
    """An entry as queries see it. Times and durations are in nanoseconds, severities are numbers."""

    def field(self, name: str) -> Any:
        """Return a field of the entry by its name in JSON: a plain value, an object, or None if it isn't set."""

    def searched(self) -> Iterable[Any]:
        """Yield the values of the fields that a text is looked for in when no field is named."""


if TYPE_CHECKING:
    Test = Callable[[Record], bool]


class Hints(NamedTuple):
    """What holds of all entries that pass: times from `from_ns` to before `until_ns`, logs by name or id.

    `logs` is None where any log may have some.
    """

    from_ns: int = EARLIEST_NS
    until_ns: int = LATEST_NS
    logs: frozenset[tuple[str, str]] | None = None


NAME, ID = "name", "id"


def compile_node(node: Node) -> Test:
    """Return a node's test of entries; raises `QueryError`."""
    if isinstance(node, Both):
        parts = [compile_node(part) for part in node.parts]
        return lambda record: all(part(record) for part in parts)
    if isinstance(node, Either):
        parts = [compile_node(part) for part in node.parts]
        return lambda record: any(part(record) for part in parts)
    if isinstance(node, Not):
        inner = compile_node(node.inner)
        return lambda record: not inner(record)
    if isinstance(node, Compare):
        return _compare(node)
    if isinstance(node, Anywhere):
        folded = node.text.casefold()
        return lambda record: any(folded in text for text in _folded(record.searched()))
    if isinstance(node, Search):
        return _search(node)
    return _function(node)


def _compare(node: Compare) -> Test:
    path = node.path
    _, kind = resolve(list(path))
    if node.sign == ":" and node.value.text == ANYTHING and not node.value.quoted:
        return lambda record: _value(record, path) is not None
    test = compile_comparison(kind, node.sign, node.value, ".".join(path))
    default = DEFAULTS.get(kind)

    def holds(record: Record) -> bool:
        found = _value(record, path)
        if found is None:
            found = default
            if found is None and not (kind is Kind.FREE and _is_null(record, path)):
                # Comparisons with fields that are missing fail silently.
                return False
        return test(found)

    return holds


def _value(record: Record, path: tuple[str, ...]) -> Any:
    found = record.field(path[0])
    for at, part in enumerate(path[1:], 1):
        if isinstance(found, dict):
            if part not in found:
                # A key may have dots of its own, which a query need not quote.
                return found.get(".".join(path[at:]))
            found = found[part]
        elif isinstance(found, list):
            found = [each[part] for each in found if isinstance(each, dict) and part in each] or None
        else:
            return None
    return found


def _is_null(record: Record, path: tuple[str, ...]) -> bool:
    """Tell whether a payload has an explicit null there."""
    holder = _value(record, path[:-1]) if len(path) > 1 else None
    return isinstance(holder, dict) and path[-1] in holder


def _folded(values: Iterable[Any]) -> Iterable[str]:
    return (text_of(leaf).casefold() for value in values for leaf in leaves(value))


def _search(node: Search) -> Test:
    terms = read_terms(node.query)
    path = node.path
    if not path:
        return lambda record: contains(terms, _folded(record.searched()))
    return lambda record: contains(terms, _folded([_value(record, path)]))


def _function(node: LogId | Source | Sample | InNet) -> Test:
    if isinstance(node, LogId):
        wanted = node.id.casefold()
        return lambda record: unquote(record.field("logName").partition("/logs/")[2]).casefold() == wanted
    if isinstance(node, Source):
        holder = f"{node.name.casefold()}/logs/"
        return lambda record: record.field("logName").casefold().startswith(holder)
    path = node.path
    if isinstance(node, Sample):
        below = int(node.share * 2**32)
        return lambda record: (value := _value(record, path)) is not None and _hash(value) < below
    network = ipaddress.ip_network(node.network, strict=False)

    def is_in(record: Record) -> bool:
        try:
            return ipaddress.ip_address(str(_value(record, path))) in network
        except ValueError:
            return False

    return is_in


def _hash(value: Any) -> int:
    return zlib.crc32(text_of(value).encode())


def hints_of(node: Node) -> Hints:
    """Return what a node tells of all entries that pass it."""
    if isinstance(node, Both):
        hints = Hints()
        for part in node.parts:
            hints = _both(hints, hints_of(part))
        return hints
    if isinstance(node, Either):
        each = [hints_of(part) for part in node.parts]
        logs = [hints.logs for hints in each]
        return Hints(
            min(hints.from_ns for hints in each),
            max(hints.until_ns for hints in each),
            None if None in logs else frozenset().union(*filter(None, logs)),
        )
    if isinstance(node, LogId):
        return Hints(logs=frozenset(((ID, node.id),)))
    if isinstance(node, Compare):
        if node.path == ("logName",) and node.sign == "=":
            return Hints(logs=frozenset(((NAME, node.value.text),)))
        if node.path == ("timestamp",):
            return _times(node)
    return Hints()


def _times(node: Compare) -> Hints:
    at_ns = read_time(node.value.text)
    if at_ns is None:
        return Hints()
    from_ns = at_ns + (node.sign == ">") if node.sign in ("=", ">", ">=", ":") else EARLIEST_NS
    until_ns = at_ns + (node.sign != "<") if node.sign in ("=", "<", "<=", ":") else LATEST_NS
    return Hints(from_ns, until_ns)


def _both(one: Hints, other: Hints) -> Hints:
    if one.logs is None or other.logs is None:
        logs = one.logs if other.logs is None else other.logs
    else:
        # A log's name and its id may be the same log: either is enough to look there.
        logs = one.logs & other.logs or one.logs
    return Hints(max(one.from_ns, other.from_ns), min(one.until_ns, other.until_ns), logs)
