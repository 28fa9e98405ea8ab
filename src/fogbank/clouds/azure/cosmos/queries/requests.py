"""Queries as requests ask them: their text, their parameters, what they are compiled to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.cosmos.errors import bad_request, query_refused
from fogbank.languages.cosmos_sql.computed import expand
from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.queries import parse
from fogbank.languages.cosmos_sql.running import Program, base_row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.clouds.azure.cosmos.calls import CosmosCall
    from fogbank.clouds.azure.cosmos.resources.definitions import Layout

# Clients have two headers that say it.
IS_QUERY: Final = (b"x-ms-documentdb-isquery", b"x-ms-documentdb-query")
IS_PLAN: Final = b"x-ms-cosmos-is-query-plan-request"
PAGE: Final = b"x-ms-max-item-count"
CONTINUATION: Final = b"x-ms-continuation"
ITEMS_MAX: Final = 1_000
_COMPILED_MAX: Final = 512
_ENTIRE: Final = "SELECT * FROM c"


class Query(NamedTuple):
    """A query that is asked: `parameters` are the row that all its rows begin with."""

    text: str
    program: Program
    parameters: dict[str, Any]


def within(query: Query, layout: Layout) -> Query:
    """Return a query as it is run in a container."""
    return query._replace(parameters={**query.parameters, **layout.beside}) if layout.beside else query


def is_query(call: CosmosCall) -> bool:
    """Whether a POST asks something."""
    if any(call.is_set(name) for name in IS_QUERY) or call.is_set(IS_PLAN):
        return True
    return call.header(b"content-type").startswith("application/query+json")


async def read_query(call: CosmosCall) -> Query:
    """Return the query in a request's body, or raise the error for what is none."""
    return make_query(await call.read_json(), call.now_us)


def make_query(body: Any, now_us: int) -> Query:
    """Return the query that a value describes, or raise the error for what is none."""
    if isinstance(body, str):
        body = {"query": body}
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise bad_request("The request payload is invalid: it has no query.")
    parameters: dict[str, Any] = {}
    given = body.get("parameters") or []
    if not isinstance(given, list):
        raise bad_request("The parameters of a query must be a list.")
    for each in given:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name.startswith("@"):
            raise bad_request("A parameter of a query must have a name that begins with '@'.")
        if "value" in each:
            parameters[name] = each["value"]
    return query_of(body["query"], parameters, now_us)


def query_of(text: str, parameters: dict[str, Any], now_us: int) -> Query:
    """Return a query, or raise the error for what is none; the names of parameters begin with `@`."""
    return Query(text, compiled(text), base_row(parameters, now_us))


def everything(call: CosmosCall) -> Query:
    """Return the query that finds all."""
    return query_of(_ENTIRE, {}, call.now_us)


def compiled(text: str) -> Program:
    """Return what a query's text is compiled to."""
    try:
        return _compiled(text)
    except QueryError as error:
        raise query_refused(error) from None


@lru_cache(maxsize=_COMPILED_MAX)
def _compiled(text: str) -> Program:
    return Program(parse(text))


def with_computed(query: Query, computed: Sequence[Mapping[str, str]]) -> Query:
    """Return a query whose computed properties are what they stand for; raises `QueryError`."""
    definitions = tuple((each["name"], each["query"]) for each in computed)
    return query._replace(program=_expanded(query.text, definitions))


@lru_cache(maxsize=_COMPILED_MAX)
def _expanded(text: str, definitions: tuple[tuple[str, str], ...]) -> Program:
    plain = _compiled(text)
    if not plain.alias:
        return plain
    expanded = expand(plain.query, plain.alias, {name: parse(query) for name, query in definitions})
    return Program(expanded, written=plain.query)


def page_size(call: CosmosCall) -> int:
    """Return how many results a page may have."""
    given = call.header(PAGE)
    if not given or given == "-1":
        return ITEMS_MAX
    if not given.isdigit() or not int(given[:10]):
        raise bad_request(f"The value '{given}' specified for the header 'x-ms-max-item-count' is invalid.")
    return min(int(given[:10]), ITEMS_MAX)
