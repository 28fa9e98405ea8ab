"""The nodes of a query, and what a query tells of where its entries are to be looked for."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

# Nobody looks for entries beyond these.
EARLIEST_NS: Final = -(2**62)
LATEST_NS: Final = 2**62


class Both(NamedTuple):
    """All of several."""

    parts: tuple[Node, ...]


class Either(NamedTuple):
    """At least one of several."""

    parts: tuple[Node, ...]


class Not(NamedTuple):
    """What the inner one isn't."""

    inner: Node


class Literal(NamedTuple):
    """A value as it is written; `quoted` ones are text whatever they look like."""

    text: str
    quoted: bool = False


class Compare(NamedTuple):
    """A field compared with a value; the path's first part is in the spelling of the schema."""

    path: tuple[str, ...]
    sign: str
    value: Literal


class Anywhere(NamedTuple):
    """Any field has a text in it."""

    text: str


class LogId(NamedTuple):
    """The log has that id, in whatever project."""

    id: str


class Source(NamedTuple):
    """The log is one of that project, folder, organization or billing account."""

    name: str


class Sample(NamedTuple):
    """A share of all entries, chosen by a field."""

    path: tuple[str, ...]
    share: float


class InNet(NamedTuple):
    """A field is an address in a network."""

    path: tuple[str, ...]
    network: str


class Search(NamedTuple):
    """A field, or any (the empty path), has all words and phrases of a query."""

    path: tuple[str, ...]
    query: str


Node: TypeAlias = "Both | Either | Not | Compare | Anywhere | LogId | Source | Sample | InNet | Search"
