"""What steps do, on the toy graph of TinkerPop's documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conformance.azure.gremlin.conftest import Graph

NAMES = ["josh", "lop", "marko", "peter", "ripple", "vadas"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("g.V().values('name').order()", NAMES),
        ("g.V().count()", [6]),
        ("g.E().count()", [6]),
        ("g.V('1').values('name')", ["marko"]),
        ("g.V(['a', '1']).values('name')", ["marko"]),
        ("g.V([['a', '1'], ['b', '4']]).values('name')", ["marko", "josh"]),
        ("g.V('1', '2').id()", ["1", "2"]),
        ("g.V(1).label()", ["person"]),
        ("g.V().has('pk', 'b').values('name').order()", ["josh", "lop"]),
        ("g.V().hasLabel('software').values('name').order()", ["lop", "ripple"]),
        ("g.V().hasLabel('software', 'person').count()", [6]),
        ("g.V().has('person', 'name', 'josh').id()", ["4"]),
        ("g.V().has('age', gt(30)).values('name').order()", ["josh", "peter"]),
        ("g.V().has('age', P.between(27, 32)).values('age').order()", [27, 29]),
        ("g.V().has('age', inside(27, 32)).values('age')", [29]),
        ("g.V().has('age', outside(28, 32)).values('age').order()", [27, 35]),
        ("g.V().has('age', lt(30).and(gt(27))).values('age')", [29]),
        ("g.V().has('age', lte(27).or(gte(35))).values('age').order()", [27, 35]),
        ("g.V().has('name', within('lop', 'josh')).values('name').order()", ["josh", "lop"]),
        ("g.V().has('name', within(['lop', 'josh'])).count()", [2]),
        ("g.V().has('name', without('lop', 'josh')).count()", [4]),
        ("g.V().has('name', TextP.startingWith('m')).values('name')", ["marko"]),
        ("g.V().has('name', containing('a')).values('name').order()", ["marko", "vadas"]),
        ("g.V().has('name', neq('lop')).count()", [5]),
        ("g.V().has('name', not(eq('lop'))).count()", [5]),
        ("g.V().has('age').count()", [4]),
        ("g.V().hasNot('age').values('name').order()", ["lop", "ripple"]),
        ("g.V().hasId('3').values('name')", ["lop"]),
        ("g.V().has('id', '3').values('name')", ["lop"]),
        ("g.V().has(T.id, '3').has(T.label, 'software').values('name')", ["lop"]),
        ("g.V('1').out().values('name').order()", ["josh", "lop", "vadas"]),
        ("g.V('1').out('knows').values('name').order()", ["josh", "vadas"]),
        ("g.V('3').in('created').values('name').order()", ["josh", "marko", "peter"]),
        ("g.V('4').both().values('name').order()", ["lop", "marko", "ripple"]),
        ("g.V('1').outE('knows').has('weight', 1.0).inV().values('name')", ["josh"]),
        ("g.V('4').bothE().otherV().values('name').order()", ["lop", "marko", "ripple"]),
        ("g.E('7').outV().values('name')", ["marko"]),
        ("g.E('7').bothV().values('name')", ["marko", "vadas"]),
        ("g.E().hasLabel('knows').values('weight').order().by(decr)", [1.0, 0.5]),
        ("g.V('1').valueMap('name', 'age')", [{"name": ["marko"], "age": [29]}]),
        ("g.V('1').valueMap(true, 'name')", [{"id": "1", "label": "person", "name": ["marko"]}]),
        ("g.E('7').valueMap()", [{"weight": 0.5}]),
        ("g.V('1').properties('name').key()", ["name"]),
        ("g.V('1').properties('name').value()", ["marko"]),
        ("g.V('1').properties().hasKey('age').hasValue(29).value()", [29]),
        ("g.E('7').properties('weight')", [{"key": "weight", "value": 0.5}]),
        ("g.V().out('created').dedup().values('name').order()", ["lop", "ripple"]),
        ("g.V().order().by('name').limit(2).values('name')", NAMES[:2]),
        ("g.V().order().by('name', desc).values('name').range(1, 3)", ["ripple", "peter"]),
        ("g.V().values('name').order().tail(2)", NAMES[-2:]),
        ("g.V().values('name').order().skip(4)", NAMES[4:]),
        ("g.V().hasLabel('person').order().by('age', incr).by('name').values('age')", [27, 29, 32, 35]),
        ("g.V().values('age').sum()", [123]),
        ("g.V().values('age').max()", [35]),
        ("g.V().values('age').min()", [27]),
        ("g.V().values('age').mean()", [30.75]),
        ("g.V().values('age').order().fold()", [[27, 29, 32, 35]]),
        ("g.V().values('age').order().fold().unfold().limit(1)", [27]),
        ("g.V().values('age').fold().count(local)", [4]),
        ("g.V().values('age').fold().sum(local)", [123]),
        ("g.V().values('age').order().fold().limit(local, 2)", [[27, 29]]),
        ("g.V().groupCount().by(label)", [{"person": 4, "software": 2}]),
        ("g.V().group().by('pk').by('name').unfold().order().by(keys).select(keys)", [["a"], ["b"], ["c"]]),
        ("g.V().hasLabel('software').group().by('lang').by(values('name').order().fold())",
         [{"java": ["lop", "ripple"]}]),
        ("g.V().group().by(label).by(count())", [{"person": 4, "software": 2}]),
        ("g.V('1', '3').groupCount().by(valueMap('name'))", [{"{name=[marko]}": 1, "{name=[lop]}": 1}]),
        ("g.V('1', '3').groupCount().by(values('name', 'pk').fold())", [{"[marko, a]": 1, "[lop, b]": 1}]),
        ("g.V('1', '3').groupCount().by(properties('name'))", [{"marko": 1, "lop": 1}]),
        ("g.V('1').group().by(properties('name')).by('pk')", [{"marko": ["a"]}]),
        ("g.V('1').properties('name').tree().by('pk').by()", [{"a": {"key": "a", "value": {
            "marko": {"key": "marko", "value": {}}}}}]),
        ("g.V('1').properties('name').dedup().order().by(value).fold().count(local)", [1]),
        ("g.V('1').as('a').properties('name').as('b').select('a', 'b').by('pk').by(key)", [{"a": "a", "b": "name"}]),
        ("g.V('1').properties('name').aggregate('x').cap('x').unfold().value()", ["marko"]),
        ("g.V().groupCount('x').by(label).cap('x')", [{"person": 4, "software": 2}]),
        ("g.V('1').out('knows').order().by('name').path().by('name')",
         [{"labels": [[], []], "objects": ["marko", "josh"]}, {"labels": [[], []], "objects": ["marko", "vadas"]}]),
        ("g.V('1').as('a').out('created').as('b').select('a', 'b').by('name')", [{"a": "marko", "b": "lop"}]),
        ("g.V('1').as('a').out('created').select('a').values('name')", ["marko"]),
        ("g.V('1').as('x').out('knows').as('x').select(all, 'x').count(local)", [2, 2]),
        ("g.V('4').project('n', 'out').by('name').by(outE().count())", [{"n": "josh", "out": 2}]),
        ("g.V('1').out('created').in('created').where(neq('x')).count()", [0]),
        ("g.V('1').as('a').out('created').in('created').where(neq('a')).values('name').order()", ["josh", "peter"]),
        ("g.V().where(out('created').count().is(gte(2))).values('name')", ["josh"]),
        ("g.V().where(__.not(out())).values('name').order()", ["lop", "ripple", "vadas"]),
        ("g.V().not(outE()).count()", [3]),
        ("g.V().and(out('knows'), out('created')).values('name')", ["marko"]),
        ("g.V().or(out('knows'), has('age', 35)).values('name').order()", ["marko", "peter"]),
        ("g.V().as('a').out('knows').where(__.as('a').has('name', 'marko')).count()", [2]),
        ("g.V('1').union(out('knows'), out('created')).values('name').order()", ["josh", "lop", "vadas"]),
        ("g.V('1').coalesce(out('likes'), out('created')).values('name')", ["lop"]),
        ("g.V('2').optional(out()).values('name')", ["vadas"]),
        ("g.V().hasLabel('person').choose(has('age', lt(30)), constant('young'), constant('old')).groupCount()",
         [{"young": 2, "old": 2}]),
        ("g.V('1', '3').choose(label()).option('person', values('age')).option('software', values('lang'))",
         [29, "java"]),
        ("g.V('1').choose(values('name')).option('x', constant(1)).option(none, constant(2))", [2]),
        ("g.V('1').repeat(out()).times(2).values('name').order()", ["lop", "ripple"]),
        ("g.V('1').repeat(out()).until(outE().count().is(0)).dedup().values('name').order()",
         ["lop", "ripple", "vadas"]),
        ("g.V('1').until(has('name', 'ripple')).repeat(out()).path().by('name')",
         [{"labels": [[], [], []], "objects": ["marko", "josh", "ripple"]}]),
        ("g.V('1').repeat(out()).emit().values('name').order()", ["josh", "lop", "lop", "ripple", "vadas"]),
        ("g.V('1').emit().repeat(out()).times(1).values('name').order()", ["josh", "lop", "marko", "vadas"]),
        ("g.V('1').repeat(both().simplePath()).until(has('name', 'peter')).path().by('name').limit(1)",
         [{"labels": [[]] * 3, "objects": ["marko", "lop", "peter"]}]),
        ("g.V('1').both().both().cyclicPath().dedup().values('name')", ["marko"]),
        ("g.V().aggregate('x').limit(1).cap('x').count(local)", [6]),
        ("g.V().limit(2).store('x').by('pk').cap('x').count(local)", [2]),
        ("g.inject(1, 2, 3).map(constant('x'))", ["x", "x", "x"]),
        ("g.inject([3, 1, 2]).order(local)", [[1, 2, 3]]),
        ("g.inject(1, '1', 1, true).dedup().count()", [3]),
        ("g.V('1').flatMap(out('knows')).count()", [2]),
        ("g.V().local(outE().limit(1)).count()", [3]),
        ("g.V('1').identity().constant(5)", [5]),
        ("g.V('1').out('knows').tree().by('name').unfold().select(keys)", [["marko"]]),
        ("g.V().sample(2).count()", [2]),
        ("g.V().order().by(shuffle).count()", [6]),
        ("g.V().hasLabel('nobody')", []),
    ],
)  # fmt: skip
def test_steps(modern: Graph, text: str, found: list[Any]) -> None:
    assert modern(text) == found


def test_elements(modern: Graph) -> None:
    (vertex,) = modern("g.V('1')")
    name = vertex["properties"].pop("name")
    age = vertex["properties"].pop("age")
    assert vertex == {
        "id": "1", "label": "person", "type": "vertex", "properties": {"pk": [{"id": "1|pk", "value": "a"}]},
    }  # fmt: skip
    assert [each["value"] for each in name + age] == ["marko", 29]
    assert modern("g.E('7')") == [
        {"id": "7", "label": "knows", "type": "edge", "inVLabel": "person", "outVLabel": "person", "inV": "2",
         "outV": "1", "properties": {"weight": 0.5}},
    ]  # fmt: skip
    (tree,) = modern("g.V('1').out('created').tree()")
    assert tree["1"]["key"]["label"] == "person"
    assert list(tree["1"]["value"]) == ["3"]


def test_bindings(modern: Graph) -> None:
    bindings = {"who": "marko", "least": 1, "names": ["lop", "vadas"]}
    assert modern("g.V().has('name', who).outE().count().is(gt(least))", bindings) == [3]
    assert modern("g.V().has('name', within(names)).count()", bindings) == [2]


def test_many_results_come_in_parts(modern: Graph) -> None:
    assert len(modern("g.V().union(both(), both(), both(), both(), both(), both(), both())")) == 84
    assert len(modern("g.V()", batchSize=1)) == 6
