"""Any steps one after another end in results or in an error of the language."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any

import msgspec

from fogbank.clouds.azure.gremlin.shown import show
from fogbank.languages.gremlin.elements import Edge, End, Vertex, VertexProperty
from fogbank.languages.gremlin.errors import GremlinError
from fogbank.languages.gremlin.running import compile_text, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BEGINNINGS = ["V()", "E()", "inject(1,'a',true,[1,2],['k':'v'])"]
STEPS = [
    "out()",
    "in()",
    "both()",
    "outE()",
    "bothE()",
    "otherV()",
    "inV()",
    "bothV()",
    "values()",
    "values('n')",
    "valueMap()",
    "valueMap(true)",
    "propertyMap()",
    "properties()",
    "id()",
    "label()",
    "key()",
    "value()",
    "count()",
    "count(local)",
    "fold()",
    "unfold()",
    "group()",
    "group().by(label)",
    "group().by('n').by(count())",
    "groupCount()",
    "groupCount().by('n')",
    "order()",
    "order().by('n')",
    "order(local)",
    "order(local).by(keys)",
    "order().by(shuffle)",
    "limit(1)",
    "limit(local,1)",
    "range(0,2)",
    "tail()",
    "tail(local,1)",
    "skip(1)",
    "dedup()",
    "dedup().by('n')",
    "path()",
    "path().by('n')",
    "tree()",
    "simplePath()",
    "cyclicPath()",
    "project('a','b').by('n').by(count())",
    "as('a')",
    "select('a')",
    "select('a','b')",
    "select(keys)",
    "select(values)",
    "select(all,'a')",
    "store('x')",
    "aggregate('x')",
    "cap('x')",
    "select('x')",
    "sum()",
    "sum(local)",
    "max()",
    "min(local)",
    "mean()",
    "union(out(),identity())",
    "coalesce(out(),in())",
    "optional(out())",
    "choose(out(),id(),label())",
    "choose(label()).option('p',id())",
    "where(out())",
    "where(neq('a'))",
    "where(__.as('a').out())",
    "and(out(),in())",
    "or(out(),in())",
    "not(out())",
    "is('v')",
    "is(gt(1))",
    "is(within([1,'v']))",
    "inject(1,[2,[3]],['a':[1]])",
    "constant(1)",
    "identity()",
    "map(out())",
    "flatMap(out())",
    "local(out().limit(1))",
    "repeat(out()).times(2)",
    "repeat(both()).until(id().is('2'))",
    "repeat(out()).emit()",
    "has('n')",
    "has('n','v')",
    "has('n',lt(6))",
    "has('p','n','v')",
    "has(T.id,'1')",
    "has('n',is('v'))",
    "hasLabel('p')",
    "hasId('1')",
    "hasNot('n')",
    "hasKey('n')",
    "hasValue('v')",
    "sample(1)",
    "loops()",
]
ONE, TWO = Vertex("1", "p", "x", {}), Vertex("2", "q", "y", {})
ONE.properties["n"] = [VertexProperty("i", "n", "v", ONE, {"m": 1}), VertexProperty("j", "n", 5, ONE, {})]
EDGE = Edge("3", "e", End("1", "p", "x"), End("2", "q", "y"), {"w": 1.5})


class SmallGraph:
    """Two vertices with an edge."""

    partition_key = "pk"

    async def vertices(self, _wanted: Any) -> AsyncIterator[Vertex]:
        yield ONE
        yield TWO

    async def edges(self, _wanted: Any) -> AsyncIterator[Edge]:
        yield EDGE

    async def vertex(self, end: End) -> Vertex:
        return ONE if end.id == "1" else TWO

    async def incident(self, vertex: Vertex, _labels: Any, *, out: bool) -> AsyncIterator[Edge]:
        if (vertex is ONE) == out:
            yield EDGE


async def test_any_steps() -> None:
    chance = random.Random(1)
    graph: Any = SmallGraph()
    for seed in range(1_500):
        steps = [chance.choice(STEPS) for _ in range(chance.randint(1, 6))]
        text = ".".join(["g", chance.choice(BEGINNINGS), *steps])
        with contextlib.suppress(GremlinError):
            results = await run(compile_text(text, {}), graph, seed)
            msgspec.json.encode([show(each) for each in results])
    await asyncio.sleep(0)
