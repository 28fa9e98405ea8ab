"""Queries by the index find what looking at every document finds, in the same order; paths and patterns."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from fogbank.clouds.gcp.firestore.events.watches import compile_pattern
from fogbank.clouds.gcp.firestore.field_paths import read_path, write_path
from fogbank.clouds.gcp.firestore.names import read_database, read_parent
from fogbank.clouds.gcp.firestore.querying.plans import Query, read_query
from fogbank.clouds.gcp.firestore.querying.running import find_results
from fogbank.clouds.gcp.firestore.shape import configuration
from fogbank.clouds.gcp.firestore.writing.commits import apply
from fogbank.clouds.gcp.firestore.writing.writes import plan
from fogbank.engines.documents import collections
from fogbank.wire.grpc.status import GrpcError
from fogbank.wire.grpc.types import protobuf_types

if TYPE_CHECKING:
    from fogbank.clouds.gcp.firestore.querying.candidates import Candidate
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

DATABASE = read_database("projects/a-project/databases/(default)")
QUERIES = 100
_FIELDS = ("a", "b", "m.x", "tags")


def message(name: str) -> Any:
    types = protobuf_types()
    types.load("fogbank.clouds.gcp", "mixins")
    types.load("fogbank.clouds.gcp.firestore", "descriptors")
    return types.message(f"google.firestore.v1.{name}")()


def _fill(value: Any, chance: random.Random, *, scalar: bool = False) -> None:
    kind = chance.randrange(6 if scalar else 8)
    if kind == 0:
        value.null_value = 0
    elif kind == 1:
        value.double_value = chance.choice([float("nan"), 1.0, 2.5, -1e300])
    elif kind in {2, 3, 4}:
        value.integer_value = chance.randrange(5)
    elif kind == 5:
        value.string_value = chance.choice(["", "a", "a\0", "b", "x" * 1_600 + chance.choice("ab")])
    elif kind == 6:
        value.array_value.SetInParent()
        for _ in range(chance.randrange(3)):
            _fill(value.array_value.values.add(), chance, scalar=True)
    else:
        _fill(value.map_value.fields["x"], chance, scalar=True)


def _write(path: str, chance: random.Random) -> Any:
    write = message("Write")
    write.update.name = f"{DATABASE.root}/{path}"
    write.update.SetInParent()
    for name in ("a", "b", "m"):
        if chance.random() < 0.8:
            _fill(write.update.fields[name], chance)
    if chance.random() < 0.8:
        tags = write.update.fields["tags"].array_value
        tags.SetInParent()
        for _ in range(chance.randrange(4)):
            _fill(tags.values.add(), chance, scalar=True)
    return plan(write)


def _filter(target: Any, chance: random.Random) -> None:
    target.field.field_path = chance.choice(_FIELDS)
    target.op = chance.choice([1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10])
    if target.op in {8, 9, 10}:
        for _ in range(chance.randrange(1, 4)):
            _fill(target.value.array_value.values.add(), chance, scalar=True)
    else:
        _fill(target.value, chance, scalar=target.op == 7)


def _query(chance: random.Random) -> Query | None:
    structured = message("StructuredQuery")
    selector = getattr(structured, "from").add()
    selector.collection_id = "rooms"
    selector.all_descendants = chance.random() < 0.3
    count = chance.randrange(4)
    if count:
        composite = structured.where.composite_filter
        composite.op = chance.choice([1, 1, 1, 2])
        for _ in range(count):
            _filter(composite.filters.add().field_filter, chance)
    for path in chance.sample([*_FIELDS, "__name__"], chance.randrange(3)):
        structured.order_by.add(direction=chance.choice([1, 2])).field.field_path = path
    if chance.random() < 0.4:
        structured.limit.value = chance.randrange(1, 8)
        structured.offset = chance.randrange(3)
    if structured.order_by and structured.order_by[0].field.field_path != "__name__" and chance.random() < 0.5:
        cursor = chance.choice([structured.start_at, structured.end_at])
        cursor.before = chance.random() < 0.5
        _fill(cursor.values.add(), chance, scalar=True)
    try:
        return read_query(read_parent(DATABASE.root), structured)
    except GrpcError:
        return None


async def test_the_index_finds_what_is_there(store: Store, ids: Ids) -> None:
    chance = random.Random(7)
    await store.run(collections.create, DATABASE, ids.sequence(), configuration(DATABASE, ids.sequence()))
    paths = [f"rooms/{number:03d}" for number in range(60)] + [f"x/1/rooms/{number}" for number in range(15)]
    states = []
    for _ in range(2):
        writes = [_write(path, chance) for path in paths if chance.random() < 0.7]
        await store.run(apply, DATABASE, writes, ids.sequences(len(writes)), None, ids.sequence)
        states.append(await _everything(store))
    for number in range(QUERIES):
        query = _query(chance)
        # As it is, and as it was before half of it was written again.
        at_us, candidates = states[number % 2]
        if query is None:
            continue
        fitting = query.sort([each for each in candidates if query.holds(each.path) and query.fits(each)])
        end = None if query.limit is None else query.offset + query.limit
        wanted = [(each.path, each.document.version) for each in fitting[query.offset : end]]
        found = (await store.read(find_results, query, at_us)).found
        assert [(each.path, each.document.version) for each in found] == wanted, query


async def _everything(store: Store) -> tuple[int, list[Candidate]]:
    """Return every document, and the time of that."""
    every = message("StructuredQuery")
    getattr(every, "from").add(all_descendants=True)
    results = await store.read(find_results, read_query(read_parent(DATABASE.root), every))
    return results.read_time_us, results.found


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("users/{user}", "users/ann", True),
        ("users/{user}", "users/ann/notes/x", False),
        ("users/*/notes/{note}", "users/ann/notes/x", True),
        ("users/{rest=**}", "users/ann/notes/x", True),
        ("**", "a/b", True),
        (r"users/\{x\}", "users/{x}", True),
        (r"users/\{x\}", "users/y", False),
        ("users/a.c", "users/abc", False),
    ],
)
def test_patterns(pattern: str, path: str, fits: bool) -> None:
    assert bool(compile_pattern(pattern).fullmatch(path)) is fits


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.b_1", ("a", "b_1")),
        ("`a.b`.c", ("a.b", "c")),
        (r"`\`\\`", ("`\\",)),
        ("`1`", ("1",)),
        ("__name__", ("__name__",)),
    ],
)
def test_field_paths(text: str, path: tuple[str, ...]) -> None:
    assert read_path(text) == path
    assert write_path(path) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "1a", "a-b", "`a", "a b", "``"])
def test_what_is_no_field_path(text: str) -> None:
    with pytest.raises(GrpcError, match="Invalid property path"):
        read_path(text)
